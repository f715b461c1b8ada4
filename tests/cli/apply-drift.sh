#!/bin/bash
# SPDX-License-Identifier: MIT
# What changed in the job after it was shown is not applied until it is shown again.
. "$(dirname "$0")/../lib.sh"
need_sandbox

echo old | tee a >b
inside <<'IN'
echo one | tee a >b
IN
job=$(job_newest)
expect_status 0 "$WRIT" diff -j "$job"
expect_out '\+one'
inside -j "$job" <<'IN'
echo two >a
IN
expect_status 1 "$WRIT" apply -j "$job"
expect_file a old
expect_file b one
expect_status 0 "$WRIT" diff -j "$job"
expect_out '\+two'
expect_status 0 "$WRIT" apply -j "$job"
expect_file a two
