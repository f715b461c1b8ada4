#!/bin/bash
# SPDX-License-Identifier: MIT
# chmod, times and xattrs of a redirected file copy no data.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir d
head -c 30000000 /dev/urandom >d/big
sum=$(sha256sum <d/big)
keep_real
inside <<'IN'
chmod 0600 d/big
touch -d '2001-02-03 04:05:06.789012345 UTC' d/big
setfattr -n user.note -v hello d/big
chmod 0711 d
setfattr -n user.dir -v d d
expect_eq "$(stat -c %a d/big)" 600
expect_eq "$(stat -c %.9Y d/big)" 981173106.789012345
expect_eq "$(getfattr --only-values -n user.note d/big)" hello
expect_eq "$(stat -c %a d)" 711
expect_eq "$(getfattr --only-values -n user.dir d)" d
IN
same_real
scratch_kb=$(du -sk .local/state/writfs/jobs | cut -f1)
[ "$scratch_kb" -lt 5000 ] || fail "scratch has $scratch_kb kB"
job=$(job_newest)
SUM=$sum inside -j "$job" <<'IN'
expect_eq "$(sha256sum <d/big)" "$SUM"
expect_eq "$(stat -c %a d/big)" 600
expect_eq "$(stat -c %.9Y d/big)" 981173106.789012345
echo end >>d/big
expect_eq "$(stat -c %a d/big)" 600
expect_eq "$(getfattr --only-values -n user.note d/big)" hello
expect_eq "$(stat -c %s d/big)" 30000004
IN
same_real
