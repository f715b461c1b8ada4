#!/bin/bash
# SPDX-License-Identifier: MIT
# Within a grant a rename is one real rename, of directories too.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p g/dir/sub g/empty
echo a >g/a
echo b >g/b
echo s >g/dir/sub/s
ino=$(stat -c %i g/dir/sub/s)
inside --allow '~/g' <<'IN'
ino=$(stat -c %i g/dir/sub/s)
mv g/a g/moved
expect_errno ok 'rename("g/moved", "g/b", EXCHANGE)'
expect_file g/b a
expect_file g/moved b
expect_errno EEXIST 'rename("g/b", "g/moved", NOREPLACE)'
expect_errno EINVAL 'rename("g/b", "g/w", WHITEOUT)'
expect_errno ok 'rename("g/dir", "g/empty")'
expect_file g/empty/sub/s s
expect_no g/dir
expect_eq "$(stat -c %i g/empty/sub/s)" "$ino" "inode number"
IN
expect_file g/b a
expect_file g/moved b
expect_file g/empty/sub/s s
expect_no g/a g/dir
expect_eq "$(stat -c %i g/empty/sub/s)" "$ino" "real inode number"
