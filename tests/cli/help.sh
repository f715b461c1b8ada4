#!/bin/bash
# SPDX-License-Identifier: MIT
# Every command teaches itself; no screen names a command that does not exist.
. "$(dirname "$0")/../lib.sh"

expect_status 0 "$WRIT" help
expect_quiet
cp "$OUT" "$T/first"
expect_status 0 "$WRIT" --help
check "--help is help" -- cmp "$OUT" "$T/first"
# The first screen fits a screen.
[ "$(wc -l <"$OUT")" -le 34 ] || fail "help has $(wc -l <"$OUT") lines"

expect_status 0 "$WRIT" help --json
check "the schema" -- "$SRC/tests/support/schema_check.py" "$SRC/config/schema/help.schema.json" "$OUT"
/usr/bin/python3 - "$OUT" >"$T/names" <<'PY'
import json, sys
document = json.load(open(sys.argv[1], encoding="utf-8"))
for kind in ("commands", "topics"):
    for row in document[kind]:
        print(kind, row["name"])
PY
expect_lines "$T/names" 18

: >"$T/all"
while read -r kind name; do
	grep -q "^  $name  " "$T/first" || fail "the first screen does not name $name"
	expect_status 0 "$WRIT" help "$name"
	expect_quiet
	cat "$OUT" >>"$T/all"
	[ "$(wc -L <"$OUT")" -le 100 ] || fail "a line of help $name is too long"
	[ "$kind" = commands ] || continue
	expect_out '^Options$'
	expect_out '^Examples$'
	expect_out '^Exit status$'
	expect_out "^    writ $name( |\$)"
	expect_out '^  -h, --help '
	expect_status 0 "$WRIT" "$name" --help
	cp "$OUT" "$T/help"
	expect_status 0 "$WRIT" "$name" -h --nonsense
	check "-h is --help" -- cmp "$OUT" "$T/help"
done <"$T/names"
cat "$T/first" >>"$T/all"

# Commands of other versions: none is taught, and none is known.
for word in review undo allow suggest setup trust import export profiles save load; do
	! grep -Eq "writ (policy |jobs )?$word" "$T/all" || fail "help names writ $word"
done
for word in review undo allow suggest setup; do
	expect_status 2 "$WRIT" "$word"
	expect_lines "$ERR" 1
	expect_err "^writ: \"$word\": unknown command"
done
for word in "policy trust" "policy import" "jobs save" "jobs load"; do
	# shellcheck disable=SC2086 # two words
	expect_status 2 "$WRIT" $word
	expect_err "unknown word \"${word#* }\""
done

# Topics may be typed as they are read, and are found near.
expect_status 0 "$WRIT" help exit codes
expect_out '^  125 '
expect_status 2 "$WRIT" help redirct
expect_err '^writ: help: no command or topic "redirct" \(did you mean "redirect"\?\)$'
expect_status 0 "$WRIT" help policy
expect_out 'policy files: grants'

expect_status 0 "$WRIT" --version
expect_out '^writ [0-9]+\.[0-9]+\.[0-9]+$'
expect_status 0 "$WRIT" -V
