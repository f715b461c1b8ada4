#!/bin/bash
# SPDX-License-Identifier: MIT
# Without -j the only job is meant; with several, what changes something lists them, status 2.
. "$(dirname "$0")/../lib.sh"
need_sandbox

expect_status 2 "$WRIT" apply
expect_lines "$ERR" 1
run -- sh -c 'echo one >one'
expect_status 0 "$WRIT" status
expect_out one
run -- sh -c 'echo two >two'
expect_status 2 "$WRIT" apply
expect_no one two
expect_status 2 "$WRIT" discard
first=$("$WRIT" jobs --json | /usr/bin/python3 -c 'import json, sys
print(json.load(sys.stdin)["jobs"][-1]["id"])')
WRIT_JOB=$first expect_status 0 "$WRIT" apply
expect_file one one
expect_no two
expect_status 2 "$WRIT" apply -j nobody-1
expect_lines "$ERR" 1
