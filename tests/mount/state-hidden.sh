#!/bin/bash
# SPDX-License-Identifier: MIT
# writfs's own directory does not exist inside the job.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p only/x
inside <<'IN'
expect_no .local/state/writfs
expect_eq "$(ls -A .local/state)" ""
expect_errno ENOENT 'os.listdir(".local/state/writfs")'
expect_errno ENOENT 'os.stat(".local/state/writfs/jobs")'
expect_eq "$(find . -name writfs | wc -l)" 0
rmdir .local/state
expect_no .local/state
rm -rf .local
expect_no .local
IN
[ -d .local/state/writfs/jobs ] || fail "the state directory is gone"
[ -n "$(job_newest)" ]
