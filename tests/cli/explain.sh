#!/bin/bash
# SPDX-License-Identifier: MIT
# explain names the deciding rule with its place, all others that match, and follows links.
. "$(dirname "$0")/../lib.sh"

mkdir -p .config/writfs work/sub keys
cd work
cat >"$HOME/.config/writfs/policy.json" <<'JSON'
{ "v": 1,
  "filesystem": {
    "redirectWrite": ["**/.env*"],
    "refuseWrite": ["~/keys"],
    "denyRead": ["~/keys/secret"] } }
JSON
echo x >"$HOME/keys/secret"
ln -s ../keys link
expect_status 0 "$WRIT" explain file .env.local ~/keys/secret ~/other /etc/passwd link
expect_quiet
cat >"$T/want" <<'EOT'
~/work/file · missing
  create, write  granted  allow ~/work (workspace): the job works here
  read           real
~/work/.env.local · missing
  create, write  redirected  redirect **/.env* (~/.config/writfs/policy.json:3)
  read           real
  also matches               allow ~/work (workspace): the job works here
~/keys/secret · file
  write  refused  refuse ~/keys (~/.config/writfs/policy.json:4)
  read   hidden   hide ~/keys/secret (~/.config/writfs/policy.json:5)
~/other · missing
  create, write  redirected  no rule names it
  read           real
/etc/passwd · file
  outside every root: writes are real and not recorded
~/work/link · symlink, leads to ~/keys
  write  granted  allow ~/work (workspace): the job works here
  read   real
~/keys · directory
  write            refused  refuse ~/keys (~/.config/writfs/policy.json:4)
  read             real
  new names in it  refused  unless a rule names them
EOT
sed "s|$HOME|~|g" "$OUT" | diff -u "$T/want" - || fail "explain says something else"

# Through a link, and in a directory where all is the same.
expect_status 0 "$WRIT" explain link/new
expect_out '^~/work/link/new · missing, is ~/keys/new$'
expect_out 'refused  refuse ~/keys '
expect_status 0 "$WRIT" explain -n --allow '~/w?rk/**' sub
expect_out '^  write +granted +allow ~/w\?rk/\*\* \(command line\)$'

# Hard links.
echo x >one
ln one two
expect_status 0 "$WRIT" explain one
expect_out 'the file has 2 names'

expect_status 0 "$WRIT" explain --json file .env.local ~/keys/secret ~/keys link /etc/passwd
check "the schema" -- \
	"$SRC/tests/support/schema_check.py" "$SRC/config/schema/explain.schema.json" "$OUT"
/usr/bin/python3 - "$OUT" <<'PY'
import json, sys
file, env, secret, keys, link, target, passwd = json.load(open(sys.argv[1]))["paths"]
assert file["write"] == "granted" and file["rule"]["source"] == "workspace", file
assert env["write"] == "redirected" and env["rule"]["line"] == 3, env
assert [r["kind"] for r in env["matches"]] == ["redirectWrite", "allowWrite"], env
assert secret["hidden"] and secret["hide_rule"]["pattern"] == "~/keys/secret", secret
assert keys["type"] == "directory" and keys["new_names"] == "refused", keys
assert link["type"] == "symlink" and link["target"] == target["path"] == keys["path"]
assert passwd["outside"] and "write" not in passwd
PY

# Names that are not text, and those that would move the cursor.
expect_status 0 "$WRIT" explain "$(printf 'a\033[2Jb')" "$(printf 'c\377')"
expect_out 'a\\x1b\[2Jb · missing'
expect_out 'c\\xff · missing'
expect_status 0 "$WRIT" explain --json "$(printf 'c\377')"
check "the schema" -- \
	"$SRC/tests/support/schema_check.py" "$SRC/config/schema/explain.schema.json" "$OUT"
expect_out '"path_b64":"'
