#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a job writ run says that it runs there; WRIT_JOB alone is not being inside.
. "$(dirname "$0")/../lib.sh"
need_sandbox

inside <<'IN'
[ -n "$WRIT_JOB" ]
expect_status 5 "$WRIT" run -- sh -c 'echo "$WRIT_JOB" >job; exit 5'
expect_err "^writ: inside job $WRIT_JOB already"
expect_lines "$ERR" 1
expect_file job "$WRIT_JOB"
expect_status 127 "$WRIT" run -q -- no-such-program-anywhere
expect_status 125 "$WRIT" run -q -j other-1 -- true
mkdir d
expect_status 2 "$WRIT" mount d
expect_lines "$ERR" 1
expect_err 'inside job'
IN
expect_no job
WRIT_JOB=sh-99 run -- sh -c 'echo "$WRIT_JOB"' >"$OUT"
expect_out '^sh-[0-9]+$'
refute "WRIT_JOB was taken over" -- grep -qx sh-99 "$OUT"
