#!/bin/bash
# SPDX-License-Identifier: MIT
# A mount ends by umount(8) or fusermount3 too, and its daemon with it.
. "$(dirname "$0")/../lib.sh"
need_mount

mkdir d
"$WRIT" mount "$HOME/d"
echo x >d/x
if is_root; then
	umount "$HOME/d"
else
	fusermount3 -u "$HOME/d"
fi
expect_no d/x
"$WRIT" mount "$HOME/d"
umount_at "$HOME/d"
