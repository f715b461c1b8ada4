#!/bin/bash
# SPDX-License-Identifier: MIT
# Shared mappings, descriptors opened before the copy-up and plain reads see the same bytes.
. "$(dirname "$0")/../lib.sh"
need_sandbox

head -c 100000 /dev/zero | tr '\0' a >f
head -c 100000 /dev/zero | tr '\0' a >w
keep_real
inside <<'IN'
expect_errno ok '
early = os.open("f", RD)
view = mmap.mmap(early, 0, mmap.MAP_SHARED, mmap.PROT_READ)
assert view[50000:50003] == b"aaa"
put("f", b"XYZ", WR, 50000)
assert os.pread(early, 3, 50000) == b"XYZ", "the early descriptor is stale"
assert view[50000:50003] == b"XYZ", "the early mapping is stale"

fd = os.open("w", RW)
area = mmap.mmap(fd, 0, mmap.MAP_SHARED)
area[10:13] = b"MAP"
assert os.pread(fd, 3, 10) == b"MAP", "a store is not read back"
area.flush()
area[99990:99993] = b"END"
area.close()
os.close(fd)
assert get("w")[10:13] == b"MAP" and get("w")[99990:99993] == b"END"
'
IN
same_real
inside -j "$(job_newest)" <<'IN'
expect_eq "$(head -c 13 w | tail -c 3)" MAP
expect_eq "$(head -c 99993 w | tail -c 3)" END
expect_eq "$(head -c 50003 f | tail -c 3)" XYZ
IN
