#!/bin/bash
# SPDX-License-Identifier: MIT
# A redirected write leaves the real file as it was, and the job sees what it wrote.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir d
echo old >f
echo old >d/f
setfattr -n user.mine -v kept f
keep_real
inside <<'IN'
echo new >f
echo more >>d/f
echo fresh >d/new
mkdir -p made/here
echo deep >made/here/f
expect_file f new
expect_file d/f "$(printf 'old\nmore')"
expect_file d/new fresh
expect_file made/here/f deep
expect_eq "$(ls d)" "$(printf 'f\nnew')"
expect_eq "$(getfattr --only-values -n user.mine f)" kept
IN
same_real
job=$(job_newest)
inside -j "$job" <<'IN'
expect_file f new
expect_file d/f "$(printf 'old\nmore')"
expect_file made/here/f deep
echo newer >f
IN
same_real
inside -j "$job" <<'IN'
expect_file f newer
IN
