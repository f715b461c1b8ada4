#!/bin/bash
# SPDX-License-Identifier: MIT
# A granted file renamed to a redirected name moves to scratch.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir g
echo mine >g/f
echo old >other
inside --allow '~/g' <<'IN'
mv g/f out
expect_no g/f
expect_file out mine
echo made >g/made
mv g/made other
expect_file other made
IN
expect_no g/f g/made out
expect_file other old
inside -j "$(job_newest)" --allow '~/g' <<'IN'
expect_file out mine
expect_file other made
IN
