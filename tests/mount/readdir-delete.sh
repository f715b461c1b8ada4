#!/bin/bash
# SPDX-License-Identifier: MIT
# Deleting 5,000 files while listing them misses none and lists none twice.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir d g
(cd d && seq -f 'file-%05g' 5000 | xargs touch)
(cd g && seq -f 'file-%05g' 5000 | xargs touch)
keep_real "$HOME/d"
inside --allow '~/g' <<'IN'
seen='
seen = set()
with os.scandir("DIR") as entries:
    for entry in entries:
        assert entry.name not in seen, entry.name
        seen.add(entry.name)
        os.unlink("DIR/" + entry.name)
assert len(seen) == 5000, len(seen)
assert os.listdir("DIR") == [], len(os.listdir("DIR"))
os.rmdir("DIR")
'
expect_errno ok "${seen//DIR/d}"
expect_errno ok "${seen//DIR/g}"
mkdir d
expect_errno ok '
for i in range(1000):
    put(f"d/new-{i}", b"x", WR | CREAT)
fd = os.open("d", RD)
names = os.listdir(fd)
assert len(names) == len(set(names)) == 1000, len(names)
'
rm -rf d
expect_no d
IN
expect_no g
same_real "$HOME/d"
