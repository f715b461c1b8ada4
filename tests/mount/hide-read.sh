#!/bin/bash
# SPDX-License-Identifier: MIT
# A hidden name is listed, shows mode 0000, and cannot be read, by uid 0 either.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p h/sub plain
echo secret >h/f
echo secret >h/sub/f
echo secret >one
ln -s one link
setfattr -n user.mine -v secret one
keep_real
inside --hide '~/h' --hide '~/one' --hide '~/link' <<'IN'
ls | grep -qx h || fail "not listed"
ls | grep -qx one || fail "not listed"
expect_eq "$(stat -c %a one)" 0
expect_eq "$(stat -c %a h)" 0
expect_errno EACCES 'get("one")'
expect_errno EACCES 'os.listdir("h")'
expect_errno EACCES 'get("h/f")'
expect_errno EACCES 'os.stat("h/f")'
expect_errno EACCES 'os.stat("h/sub/f")'
expect_errno EACCES 'os.readlink("link")'
expect_errno EACCES 'os.getxattr("one", "user.mine")'
expect_errno EACCES 'os.rename("one", "two")'
expect_errno EACCES 'os.link("one", "two")'
expect_errno EACCES 'put("one", b"x", RW)'
expect_eq "$(grep -rs secret . | wc -l)" 0 "files with the secret"
rm -f one
expect_no one
IN
same_real
