#!/bin/bash
# SPDX-License-Identifier: MIT
# A deleted name is gone in the job, stays real, and does not come back.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p d/sub
echo old >d/f
echo old >d/sub/g
ln -s f d/link
mkfifo d/fifo
keep_real
inside <<'IN'
expect_errno ENOTEMPTY 'os.rmdir("d")'
expect_errno EISDIR 'os.unlink("d/sub")'
rm d/f d/link d/fifo
expect_no d/f d/link d/fifo
expect_eq "$(ls d)" sub
expect_errno ENOENT 'get("d/f")'
expect_errno ENOENT 'os.unlink("d/f")'
echo new >d/f
expect_file d/f new
expect_eq "$(ls d)" "$(printf 'f\nsub')"
rm d/f
expect_no d/f
rm -r d
expect_no d
[ -z "$(ls)" ] || fail "home is not empty: $(ls)"
IN
same_real
job=$(job_newest)
inside -j "$job" <<'IN'
expect_no d
mkdir d
expect_eq "$(ls -A d)" ""
expect_no d/f d/sub
IN
same_real
