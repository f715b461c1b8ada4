#!/bin/bash
# SPDX-License-Identifier: MIT
# --exit-code of status, diff and log: 0 nothing to decide, 1 changes, 4 dangerous ones; of what is
# selected. Without it they end with 0.
. "$(dirname "$0")/../lib.sh"
need_sandbox

all() { # STATUS [PATTERN]
	local status=$1 command
	shift
	for command in status diff log; do
		expect_status "$status" "$WRIT" "$command" --exit-code "$@"
		expect_status "$status" "$WRIT" "$command" --exit-code --json "$@"
		expect_status 0 "$WRIT" "$command" "$@"
	done
}
mkdir granted
run --allow '~/granted' -- sh -c 'echo x >granted/file'
all 0
run -j sh-1 -- sh -c 'echo x >file'
all 1
all 0 '~/granted'
run -j sh-1 -- sh -c 'echo x >.bashrc'
all 4
all 1 file
all 4 '~/.b*'
expect_status 1 "$WRIT" apply
all 4
expect_status 0 "$WRIT" discard
all 0
# What a grant let through is dangerous too.
run -j sh-1 --allow '~/.profile' -- sh -c 'echo x >.profile'
all 4
expect_status 0 "$WRIT" status
expect_out '^real and dangerous, not undoable:$'
expect_out '^  !  ~/\.profile  REAL  .*login'

# The one job with something to decide is meant; of several the newest is looked at, and that is said.
run -- sh -c 'echo x >other'
expect_status 0 "$WRIT" status
expect_quiet
expect_out '^sh-2 '
expect_out 'look: writ diff  .*: writ apply  .*: writ discard$'
run -- sh -c 'echo x >third'
expect_status 0 "$WRIT" status
expect_err '^writ: the newest of [23] jobs is shown; writ jobs lists all$'
expect_out '^sh-3 '
expect_out 'writ diff -j sh-3 .*writ apply -j sh-3 .*writ discard -j sh-3$'
