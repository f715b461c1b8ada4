#!/bin/bash
# SPDX-License-Identifier: MIT
# Descriptors and a current directory from before the job lead into the job's mount or nowhere.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir d
echo old >f
echo old >d/f
keep_real
exec 7<"$HOME" 8<>f
inside <<'IN'
echo evil >/proc/self/fd/7/f 2>/dev/null || true
echo evil >&8 2>/dev/null || true
[ ! -e /proc/self/fd/7 ] || fail "descriptor 7 is still there"
[ ! -e /proc/self/fd/8 ] || fail "descriptor 8 is still there"
IN
exec 7<&- 8>&-
cd d
run -n -- sh -c 'echo evil >f; echo evil >../f; cat f' >"$OUT"
expect_file "$OUT" evil
cd "$HOME"
same_real
