#!/bin/bash
# SPDX-License-Identifier: MIT
# run ends with the program's own status; 126 and 127 as in a shell; 125 is writ's.
. "$(dirname "$0")/../lib.sh"
need_sandbox

expect_status 0 run -- true
expect_status 7 run -- sh -c 'exit 7'
expect_status 143 run -- sh -c 'kill -TERM $$'
expect_status 137 run -- sh -c 'kill -KILL $$'
expect_status 127 run -- no-such-program-anywhere
expect_lines "$ERR" 1
expect_err no-such-program-anywhere
echo x >notexec
expect_status 126 run -- ./notexec
expect_lines "$ERR" 1
expect_status 125 "$WRIT" run --no-such-option -- true
expect_status 125 "$WRIT" run
expect_eq "$(echo input | run -- cat)" input
expect_eq "$(run -- pwd)" "$HOME"
expect_eq "$(run -- sh -c 'echo "$1|$2"' x 'a b' '')" 'a b|'
expect_eq "$(MINE='x y' run -- sh -c 'echo "$MINE"')" 'x y'
expect_eq "$(run -- id -u)" "$(id -u)"
