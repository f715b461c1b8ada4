#!/bin/bash
# SPDX-License-Identifier: MIT
# A daemon that is killed does not hang the program, and is not passed over in silence.
. "$(dirname "$0")/../lib.sh"
need_sandbox

echo old >f
keep_real
"$WRIT" run -- sh -c "
	echo new >f
	touch '$T/wrote'
	while [ ! -e '$T/killed' ]; do sleep 0.05; done
	cat f >'$T/read' 2>'$T/read.err'
	exit 4" 2>"$ERR" &
pid=$!
wait_until 10 test -e "$T/wrote"
# The daemon is the supervisor's child that leads a session of its own.
daemon=$(ps -o pid=,sid= --ppid "$pid" | awk '$1 == $2 { print $1 }')
kill -KILL "$daemon"
touch "$T/killed"
got=0
wait "$pid" || got=$?
expect_eq "$got" 4 "status of the program"
# ENOTCONN, or ECONNABORTED for what was under way.
grep -Eq 'not connected|connection abort' "$T/read.err" || fail "the program got: $(cat "$T/read" "$T/read.err")"
expect_err '^writ: the daemon of sh-[0-9]+ died \(signal 9\)'
job=$(job_newest)
same_real
# Nothing that was written or recorded is lost.
expect_status 0 "$WRIT" log -j "$job"
expect_out '/f'
inside -j "$job" <<'IN'
expect_file f new
IN
