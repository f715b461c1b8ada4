#!/bin/bash
# SPDX-License-Identifier: MIT
# mount takes the generic options and fsname=; an unknown one is bad use.
. "$(dirname "$0")/../lib.sh"
need_mount

mkdir d
echo f >d/f
"$WRIT" mount -o fsname=mine,noatime,nodev,nosuid,rw "$HOME/d"
grep -q "^mine $HOME/d fuse" /proc/self/mounts || fail "fsname: $(grep "$HOME/d" /proc/self/mounts)"
grep " $HOME/d fuse" /proc/self/mounts | grep -q noatime || fail "no noatime"
umount_at "$HOME/d"
"$WRIT" mount -o ro "$HOME/d"
expect_errno EROFS 'put("d/x", b"x", WR | CREAT)'
expect_file d/f f
umount_at "$HOME/d"
expect_status 2 "$WRIT" mount -o nonsense "$HOME/d"
expect_err nonsense
expect_lines "$ERR" 1
for bad in "$HOME/none" "$HOME/d/f"; do
	got=0
	"$WRIT" mount "$bad" >"$OUT" 2>"$ERR" || got=$?
	case $got in 2 | 3) ;; *) fail "mount $bad: status $got" ;; esac
	expect_lines "$ERR" 1
done
refute "something is mounted" -- grep -q " $HOME/" /proc/self/mounts
