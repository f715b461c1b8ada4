#!/bin/bash
# SPDX-License-Identifier: MIT
# for: root
# File handles do not open what lies beneath the mount.
. "$(dirname "$0")/../lib.sh"
need_sandbox

echo old >f
keep_real
cat >"$T/handle.py" <<'IN'
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def handle_of(path):
    buffer = ctypes.create_string_buffer(8 + 128)
    struct.pack_into("I", buffer, 0, 128)
    mount = ctypes.c_int()
    if libc.name_to_handle_at(-100, path.encode(), buffer, ctypes.byref(mount), 0) < 0:
        sys.exit("no handles here")
    return buffer.raw
if sys.argv[1] == "make":
    sys.stdout.buffer.write(handle_of(sys.argv[2]))
else:
    with open(sys.argv[2], "rb") as file:
        raw = file.read()
    for place in ("/", "/tmp", "/var/tmp", "/usr", sys.argv[3]):
        mount = os.open(place, os.O_RDONLY)
        fd = libc.open_by_handle_at(mount, ctypes.create_string_buffer(raw, len(raw)), os.O_RDWR)
        if fd >= 0 and os.fstat(fd).st_dev != os.stat(sys.argv[3]).st_dev:
            os.write(fd, b"evil\n")
            sys.exit("the real file was opened by its handle at " + place)
IN
/usr/bin/python3 -I "$T/handle.py" make "$HOME/f" >"$T/handle" || skip "no file handles on this file system"
run -- /usr/bin/python3 -I "$T/handle.py" use "$T/handle" "$HOME"
same_real
