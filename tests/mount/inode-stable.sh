#!/bin/bash
# SPDX-License-Identifier: MIT
# Inode numbers stay over copy-up, chmod, rename and a continued job; d_ino agrees.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p d g
echo a >d/f
echo b >d/h
echo g >g/f
cat >"$T/numbers.py" <<'IN'
import os, sys
for path in sys.argv[1:]:
    st = os.lstat(path)
    entry = next(e for e in os.scandir(os.path.dirname(path) or ".")
                 if e.name == os.path.basename(path))
    assert entry.inode() == st.st_ino, f"d_ino of {path}"
    print(st.st_dev, st.st_ino)
IN
inside --allow '~/g' <<'IN'
numbers() { /usr/bin/python3 -I "$T/numbers.py" "$@"; }
before=$(numbers d d/f d/h g/f)
echo more >>d/f
chmod 0600 d/h
echo more >>g/f
expect_eq "$(numbers d d/f d/h g/f)" "$before" "after copy-up"
echo more >>d/h
expect_eq "$(numbers d d/f d/h g/f)" "$before" "after the second copy-up"
mv d/f d/moved
expect_eq "$(numbers d d/moved d/h g/f)" "$before" "after rename"
echo new >d/new
numbers d/moved d/h d/new g/f | cut -d ' ' -f 2 >"$T/numbers"
IN
inside -j "$(job_newest)" --allow '~/g' <<'IN'
expect_eq "$(/usr/bin/python3 -I "$T/numbers.py" d/moved d/h d/new g/f | cut -d ' ' -f 2)" \
	"$(cat "$T/numbers")" "in the continued job"
IN
