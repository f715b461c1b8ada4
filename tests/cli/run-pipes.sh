#!/bin/bash
# SPDX-License-Identifier: MIT
# Input and output are the program's: pipes end when it ends them, not when writ does.
. "$(dirname "$0")/../lib.sh"
need_sandbox

expect_eq "$(printf 'a\nb\n' | run -- sort -r | tr '\n' ' ')" 'b a '
expect_eq "$(run -- cat <(echo substituted))" substituted
expect_eq "$(run -- sh -c 'echo out; echo err >&2' 2>/dev/null)" out
run -- sh -c 'echo told >&2' >"$OUT" 2>"$ERR"
expect_file "$ERR" told
expect_eq "$(cat "$OUT")" ''

# Not by the function run, whose shell would hold the pipes.
# The reader sees the end when the program closes its output, though the job goes on.
"$WRIT" run -q -- sh -c "exec >&-; touch '$T/closed'; while [ ! -e '$T/seen' ]; do sleep 0.05; done" | {
	cat >/dev/null
	touch "$T/seen"
}
[ -e "$T/closed" ]

# The writer gets SIGPIPE when the program closes its input.
(
	trap 'echo pipe >"$T/pipe"' PIPE
	wait_until 10 test -e "$T/shut"
	for _ in 1 2 3 4 5 6; do
		printf '%65536s' x 2>/dev/null || echo pipe >"$T/pipe"
	done
) | "$WRIT" run -q -- sh -c "exec <&-; touch '$T/shut'; while [ ! -e '$T/pipe' ]; do sleep 0.05; done"
[ -e "$T/pipe" ]

# Exit status of a pipeline whose reader goes first.
set +o pipefail
expect_eq "$(run -- sh -c 'trap "" PIPE; yes' 2>/dev/null | head -1)" y
