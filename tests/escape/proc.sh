#!/bin/bash
# SPDX-License-Identifier: MIT
# No process that the job sees lends it the real home: root, cwd, descriptors, memory, namespaces.
. "$(dirname "$0")/../lib.sh"
need_sandbox

echo old >f
sleep 300 9<f &
outside=$!
cat >"$T/probe.py" <<'IN'
import ctypes, os, sys
home, outside = sys.argv[1], int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
own = os.stat(home).st_dev
bad = []
def attempt(path):
    """Writes where the file is not the job's own."""
    try:
        fd = os.open(path, os.O_RDWR)
    except OSError:
        return
    if os.fstat(fd).st_dev != own:
        os.write(fd, b"evil\n")
        bad.append(path)
    os.close(fd)
mine = {os.getpid(), os.getppid()}
pids = {int(name) for name in os.listdir("/proc") if name.isdigit()} | {outside}
for pid in pids - mine:
    for way in ("root", "cwd"):
        attempt(f"/proc/{pid}/{way}{home}/f")
        attempt(f"/proc/{pid}/{way}/f")
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        numbers = [str(n) for n in range(64)]
    for number in numbers:
        attempt(f"/proc/{pid}/fd/{number}")
        attempt(f"/proc/{pid}/fd/{number}/f")
    try:
        fd = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
        if libc.setns(fd, 0) == 0:
            attempt(f"{home}/f")
    except OSError:
        pass
    try:
        pidfd = os.pidfd_open(pid)
        for number in range(16):
            got = libc.syscall(438, pidfd, number, 0)
            if got >= 0 and os.path.exists(f"/proc/self/fd/{got}/f"):
                attempt(f"/proc/self/fd/{got}/f")
    except OSError:
        pass
try:
    os.kill(outside, 9)
except OSError:
    pass
sys.exit(f"real files were opened: {bad}" if bad else 0)
IN
keep_real
run -- /usr/bin/python3 -I "$T/probe.py" "$HOME" "$outside"
kill -0 "$outside" || fail "a process outside was killed"
kill "$outside"
wait "$outside" 2>/dev/null || true
same_real
