#!/bin/bash
# SPDX-License-Identifier: MIT
# O_EXCL, flock and record locks exclude each other inside a job.
. "$(dirname "$0")/../lib.sh"
need_sandbox

: >l
mkdir g
inside --allow '~/g' <<'IN'
for where in . g; do
	for i in 1 2 3 4 5 6 7 8; do
		(set -o noclobber; echo "$i" >"$where/winner" && echo "$i" >>"$T/won") 2>/dev/null &
	done
	wait
	expect_lines "$T/won" 1
	rm "$T/won"
done
exec 8>l
flock -n 8
refute "two exclusive locks" -- flock -n l true
exec 8>&-
flock -n l true
expect_errno ok '
import fcntl
fd = os.open("l", RW)
fcntl.lockf(fd, fcntl.LOCK_EX)
if os.fork() == 0:
    try:
        fcntl.lockf(os.open("l", RW), fcntl.LOCK_EX | fcntl.LOCK_NB)
        os._exit(1)
    except BlockingIOError:
        os._exit(0)
assert os.wait()[1] == 0, "two record locks"
'
for i in $(seq 50); do
	(
		flock 9
		n=$(cat count 2>/dev/null || echo 0)
		echo $((n + 1)) >count
	) 9>count.lock &
done
wait
expect_file count 50
IN
