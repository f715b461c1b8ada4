#!/bin/bash
# SPDX-License-Identifier: MIT
# for: root
# Root in a job is root: it changes owners, becomes other users, mounts in its own namespace, and
# has its terminals; for real nothing changes.
. "$(dirname "$0")/../lib.sh"
need_sandbox
need setpriv script unshare

chmod 755 "$T"
echo old >f
keep_real
inside <<'IN'
chown 33:34 f
expect_eq "$(stat -c %u:%g f)" 33:34
expect_eq "$(setpriv --reuid 33 --regid 34 --clear-groups id -u)" 33
setpriv --reuid 33 --regid 34 --clear-groups sh -c 'echo theirs >f'
expect_file f theirs
refute "another user writes in root's directory" -- \
	setpriv --reuid 33 --regid 34 --clear-groups touch new 2>/dev/null
mkdir m
mount -t tmpfs none m
touch m/x
umount m
unshare --user --map-root-user --mount true
expect_eq "$(script -qec 'test -t 0 && echo terminal' /dev/null </dev/null | tr -d '\r')" terminal
refute "a device node can be made" -- mknod disk b 254 0 2>/dev/null
IN
same_real
