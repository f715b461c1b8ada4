#!/bin/bash
# SPDX-License-Identifier: MIT
# A name with a version in scratch stays redirected when a later policy grants it.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir d
echo old >d/f
echo old >d/gone
keep_real
inside <<'IN'
echo scratch >d/f
rm d/gone
echo made >d/made
IN
job=$(job_newest)
inside -j "$job" --allow '~/d' <<'IN'
expect_file d/f scratch
expect_no d/gone
echo again >d/f
echo again >d/made
expect_file d/f again
IN
same_real
inside -j "$job" --allow '~/d' <<'IN'
expect_file d/f again
expect_file d/made again
echo real >d/real
IN
expect_file d/real real
expect_file d/f old
expect_no d/made
