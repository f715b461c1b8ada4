#!/bin/bash
# SPDX-License-Identifier: MIT
# for: root
# mknod c 0 0 is stored as itself and is no marker; devices can be made by root.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir d
echo old >d/f
keep_real
inside <<'IN'
mknod d/zero c 0 0
expect_eq "$(stat -c '%F %t:%T' d/zero)" "character special file 0:0"
ls d | grep -qx zero || fail "not listed"
rm d/f
mknod d/f c 0 0
expect_eq "$(stat -c %F d/f)" "character special file"
mv d/f d/g
expect_eq "$(stat -c %F d/g)" "character special file"
expect_no d/f
chown 5:6 d/zero
expect_eq "$(stat -c %u:%g d/zero)" 5:6
IN
same_real
