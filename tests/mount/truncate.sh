#!/bin/bash
# SPDX-License-Identifier: MIT
# Truncation: to zero copies nothing, to other sizes keeps the right bytes; the real file stays.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir g
head -c 20000000 /dev/urandom >big
cp big big2
printf 'abcdef' >s
echo old >g/f
keep_real "$HOME"
inside <<'IN'
echo new >big
expect_file big new
truncate -s 3 s
expect_file s abc
truncate -s 5 s
expect_eq "$(od -An -tx1 s | tr -d ' \n')" 6162630000
truncate -s 10000000 big2
expect_eq "$(stat -c %s big2)" 10000000
expect_errno ok 'fallocate("s", 0, 0, 100)'
expect_eq "$(stat -c %s s)" 100
expect_errno ok 'fallocate("s", 3, 0, 2)'
expect_eq "$(od -An -tx1 -N 4 s | tr -d ' \n')" 00006300
IN
same_real
cmp -n 10000000 big <(head -c 10000000 big)
# The first one was emptied before it was written: its old bytes were never copied.
scratch_kb=$(du -sk .local/state/writfs/jobs | cut -f1)
[ "$scratch_kb" -lt 15000 ] || fail "scratch has $scratch_kb kB"
inside --allow '~/g' <<'IN'
echo new >g/f
truncate -s 1 g/f
IN
expect_file g/f n
