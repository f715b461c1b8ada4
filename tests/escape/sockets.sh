#!/bin/bash
# SPDX-License-Identifier: MIT
# Abstract sockets and signals do not reach processes outside.
. "$(dirname "$0")/../lib.sh"
need_sandbox

cat >"$T/server.py" <<'IN'
import os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind("\0" + sys.argv[1])
server.listen()
open(sys.argv[2], "w").close()
server.settimeout(20)
try:
    server.accept()
    open(sys.argv[2] + ".connected", "w").close()
except TimeoutError:
    pass
IN
name=writ-test-$$
/usr/bin/python3 -I "$T/server.py" "$name" "$T/up" &
server=$!
wait_until 10 test -e "$T/up"
[ -r /sys/kernel/security/landlock ] || grep -q landlock /sys/kernel/security/lsm 2>/dev/null ||
	/usr/bin/python3 -c 'import ctypes, sys
sys.exit(ctypes.CDLL(None).syscall(444, None, 0, 1) < 6)' ||
	{ kill "$server"; wait "$server" || true; skip "this kernel's Landlock has no scopes"; }
inside <<IN
got=\$(sys 'import socket
socket.socket(socket.AF_UNIX).connect("\\0$name")')
[ "\$got" = EPERM ] || fail "connect: \$got"
IN
expect_no "$T/up.connected"
run -- sh -c "kill -KILL $server" 2>/dev/null && fail "a process outside could be killed"
kill -0 "$server"
kill "$server"
wait "$server" 2>/dev/null || true
