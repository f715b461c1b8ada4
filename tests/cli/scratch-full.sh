#!/bin/bash
# SPDX-License-Identifier: MIT
# for: root
# timeout: 120
# When scratch is full the program gets ENOSPC; what was there stays whole.
. "$(dirname "$0")/../lib.sh"
need_sandbox

head -c 20000000 /dev/urandom >big
echo small >small
keep_real
mount -t tmpfs -o size=8m,mode=700 tmpfs "$HOME/.local/state/writfs"
inside <<'IN'
echo first >made
expect_errno ENOSPC 'put("big", b"x")'
got=$(sys '
fd = os.open("filler", WR | CREAT)
for i in range(4000):
    os.write(fd, b"x" * 4096)')
[ "$got" = ENOSPC ] || fail "filling scratch: $got"
rm filler
expect_file made first
expect_eq "$(stat -c %s big)" 20000000
echo more >>small
IN
same_real
umount "$HOME/.local/state/writfs"
