#!/bin/bash
# SPDX-License-Identifier: MIT
# Extended attributes: set, list, remove; the names of the format can be neither set nor seen.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir g
echo f >f
echo f >g/f
setfattr -n user.old -v 1 f
keep_real "$HOME/f"
inside --allow '~/g' <<'IN'
for file in f g/f; do
	setfattr -n user.new -v 2 "$file"
	expect_eq "$(getfattr --only-values -n user.new "$file")" 2
	expect_errno EEXIST "os.setxattr('$file', 'user.new', b'3', os.XATTR_CREATE)"
	expect_errno ENODATA "os.setxattr('$file', 'user.none', b'3', os.XATTR_REPLACE)"
	expect_errno ENODATA "os.getxattr('$file', 'user.none')"
	setfattr -x user.new "$file"
	expect_errno ENODATA "os.getxattr('$file', 'user.new')"
	expect_errno ENODATA "os.removexattr('$file', 'user.new')"
done
setfattr -n user.new -v "$(head -c 3000 /dev/zero | tr '\0' x)" f
expect_eq "$(getfattr --only-values -n user.new f | wc -c)" 3000
setfattr -x user.old f
expect_eq "$(sys 'say(sorted(os.listxattr("f")))')" "['user.new']"
for name in user.writfs user.writfs.x; do
	got=$(sys "os.setxattr('f', '$name', b'1')")
	[ "$got" != ok ] || fail "$name could be set"
done
expect_eq "$(sys 'say(sorted(os.listxattr("f")))')" "['user.new']"
IN
same_real "$HOME/f"
