#!/bin/bash
# SPDX-License-Identifier: MIT
# policy show: roots, workspace, notes, and each rule with its place, built-in ones last.
. "$(dirname "$0")/../lib.sh"

mkdir -p .config/writfs work "$T/elsewhere"
echo '{"v":1, "filesystem":
  {"allowWrite": ["~/.cache/{a,b}"]}}' >.config/writfs/policy.json
echo '{"v":1, "filesystem": {"allowWrite": ["~/x"], "refuseWrite": ["LICENSE"]}}' >work/.writ.json
cd work
expect_status 0 "$WRIT" policy show --root "$T/elsewhere" --hide '~/.ssh'
expect_quiet
expect_out "^roots +"
expect_out '^workspace  ~/work, granted$'
expect_out '^note .*\.writ\.json: allowWrite not counted'
expect_out '^  allow +~/\.cache/\{a,b\} +~/\.config/writfs/policy\.json:2'
expect_out '^  refuse +LICENSE +.*\.writ\.json:1'
expect_out '^  hide +~/\.ssh +command line'
expect_out '^  allow +~/work +workspace +the job works here'
expect_eq "$(grep -c 'cache/{a,b}' "$OUT")" 1 "one line for each pattern that was written"
order=$(grep -nE 'cache/\{a,b\}|LICENSE|command line' "$OUT" | cut -d: -f1 | paste -sd' ')
expect_eq "$order" "$(tr ' ' '\n' <<<"$order" | sort -n | paste -sd' ')" "order of the sources"
[ "$(grep -n '^rules:' "$OUT" | cut -d: -f1)" -lt "$(grep -n '^built-in' "$OUT" | cut -d: -f1)" ]
# `writ policy` is show.
cp "$OUT" "$T/show"
expect_status 0 "$WRIT" policy --root "$T/elsewhere" --hide '~/.ssh'
check "show is the default" -- cmp "$OUT" "$T/show"

expect_status 0 "$WRIT" policy show -n
expect_out '^workspace  none: '
! grep -q 'cache/{a,b}' "$OUT" || fail "-n shows a grant"
cd
expect_status 0 "$WRIT" policy show
expect_out '^workspace  none: .*home'

expect_status 0 "$WRIT" policy show --json
check "the schema" -- \
	"$SRC/tests/support/schema_check.py" "$SRC/config/schema/policy-show.schema.json" "$OUT"

# It fails as run does, with its own status.
echo '{"v":1,' >.config/writfs/policy.json
expect_status 2 "$WRIT" policy show
expect_lines "$ERR" 1
expect_err '^writ: .*policy\.json:[12]:[0-9]+: '
expect_status 2 "$WRIT" explain x
expect_err 'policy\.json'
