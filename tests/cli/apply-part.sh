#!/bin/bash
# SPDX-License-Identifier: MIT
# apply takes the paths that are named and leaves the rest for the next time.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p a b
echo old >a/f
echo old >b/f
keep_real "$HOME/b"
inside <<'IN'
echo new >a/f
mkdir a/made
echo deep >a/made/f
echo new >b/f
echo made >b/made
IN
job=$(job_newest)
expect_status 0 "$WRIT" apply -j "$job" '~/a'
expect_file a/f new
expect_file a/made/f deep
same_real "$HOME/b"
expect_status 0 "$WRIT" apply -j "$job" '~/b/f'
expect_file b/f new
expect_no b/made
expect_status 0 "$WRIT" apply -j "$job"
expect_file b/made made
expect_status 0 "$WRIT" status -j "$job" --exit-code
expect_status 0 "$WRIT" jobs
expect_out "^$job .* decided "
expect_status 2 "$WRIT" apply -j "$job" '~/none'
expect_lines "$ERR" 1
expect_err none
