#!/bin/bash
# SPDX-License-Identifier: MIT
# Names: 255 bytes, any byte but NUL and slash, and names that look like somebody's markers.
. "$(dirname "$0")/../lib.sh"
need_sandbox

cat >"$T/names.py" <<'IN'
import errno, os, sys
where = sys.argv[1]
long = b"n" * 255
names = [b"a b", b"-rf", b"new\nline", b"tab\t", b"\xff\xfe", "\u00e4\U0001f600".encode(), b"*", b"?",
         b"[x]", b"\\", b"~", b"..x", b"...", b".wh.x", b".wh..wh..opq", b".writfs", b"user.writfs",
         b"con", b"'", b'"', b"$HOME", b"\x1b[31m", long]
os.chdir(where)
for name in names:
    with open(name, "wb") as file:
        file.write(name)
assert sorted(os.listdir(b".")) == sorted(names), os.listdir(b".")
for name in names:
    with open(name, "rb") as file:
        assert file.read() == name, name
    assert os.lstat(name).st_size == len(name)
for what in (lambda p: open(p, "wb"), os.stat, os.mkdir, os.unlink, os.rmdir,
             lambda p: os.rename(names[0], p), lambda p: os.symlink("x", p)):
    try:
        what(b"n" * 256)
        sys.exit("256 bytes were taken")
    except OSError as error:
        assert error.errno == errno.ENAMETOOLONG, error
for name in names[:-3]:
    os.rename(name, b"r" + name[:200])
assert len(os.listdir(b".")) == len(names)
IN
mkdir d g
keep_real
inside <<'IN'
/usr/bin/python3 -I "$T/names.py" d
expect_eq "$(find d -print0 | tr -dc '\0' | wc -c)" 24 "names found"
IN
same_real
inside --allow '~/g' <<'IN'
/usr/bin/python3 -I "$T/names.py" g
IN
inside <<'IN'
rm -rf g
expect_no g
mkdir g
expect_eq "$(ls -A g)" ""
IN
