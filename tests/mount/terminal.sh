#!/bin/bash
# SPDX-License-Identifier: MIT
# On a terminal: size, input, ^C, and a shell in the job with its own job control.
. "$(dirname "$0")/../lib.sh"
need_sandbox

at_terminal "$WRIT" run -q -- sh -c 'stty size; read line; echo "got $line"; exit 3' <<'IN'
expect 33 101
send hello\n
expect got hello
end 3
IN
at_terminal "$WRIT" run -q -- sh -c 'echo up; sleep 100' <<'IN'
expect up
sleep 0.5
send \x03
end 130
IN
at_terminal "$WRIT" run -q -- sh -c 'trap "echo caught; exit 5" INT; echo up; while :; do sleep 0.1; done' <<'IN'
expect up
send \x03
expect caught
end 5
IN
at_terminal "$WRIT" run -q -- bash --norc --noprofile -i <<'IN'
expect [$#]
send echo one$((1+1))\n
expect one2
send sleep 100\n
sleep 0.5
send \x1a
expect Stopped
send jobs\n
expect sleep 100
send fg\n
sleep 0.5
send \x03
sleep 0.5
send exit 4\n
end 4
IN
