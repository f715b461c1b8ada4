#!/bin/bash
# SPDX-License-Identifier: MIT
# A copy-up keeps holes and attributes.
. "$(dirname "$0")/../lib.sh"
need_sandbox

truncate -s 1G hole
printf 'data' | dd of=hole bs=1 seek=500000000 conv=notrunc status=none
setfattr -n user.mine -v x hole
chmod 640 hole
touch -d '2001-02-03 UTC' hole
keep_real_stat=$(stat -c '%s %b %Y %a' hole)
inside <<'IN'
printf 'more' | dd of=hole bs=1 seek=700000000 conv=notrunc status=none
expect_eq "$(dd if=hole bs=1 skip=500000000 count=4 status=none)" data
expect_eq "$(dd if=hole bs=1 skip=700000000 count=4 status=none)" more
expect_eq "$(stat -c %s hole)" 1073741824
[ "$(stat -c %b hole)" -lt 10000 ] || fail "not sparse: $(stat -c %b hole) blocks"
expect_eq "$(getfattr --only-values -n user.mine hole)" x
expect_eq "$(stat -c %a hole)" 640
IN
expect_eq "$(stat -c '%s %b %Y %a' hole)" "$keep_real_stat"
scratch_kb=$(du -sk .local/state/writfs/jobs | cut -f1)
[ "$scratch_kb" -lt 5000 ] || fail "scratch has $scratch_kb kB"
