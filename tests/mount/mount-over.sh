#!/bin/bash
# SPDX-License-Identifier: MIT
# writ mount DIR covers DIR with itself: everything is redirected, the list shows it.
. "$(dirname "$0")/../lib.sh"
need_mount

mkdir d
echo old >d/f
keep_real "$HOME/d"
expect_status 0 "$WRIT" mount "$HOME/d"
expect_eq "$(cat "$OUT" "$ERR")" "" "words of mount"
grep -q " $HOME/d fuse" /proc/self/mounts || fail "not mounted"
expect_file d/f old
echo new >d/f
echo made >d/made
rm -f d/gone
expect_file d/f new
expect_status 0 "$WRIT" mount
expect_out "~/d "
expect_status 0 "$WRIT" umount "$HOME/d"
expect_eq "$(cat "$OUT" "$ERR")" "" "words of umount"
same_real "$HOME/d"
expect_status 0 "$WRIT" mount
refute "listed after umount" -- grep -q "~/d " "$OUT"
refute "umount of what is not mounted succeeded" -- "$WRIT" umount "$HOME/d" 2>"$ERR"
