#!/bin/bash
# SPDX-License-Identifier: MIT
# Sockets of programs that run commands for whoever connects are not there for the job; an agent
# that only signs is.
. "$(dirname "$0")/../lib.sh"
need_sandbox

# Outside every root, and short: a socket's path has at most 107 bytes.
place=$(mktemp -d /tmp/writ-test-XXXXXX)
mkdir -p "$place/systemd" "$place/tmux-$(id -u)" "$HOME/.docker"
cat >"$T/server.py" <<'IN'
import os, selectors, socket, sys
selector = selectors.DefaultSelector()
for path in sys.argv[2:]:
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    selector.register(server, selectors.EVENT_READ, path)
open(sys.argv[1], "w").close()
while True:
    for key, _ in selector.select():
        key.fileobj.accept()[0].close()
        with open(sys.argv[1], "a") as file:
            print(os.path.basename(key.data), file=file, flush=True)
IN
sockets=("$place/bus" "$place/systemd/private" "$place/tmux-$(id -u)/default" "$place/docker"
	"$place/editor" "$place/agent")
/usr/bin/python3 -I "$T/server.py" "$T/up" "${sockets[@]}" &
server=$!
wait_until 10 test -e "$T/up"
cat >"$T/connect.py" <<'IN'
import socket, sys
for path in sys.argv[1:]:
    try:
        socket.socket(socket.AF_UNIX).connect(path)
        print("connected", path)
    except OSError as error:
        print(error.strerror, path)
IN
export XDG_RUNTIME_DIR=$place TMUX_TMPDIR=$place TMUX=$place/tmux-$UID/default,1,0
export DOCKER_HOST=unix://$place/docker NVIM=$place/editor SSH_AUTH_SOCK=$place/agent
export DBUS_SESSION_BUS_ADDRESS=unix:path=$place/bus,guid=0123
expect_status 0 run -- /usr/bin/python3 -I "$T/connect.py" "${sockets[@]}"
expect_eq "$(grep -c '^Connection refused' "$OUT")" 5 "sockets that refuse"
expect_out "^connected $place/agent$"
expect_file "$T/up" agent
# Outside the job they answer.
expect_status 0 /usr/bin/python3 -I "$T/connect.py" "${sockets[@]}"
expect_eq "$(grep -c ^connected "$OUT")" 6 "sockets that answer outside"
kill "$server"
wait "$server" 2>/dev/null || true
rm -r "$place"
