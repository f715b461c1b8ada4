#!/bin/bash
# SPDX-License-Identifier: MIT
# apply and discard work on a running job; the program sees what became of it.
. "$(dirname "$0")/../lib.sh"
need_sandbox

echo old | tee a b >c
inside <<'IN' &
echo new | tee a b >c
touch "$T/wrote"
wait_until 20 test -e "$T/applied"
expect_file a new
expect_file b old
expect_file c new
echo again >a
expect_file a again
touch "$T/seen"
wait_until 20 test -e "$T/stop"
IN
pid=$!
wait_until 20 test -e "$T/wrote"
job=$(job_newest)
expect_status 0 "$WRIT" status -j "$job"
expect_status 0 "$WRIT" apply -j "$job" '~/a'
expect_file a new
expect_status 0 "$WRIT" discard -j "$job" '~/b'
touch "$T/applied"
wait_until 20 test -e "$T/seen"
expect_file a new
expect_file b old
expect_file c old
touch "$T/stop"
wait "$pid"
expect_status 0 "$WRIT" status -j "$job"
expect_status 0 "$WRIT" apply -j "$job"
expect_file a again
expect_file c new
