#!/bin/bash
# SPDX-License-Identifier: MIT
# Colours, the pager and the cutting of lines are for terminals only.
. "$(dirname "$0")/../lib.sh"

# on_terminal [NAME=VALUE]... -- COMMAND...: what it sends to a terminal of 90 columns, in $T/screen.
on_terminal() {
	local settings=()
	while [ "$1" != -- ]; do
		settings+=("$1")
		shift
	done
	shift
	env "${settings[@]}" /usr/bin/python3 - "$T/screen" "$@" <<'PY'
import fcntl, os, pty, struct, subprocess, sys, termios
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 90, 0, 0))
child = subprocess.Popen(sys.argv[2:], stdin=slave, stdout=slave, stderr=slave)
os.close(slave)
shown = b""
while True:
    try:
        block = os.read(master, 65536)
    except OSError:
        break
    if not block:
        break
    shown += block
with open(sys.argv[1], "wb") as file:
    file.write(shown.replace(b"\r\n", b"\n"))
sys.exit(child.wait())
PY
}
colours() { grep -q $'\033\[' "$T/screen"; }

on_terminal TERM=xterm -- "$WRIT" policy show
check "colours" -- colours
on_terminal TERM=xterm NO_COLOR=1 -- "$WRIT" policy show
refute "colours in spite of NO_COLOR" -- colours
grep '…$' "$T/screen" >"$T/cut" || fail "no line was cut"
expect_eq "$(wc -L <"$T/cut")" 90 "columns of a line that was cut"
on_terminal TERM=xterm NO_COLOR= -- "$WRIT" policy show
check "an empty NO_COLOR says nothing" -- colours
on_terminal TERM=dumb -- "$WRIT" policy show
refute "colours on a dumb terminal" -- colours
"$WRIT" policy show >"$T/screen"
refute "colours in a pipe" -- colours
refute "cut in a pipe" -- grep -q '…' "$T/screen"

# The pager reads it all, and its leaving early is no failure.
on_terminal TERM=dumb PAGER='sed s/^/paged:/' -- "$WRIT" policy show
refute "lines beside the pager" -- grep -qv '^paged:' "$T/screen"
on_terminal TERM=dumb PAGER='head -n 1' -- "$WRIT" policy show
expect_lines "$T/screen" 1
on_terminal TERM=dumb PAGER= -- "$WRIT" policy show
check "no pager" -- grep -q '^roots' "$T/screen"
on_terminal TERM=dumb PAGER='sed s/^/paged:/' -- "$WRIT" policy show --json
refute "a document goes through the pager" -- grep -q paged "$T/screen"
PAGER='sed s/^/paged:/' expect_status 0 "$WRIT" policy show
refute "a pager in a pipe" -- grep -q paged "$OUT"

# What cannot be written is told.
status=0
"$WRIT" policy show >/dev/full 2>"$ERR" || status=$?
expect_eq "$status" 3 "status on a full disk"
expect_err '^writ: standard output: No space left on device; '
status=0
"$WRIT" help --json >&- 2>"$ERR" || status=$?
expect_eq "$status" 0 "status without standard output"
