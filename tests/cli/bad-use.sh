#!/bin/bash
# SPDX-License-Identifier: MIT
# Bad use: one line on standard error with thing, cause and cure; nothing on standard output; status
# 2, of run 125; nothing is changed.
. "$(dirname "$0")/../lib.sh"

keep_real
bad() { # STATUS LINE COMMAND...
	local status=$1 line=$2
	shift 2
	expect_status "$status" "$WRIT" "$@"
	expect_eq "$(cat "$ERR")" "writ: $line" "$*"
	[ ! -s "$OUT" ] || fail "$*: says something on standard output: $(cat "$OUT")"
}

bad 2 '"statsu": unknown command (did you mean "status"?)' statsu
bad 2 '"zzzzzzzz": unknown command; writ help lists them' zzzzzzzz
bad 2 '"python3": unknown command; to run a program: writ run -- python3' python3 x.py
bad 2 '"\x1b[2J": unknown command; writ help lists them' "$(printf '\033[2J')"
bad 2 'status: unknown option "--jsno" (did you mean "--json"?)' status --jsno
bad 2 'status: unknown option "--jsno" (did you mean "--json"?)' --jsno
bad 2 'status: unknown option "-x"; its options: writ help status' status -x
bad 2 'diff: --job needs a value: --job JOB' diff -j
bad 2 'diff: --job is given twice; give it once' diff -j a-1 --job=a-2
bad 2 'log: --json takes no value; leave out "=yes"' log --json=yes
bad 2 'explain: no path is given; writ explain PATH' explain
bad 2 'explain: --allow: the value is empty; give --allow GLOB' explain --allow= x
bad 2 'jobs: unknown word "purge"; writ jobs, or writ jobs prune' jobs purge
bad 2 'jobs: unknown word "x"; writ jobs, or writ jobs prune' jobs prune x
bad 2 'jobs: --now is for writ jobs prune; leave it out' jobs --now
bad 2 'policy: unknown word "shwo"; writ policy show, or writ policy check [FILE]' policy shwo
bad 2 'doctor: "x" is too much; writ doctor [--json]' doctor x
bad 2 'mount: no directory is given; writ mount [--root DIR] DIR' mount -f
bad 2 'mount: more than one directory is given; writ mount [--root DIR] DIR' mount a b
bad 2 'mount: --json is for the list of mounts; leave it out' mount --json x
bad 2 'umount: no directory is given; writ mount lists them' umount
bad 2 'help: there is no completion for "tcsh"' help --completion tcsh
bad 2 'help: there is no manual page for "writ-undo"' help --man writ-undo
bad 125 'run: no command is given; writ run [OPTION]... -- CMD' run
bad 125 'run: no command is given; writ run [OPTION]... -- CMD' run -n --
bad 125 'run: unknown option "--alow" (did you mean "--allow"?)' run --alow x -- true
bad 125 'run: --root needs a value: --root DIR' run --root
same_real
