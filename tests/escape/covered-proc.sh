#!/bin/bash
# SPDX-License-Identifier: MIT
# for: root
# Where a part of /proc is covered, as in containers, no second one can be mounted: the job goes on
# without a pid namespace, what it leaves behind is ended all the same, and nothing escapes.
. "$(dirname "$0")/../lib.sh"
need_sandbox
need unshare

echo secret >secret
sleep 300 9<secret &
outside=$!
keep_real
cat >"$T/covered.sh" <<IN
mount -t tmpfs none /proc/acpi 2>/dev/null || mount -t tmpfs none /proc/fs
"$WRIT" run -q -- "$PROGS/escape" "$HOME" secret "$outside" $$ >"$T/escapes" 2>&1
"$WRIT" run -q -- sh -c 'while :; do sleep 0.05; touch "$T/alive"; done & exit 3'
IN
expect_status 3 unshare --mount bash "$T/covered.sh"
grep -qx "0 escapes" "$T/escapes" || fail "$(cat "$T/escapes")"
rm -f "$T/alive"
sleep 0.3
expect_no "$T/alive"
kill -0 "$outside" || fail "a process outside was killed"
kill "$outside"
wait "$outside" 2>/dev/null || true
same_real
