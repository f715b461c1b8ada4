#!/bin/bash
# SPDX-License-Identifier: MIT
# Mount points are found from the current directory, through links and with blanks.
. "$(dirname "$0")/../lib.sh"
need_mount

mkdir "with blank" real
ln -s real link
cd "with blank"
echo old >f
"$WRIT" mount .
cd "$HOME/with blank"
expect_file f old
echo new >f
expect_file f new
cd "$HOME"
"$WRIT" umount "with blank"
expect_file "with blank/f" old
"$WRIT" mount link
echo x >real/x
"$WRIT" umount link
expect_no real/x
