#!/bin/bash
# SPDX-License-Identifier: MIT
# for: root
# As root with allow_other other users have their own permissions and ownership.
. "$(dirname "$0")/../lib.sh"
need_mount
need setpriv setfacl

chmod 755 "$T" "$HOME"
mkdir -p d/theirs d/mine d/shared
chown 12345:23456 d/theirs
chmod 700 d/mine
chmod 1777 d/shared
echo r >d/readable
echo s >d/secret
chmod 600 d/secret
install -m 4755 /bin/true d/suid
setfacl -m u:12345:r d/secret
keep_real "$HOME/d"
other() { setpriv --reuid 12345 --regid 23456 --clear-groups -- env OUT="$T/o.out" "$@"; }
export -f expect_errno sys fail caller_line_
"$WRIT" mount -o allow_other,default_permissions,dev,suid "$HOME/d"
expect_eq "$(other cat d/readable)" r
expect_eq "$(other cat d/secret)" s
as() { other bash -c "cd '$HOME/d' && expect_errno $1 \"\$1\"" x "$2"; }
as EACCES 'put("readable", b"x")'
as EACCES 'os.listdir("mine")'
as EACCES 'os.mkdir("new")'
as ok 'os.mkdir("theirs/new")'
as ok 'put("theirs/f", b"theirs", WR | CREAT)'
as ok 'put("shared/f", b"x", WR | CREAT)'
as EPERM 'os.chown("theirs/f", 0, 0)'
as EPERM 'os.chmod("readable", 0o777)'
echo root >d/shared/root
as EPERM 'os.unlink("shared/root")'
as EACCES 'put("shared/root", b"x")'
expect_eq "$(stat -c %u:%g d/theirs/f)" 12345:23456
expect_eq "$(stat -c %u:%g d/theirs/new)" 12345:23456
expect_eq "$(stat -c %u:%g d/shared/root)" 0:0
chown 1:2 d/shared/root
expect_eq "$(stat -c %u:%g d/shared/root)" 1:2
chmod 2777 d/theirs
echo x >d/theirs/inherits
expect_eq "$(stat -c %g d/theirs/inherits)" 23456
expect_eq "$(stat -c %a d/suid)" 4755
setfacl -d -m u:12345:rw d/shared
echo x >d/shared/acl
getfacl -c d/shared/acl 2>/dev/null | grep -q '^user:12345:rw' || fail "default ACL not inherited"
mknod d/null c 1 3
chmod 666 d/null
echo x >d/null
expect_eq "$(cat d/null)" ""
mknod d/zero c 0 0
expect_eq "$(stat -c %t:%T d/zero)" 0:0
umount_at "$HOME/d"
same_real "$HOME/d"
