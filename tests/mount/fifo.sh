#!/bin/bash
# SPDX-License-Identifier: MIT
# FIFOs and sockets work in the job; a real FIFO is not opened by writfs.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkfifo real
keep_real
inside <<'IN'
mkfifo made
expect_eq "$(stat -c %F made)" fifo
echo hello >made &
expect_eq "$(cat made)" hello
wait
chmod 0600 real
expect_eq "$(stat -c %a real)" 600
echo world >real &
expect_eq "$(cat real)" world
wait
mv real moved
expect_eq "$(stat -c %F moved)" fifo
expect_errno ok '
import socket
server = socket.socket(socket.AF_UNIX)
server.bind("sock")
server.listen()
client = socket.socket(socket.AF_UNIX)
client.connect("sock")
there, _ = server.accept()
client.send(b"hi")
assert there.recv(2) == b"hi"
assert stat.S_ISSOCK(os.stat("sock").st_mode)
'
IN
same_real
