#!/bin/bash
# SPDX-License-Identifier: MIT
# Hard links do not cross the border of a grant; refused names are not linked.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir g
echo a >g/a
echo b >b
keep_real "$HOME"
inside --allow '~/g' <<'IN'
expect_errno EXDEV 'os.link("g/a", "a")'
expect_errno EXDEV 'os.link("b", "g/b")'
IN
same_real
inside --allow '~/g' <<'IN'
ln g/a g/a2
expect_eq "$(stat -c %h g/a)" 2 nlink
ln b b2
expect_eq "$(stat -c %h b)" 2 nlink
expect_eq "$(stat -c %i b)" "$(stat -c %i b2)" "inode number"
echo changed >b2
expect_file b changed
rm b
expect_eq "$(stat -c %h b2)" 1 nlink
expect_file b2 changed
IN
expect_eq "$(stat -c %h g/a)" 2 "real nlink"
expect_file b b
