#!/bin/bash
# SPDX-License-Identifier: MIT
# A tree deeper than PATH_MAX is made, walked, renamed and removed.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir g
cat >"$T/deep.py" <<'IN'
import os, sys
top = os.open(sys.argv[1], os.O_RDONLY)
name = "d" * 100
os.fchdir(top)
for i in range(60):
    os.mkdir(name)
    os.chdir(name)
    with open("f", "w") as file:
        file.write(str(i))
with open("f") as file:
    assert file.read() == "59"
os.rename("f", "moved")
os.chdir("..")
os.rename(name + "/moved", "up")
with open("up") as file:
    assert file.read() == "59"
IN
keep_real
inside <<'IN'
mkdir d
/usr/bin/python3 -I "$T/deep.py" d
expect_eq "$(find d -type d | wc -l)" 61 directories
rm -rf d
expect_no d
IN
same_real
inside --allow '~/g' <<'IN'
/usr/bin/python3 -I "$T/deep.py" g
IN
expect_eq "$(find g -type d | wc -l)" 61 "real directories"
inside <<'IN'
rm -rf g
expect_no g
IN
expect_eq "$(find g -type d | wc -l)" 61 "real directories"
