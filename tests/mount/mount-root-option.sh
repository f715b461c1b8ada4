#!/bin/bash
# SPDX-License-Identifier: MIT
# writ mount --root A B shows A at B.
. "$(dirname "$0")/../lib.sh"
need_mount

mkdir a b
echo old >a/f
keep_real "$HOME/a"
"$WRIT" mount --root "$HOME/a" "$HOME/b"
expect_file b/f old
echo new >b/f
mkdir -p b/x/y
expect_file b/f new
expect_file a/f old
umount_at "$HOME/b"
same_real "$HOME/a"
expect_eq "$(ls -A b)" "" "names in the mount point"
