#!/bin/bash
# SPDX-License-Identifier: MIT
# A real file that changed outside since is not replaced; the rest is applied, status 1.
. "$(dirname "$0")/../lib.sh"
need_sandbox

echo old | tee a b gone deleted >same
inside <<'IN'
echo mine | tee a b gone same >made
rm deleted
IN
job=$(job_newest)
echo theirs >b
rm gone
echo mine >same
echo theirs >made
echo theirs >deleted
expect_status 1 "$WRIT" apply -j "$job"
expect_out 'conflict'
expect_file a mine
expect_file b theirs
expect_file same mine
expect_file made theirs
expect_file deleted theirs
expect_no gone
# What was not applied is still there.
inside -j "$job" <<'IN'
expect_file b mine
expect_file made mine
IN
