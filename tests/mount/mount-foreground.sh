#!/bin/bash
# SPDX-License-Identifier: MIT
# writ mount -f stays until it is unmounted or told to stop, and then unmounts.
. "$(dirname "$0")/../lib.sh"
need_mount

mkdir d
mounted() { grep -q " $HOME/d fuse" /proc/self/mounts; }
"$WRIT" mount -f "$HOME/d" &
pid=$!
wait_until 10 mounted
echo x >d/x
"$WRIT" umount "$HOME/d"
wait "$pid"

"$WRIT" mount -f "$HOME/d" &
pid=$!
wait_until 10 mounted
kill -TERM "$pid"
got=0
wait "$pid" || got=$?
case $got in 0 | 143) ;; *) fail "SIGTERM: status $got" ;; esac
refute "still mounted after SIGTERM" -- mounted
expect_no d/x
