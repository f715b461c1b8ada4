#!/bin/bash
# SPDX-License-Identifier: MIT
# Mounts that could only look into themselves or cover writ's own records are refused.
. "$(dirname "$0")/../lib.sh"
need_mount

mkdir -p a/b d
expect_status 2 "$WRIT" mount --root a a/b
expect_lines "$ERR" 1
expect_err 'would show itself'
expect_status 2 "$WRIT" mount "$HOME"
expect_lines "$ERR" 1
expect_err 'own records'
mount_at "$HOME/d"
expect_status 2 "$WRIT" mount d
expect_lines "$ERR" 1
expect_err 'already'
# In use: it stays, and says so.
cd d
expect_status 1 "$WRIT" umount "$HOME/d"
expect_lines "$ERR" 1
cd ..
umount_at "$HOME/d"
refute "something is mounted" -- grep -q " $HOME/" /proc/self/mounts
