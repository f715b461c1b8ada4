#!/bin/bash
# SPDX-License-Identifier: MIT
# Signals reach the program; timeout works; nothing of the job is left.
. "$(dirname "$0")/../lib.sh"
need_sandbox

expect_status 124 timeout 1 "$WRIT" run -q -- sleep 100
"$WRIT" run -q -- sh -c "trap 'echo term >\"$T/got\"; exit 9' TERM; touch '$T/up'; while :; do sleep 0.05; done" &
pid=$!
wait_until 10 test -e "$T/up"
kill -TERM "$pid"
got=0
wait "$pid" || got=$?
expect_eq "$got" 9 status
expect_file "$T/got" term

# What the program leaves running ends with the job.
run -- sh -c "(trap '' HUP TERM; while :; do sleep 0.05; touch '$T/alive'; done) & exit 0"
rm -f "$T/alive"
sleep 0.3
expect_no "$T/alive"
