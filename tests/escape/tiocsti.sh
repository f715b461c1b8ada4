#!/bin/bash
# SPDX-License-Identifier: MIT
# The job cannot push input into the terminal that it shares with the user's shell.
. "$(dirname "$0")/../lib.sh"
need_sandbox

cat >"$T/push.py" <<'IN'
import fcntl, sys, termios
try:
    for byte in b"echo evil\n":
        fcntl.ioctl(0, termios.TIOCSTI, bytes([byte]))
    print("pushed")
except OSError as error:
    print("errno", error.errno)
try:
    fcntl.ioctl(0, 0x541C, b"\x03")
    print("pushed")
except OSError as error:
    print("errno", error.errno)
IN
at_terminal "$WRIT" run -q -- /usr/bin/python3 -I "$T/push.py" <<'IN'
expect errno 1\b
expect errno (1|25)\b
end 0
IN
