#!/bin/bash
# SPDX-License-Identifier: MIT
# for: user
# Modes mean what they mean natively: for the owner without rights, sticky and set-id bits.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir d shut
echo s >d/secret
chmod 000 d/secret
echo x >shut/x
chmod 500 shut
keep_real "$HOME/shut"
inside <<'IN'
expect_errno EACCES 'get("d/secret")'
expect_errno EACCES 'put("d/secret", b"x")'
expect_errno EACCES 'put("shut/new", b"x", WR | CREAT)'
expect_errno EACCES 'os.unlink("shut/x")'
got=$(sys 'os.chown("d/secret", 0, 0)')
case $got in EPERM | EINVAL) ;; *) fail "chown: $got" ;; esac
chmod 600 d/secret
expect_eq "$(stat -c %a d/secret)" 600
umask 027
echo u >masked
mkdir maskdir
expect_eq "$(stat -c %a masked maskdir)" "$(printf '640\n750')"
echo x >suid
chmod 6755 suid
expect_eq "$(stat -c %a suid)" 6755
echo y >>suid
expect_eq "$(stat -c %a suid)" 755 "set-id bits after a write"
chmod 700 shut
echo n >shut/new
expect_file shut/new n
chmod 000 d
expect_errno EACCES 'os.listdir("d")'
chmod 755 d
IN
same_real "$HOME/shut"
