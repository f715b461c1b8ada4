#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
# A job is a job of the user's shell: bg, fg, pipelines, a job in the background that reads, kill.
. "$(dirname "$0")/../lib.sh"
need_sandbox

export WRIT
# Words that the shell echoes are written in two halves, so that only the program shows them whole.
at_terminal bash --norc --noprofile -i <<'IN'
send PS1='rea''dy> '; bind 'set enable-bracketed-paste off'\n
expect ready> 
send "$WRIT" run -q -- python3 -c 'import time; print("st" "art", flush=True); time.sleep(1); print("do" "ne")'\n
expect start
sleep 0.3
send \x1a
expect Stopped
expect ready> 
send bg\n
expect ready> 
send wait; echo wait''ed\n
expect done
expect waited
send "$WRIT" run -q -- sh -c 'read line; echo "go""t $line"' &\n
expect ready> 
sleep 1
send jobs\n
expect Stopped
send fg\n
sleep 0.5
send word\n
expect got word
expect ready> 
send "$WRIT" run -q -- echo pip''ed | sh -c 'cat; read line </dev/tty; echo "go""t $line"'\n
expect piped
send other\n
expect got other
expect ready> 
send "$WRIT" run -q -- python3 -c 'import time; print("st" "art", flush=True); time.sleep(100)' 2>&1 | cat; echo end''ed ${PIPESTATUS[0]}\n
expect start
sleep 0.3
send \x1a
expect Stopped
expect ready> 
send fg\n
sleep 0.5
send \x03
expect ready> 
send "$WRIT" run -q -- sh -c 'kill -STOP $$; echo res''umed'\n
expect Stopped
expect ready> 
send fg\n
expect resumed
expect ready> 
send timeout 1 "$WRIT" run -q -- sleep 100; echo sta''tus $?\n
expect status 124
send timeout --foreground 1 "$WRIT" run -q -- sleep 100; echo sta''tus $?\n
expect status 124
send exit 6\n
end 6
IN

# As the terminal's first process (ssh -t): there is no shell that could go on with it.
at_terminal "$WRIT" run -q -- python3 -c 'import time; print("start", flush=True); time.sleep(1); print("done")' <<'IN'
expect start
sleep 0.3
send \x1a
expect done
end 0
IN
at_terminal "$WRIT" run -q -- python3 -c '
import signal, time
signal.signal(signal.SIGINT, signal.SIG_DFL)
print("start", flush=True)
time.sleep(100)' <<'IN'
expect start
sleep 0.3
send \x03
end 130
IN
