#!/bin/bash
# SPDX-License-Identifier: MIT
# A supervisor that is killed takes the job with it; what was written and recorded stays.
. "$(dirname "$0")/../lib.sh"
need_sandbox

echo old >f
keep_real
"$WRIT" run -q -- sh -c "echo new >f; echo made >made; touch '$T/wrote'; sleep 100" &
pid=$!
wait_until 10 test -e "$T/wrote"
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
job=$(job_newest)
same_real
expect_status 0 "$WRIT" status -j "$job"
expect_out 'made'
expect_status 0 "$WRIT" log -j "$job"
expect_out 'made'
# The daemon, which holds the job, hears of it a moment later.
wait_until 10 run -j "$job" -- true
inside -j "$job" <<'IN'
expect_file f new
expect_file made made
IN
expect_status 0 "$WRIT" apply -j "$job"
expect_file f new
expect_file made made
