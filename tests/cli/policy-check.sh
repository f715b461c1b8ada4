#!/bin/bash
# SPDX-License-Identifier: MIT
# policy check: file:line:column of the first error, status 2, as text and as JSON.
. "$(dirname "$0")/../lib.sh"

schema=$SRC/config/schema/policy-check.schema.json
good() {
	expect_status 0 "$WRIT" policy check p.json
	expect_quiet
	expect_out '^no error, [0-9]+ rules$'
	expect_status 0 "$WRIT" policy check --json p.json
	check "the schema" -- "$SRC/tests/support/schema_check.py" "$schema" "$OUT"
	expect_out '"ok":true'
}
bad() { # PLACE WORDS
	expect_status 2 "$WRIT" policy check p.json
	expect_lines "$ERR" 1
	expect_err "^writ: p\.json:$1: .*$2"
	expect_status 2 "$WRIT" policy check --json p.json
	expect_quiet
	check "the schema" -- "$SRC/tests/support/schema_check.py" "$schema" "$OUT"
	expect_out "\"error\":\"p\.json:$1: "
}

cat >p.json <<'JSON'
// What this is for
{
  "v": 1,
  "filesystem": { /* lists */
    "allowWrite": ["./", "~/.cache/pip"],
    "denyWrite": ["**/.env*"],
  },
}
JSON
good
printf '{\n  "filesystem": {\n    "allowWrites": []\n  }\n}\n' >p.json
bad 3:5 'unknown key "allowWrites" \(did you mean "allowWrite"\?\)'
printf '{\n  "v": 1,\n  "filesystem": {"allowWrite": ["~/a", 7]}\n}\n' >p.json
bad 3:40 'allowWrite'
printf '{\n "v": 1,\n "v": 1 }' >p.json
bad 3:2 '"v"'
printf '{"v": 1, "filesystem": {"allowWrite": ["ä", "{a,b"]}}' >p.json
bad 1:45 'a,b'
printf '{"v": 1, "filesystem": ' >p.json
bad '1:[0-9]+' ''
printf '[]' >p.json
bad 1:1 'object'
printf '{"v": 1}}' >p.json
bad 1:9 ''
printf '{"v": 1, "filesystem": {"allowWrite": ["a\\u0000b"]}}' >p.json
bad 1:[0-9]+ ''
/usr/bin/python3 -c 'print("[" * 100000)' >p.json
bad 1:[0-9]+ ''
/usr/bin/python3 -c 'import json
print(json.dumps({"filesystem": {"allowWrite": ["{a,b}" * 11]}}))' >p.json
bad 1:[0-9]+ ''
/usr/bin/python3 -c 'import json
print(json.dumps({"filesystem": {"allowWrite": [f"~/{i}" for i in range(30000)]}}))' >p.json
bad 1:[0-9]+ ''
# Large and odd, and right.
/usr/bin/python3 -c 'import json
print(json.dumps({"filesystem": {"allowWrite": ["**/" * 1000 + "x"] +
    [f"~/{i}/*.txt" for i in range(10000)]}}))' >p.json
good
# Not even read.
truncate -s 100M p.json
expect_status 2 "$WRIT" policy check p.json
expect_lines "$ERR" 1
expect_err '^writ: p\.json.*1\.0 MB'
rm p.json
expect_status 2 "$WRIT" policy check p.json
expect_eq "$(cat "$ERR")" 'writ: p.json: No such file or directory'
mkdir p.json
expect_status 2 "$WRIT" policy check p.json
expect_lines "$ERR" 1

# Without a file: all that a run here would read.
expect_status 0 "$WRIT" policy check
mkdir -p .config/writfs
echo '{"v": 2}' >.config/writfs/policy.json
expect_status 2 "$WRIT" policy check
expect_err 'policy\.json:1:7: '
