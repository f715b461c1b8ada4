#!/bin/bash
# SPDX-License-Identifier: MIT
# ^Z stops the whole job and gives the terminal back to the shell; fg goes on.
. "$(dirname "$0")/../lib.sh"
need_sandbox

export WRIT
at_terminal bash --norc --noprofile -i <<'IN'
expect [$#]
send PS1='rea''dy> '\n
expect ready> 
send "$WRIT" run -q -- sh -c 'echo up; read line; echo "got $line"'\n
expect (?<!echo )up
send \x1a
expect Stopped
expect ready> 
send echo outside$((1+1))\n
expect outside2
expect ready> 
send fg\n
sleep 0.5
send inside\n
expect got inside
expect ready> 
send exit 6\n
end 6
IN
