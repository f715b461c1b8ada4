#!/bin/bash
# SPDX-License-Identifier: MIT
# What run cannot do: status 125, 126 or 127, one line with thing and cure, nothing started, no job.
. "$(dirname "$0")/../lib.sh"
need_sandbox

echo text >file
keep_real
cannot() { # STATUS REGEX ARGUMENTS...
	local status=$1 line=$2
	shift 2
	expect_status "$status" "$WRIT" run "$@"
	expect_lines "$ERR" 1
	expect_err "^writ: $line"
	[ ! -s "$OUT" ] || fail "run $*: started"
}
cannot 125 '--root "file": a root must be a directory' --root file -- echo started
cannot 125 '--root "nowhere": .*No such file' --root nowhere -- echo started
cannot 125 '--root "/": / cannot be a root' --root / -- echo started
cannot 125 'no job sh-7' -j sh-7 -- echo started
cannot 125 '.*\.\.' -j ../../etc -- echo started
cannot 125 '.*\{a,b' --allow '{a,b' -- echo started
cannot 125 '.*\.\./x' --allow '../x' -- echo started
cannot 125 '.*~nobody' --refuse '~nobody/x' -- echo started
expect_status 0 "$WRIT" jobs
expect_out '^no jobs$'
cannot 127 'no-such-program' -- no-such-program
cannot 127 '.*nowhere/x' -- ./nowhere/x
cannot 126 '.*file' -- ./file
same_real
mkdir "$T/gone"
cd "$T/gone"
rmdir "$T/gone"
cannot 125 'the current directory .*cd to one that exists' -- echo started
