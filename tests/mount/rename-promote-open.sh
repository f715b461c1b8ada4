#!/bin/bash
# SPDX-License-Identifier: MIT
# After a promotion open descriptors and mappings still are that file.
. "$(dirname "$0")/../lib.sh"
need_sandbox

echo old >conf
inside --allow '~/conf' <<'IN'
expect_errno ok '
fd = os.open("tmp", RW | CREAT, 0o644)
os.write(fd, b"first ")
before = os.fstat(fd).st_ino
os.rename("tmp", "conf")
os.write(fd, b"second")
os.fsync(fd)
assert os.fstat(fd).st_ino == before == os.stat("conf").st_ino, "inode number"
assert get("conf") == b"first second", get("conf")
'
IN
expect_file conf "first second"
