#!/bin/bash
# SPDX-License-Identifier: MIT
# -j continues a job; an unknown one ends with 125 before anything starts.
. "$(dirname "$0")/../lib.sh"
need_sandbox

echo old >f
inside <<'IN'
echo one >f
IN
job=$(job_newest)
inside -j "$job" <<'IN'
expect_file f one
echo two >f
IN
inside -j "$job" <<'IN'
expect_file f two
IN
inside <<'IN'
expect_file f old
IN
expect_status 125 "$WRIT" run -j nobody-99 -- touch "$T/started"
expect_err 'nobody-99'
expect_lines "$ERR" 1
expect_no "$T/started"
expect_file f old
