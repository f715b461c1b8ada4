#!/bin/bash
# SPDX-License-Identifier: MIT
# Appends of several writers all arrive, in redirected and in granted files.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir g
echo start >log
echo start >g/log
keep_real "$HOME/log"
inside --allow '~/g' <<'IN'
for file in log g/log; do
	for writer in 1 2 3 4; do
		(for i in $(seq 100); do echo "line $writer $i" >>"$file"; done) &
	done
	wait
	expect_eq "$(wc -l <"$file")" 401 "lines of $file"
	expect_eq "$(sort -u "$file" | wc -l)" 401 "different lines of $file"
	expect_eq "$(head -n 1 "$file")" start
done
expect_errno ok '
fd = os.open("log", WR | APPEND)
size = os.fstat(fd).st_size
os.lseek(fd, 0, 0)
os.write(fd, b"end\n")
assert get("log").endswith(b"end\n"), "not at the end"
assert os.fstat(fd).st_size == size + 4, "size"
'
IN
same_real "$HOME/log"
expect_lines g/log 401
