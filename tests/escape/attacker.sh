#!/bin/bash
# SPDX-License-Identifier: MIT
# One attacker tries every way that is known, from the job and from namespaces of its own.
. "$(dirname "$0")/../lib.sh"
need_sandbox

echo secret >secret
sleep 300 9<secret &
outside=$!
"$PROGS/escape" --handle "$HOME" >"$T/handle" || : >"$T/handle"
keep_real
exec 7<"$HOME" 8<secret
expect_status 0 run -- "$PROGS/escape" "$HOME" secret "$T/handle" "$outside" "$$"
exec 7<&- 8<&-
expect_out '^0 escapes$'
kill -0 "$outside" || fail "a process outside was killed"
kill "$outside"
wait "$outside" 2>/dev/null || true
same_real

# Outside a job it does nothing.
expect_status 2 "$PROGS/escape" "$HOME" secret
