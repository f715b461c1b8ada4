#!/bin/bash
# SPDX-License-Identifier: MIT
# A job that is running cannot be continued beside itself.
. "$(dirname "$0")/../lib.sh"
need_sandbox

run -- sh -c "touch '$T/up'; while [ ! -e '$T/stop' ]; do sleep 0.05; done" &
pid=$!
wait_until 10 test -e "$T/up"
job=$(job_newest)
expect_status 125 "$WRIT" run -j "$job" -- touch "$T/started"
expect_err "$job"
expect_no "$T/started"
touch "$T/stop"
wait "$pid"
