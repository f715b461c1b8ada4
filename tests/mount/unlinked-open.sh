#!/bin/bash
# SPDX-License-Identifier: MIT
# Open files outlive their name and their mode, as git needs: 0444, unlinked, mode 0.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir g
for where in . g; do
	echo lower >$where/lower
	echo shut >$where/shut
done
keep_real "$HOME/lower"
inside --allow '~/g' <<'IN'
for where in . g; do
	cd "$where"
	expect_errno ok '
fd = os.open("made", RW | CREAT | EXCL, 0o444)
os.write(fd, b"pack ")
os.write(fd, b"data")
assert get("made") == b"pack data"
os.rename("made", "moved")
os.write(fd, b"!")
assert get("moved") == b"pack data!"
os.unlink("moved")
assert os.fstat(fd).st_nlink == 0, "nlink"
os.write(fd, b"?")
assert os.pread(fd, 100, 0) == b"pack data!?", os.pread(fd, 100, 0)
os.ftruncate(fd, 4)
assert os.fstat(fd).st_size == 4
os.close(fd)

fd = os.open("lower", RW)
os.unlink("lower")
assert os.pread(fd, 100, 0) == b"lower\n"
os.pwrite(fd, b"L", 0)
assert os.pread(fd, 100, 0) == b"Lower\n"

fd = os.open("shut", RW)
os.chmod("shut", 0)
os.pwrite(fd, b"S", 0)
os.fsync(fd)
assert os.pread(fd, 100, 0) == b"Shut\n"
'
	expect_no moved made lower
	cd "$OLDPWD"
done
chmod 600 shut
expect_file shut Shut
IN
same_real "$HOME/lower"
