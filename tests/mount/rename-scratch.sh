#!/bin/bash
# SPDX-License-Identifier: MIT
# Redirected names are renamed in scratch, with the flags of renameat2.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p d/sub full
echo a >d/a
echo b >d/b
echo c >d/c
echo x >full/x
keep_real
inside <<'IN'
mv d/a d/moved
expect_no d/a
expect_file d/moved a
rename() { expect_errno "$1" "rename('$2', '$3', ${4:-0})"; }
rename ok d/b d/c
expect_no d/b
expect_file d/c b
rename EEXIST d/moved d/c NOREPLACE
rename ok d/moved d/fresh NOREPLACE
rename ok d/fresh d/c EXCHANGE
expect_file d/fresh b
expect_file d/c a
rename ENOENT d/none d/x
rename ENOENT d/c d/none EXCHANGE
rename EINVAL d/c d/w WHITEOUT
mkdir -p new/sub
echo n >new/sub/n
rename ok new d/new
expect_file d/new/sub/n n
rename EINVAL d/new d/new/sub/below
rename ENOTEMPTY d/new full
rename EISDIR d/c d/new
rename ENOTDIR d/new d/c
mkdir empty
rename ok d/new empty
expect_file empty/sub/n n
echo o >o
exec 3<o
mv o p
expect_eq "$(cat <&3)" o
IN
same_real
