#!/bin/bash
# SPDX-License-Identifier: MIT
# A command that has to wait says so on a terminal after a second, and ends with 1 and the name of
# who is in the way when the wait is over. Two reviewers never work on one job at once.
. "$(dirname "$0")/../lib.sh"
need_sandbox

run -- sh -c 'echo x >file'
lock=$HOME/.local/state/writfs/jobs/sh-1/review.lock
locked() { ! flock -n "$lock" true; }

flock "$lock" sleep 3 &
wait_until 5 locked
cat >"$T/steps" <<'STEPS'
expect writ: looking at the changes, 1 s
expect 1 applied
end 0
STEPS
/usr/bin/python3 -B "$SRC/tests/support/terminal.py" "$T/steps" "$WRIT" apply
expect_file file x
wait

run -j sh-1 -- sh -c 'echo again >file'
flock "$lock" sleep 12 &
wait_until 5 locked
expect_status 1 "$WRIT" apply -j sh-1
expect_lines "$ERR" 1
expect_err '^writ: .*sh-1'
expect_file file x
# Looking needs no lock.
expect_status 0 "$WRIT" status -j sh-1
wait
