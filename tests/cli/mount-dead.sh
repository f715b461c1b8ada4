#!/bin/bash
# SPDX-License-Identifier: MIT
# A mount whose daemon was killed is listed, says what to do, and can be ended.
. "$(dirname "$0")/../lib.sh"
need_mount

mkdir d
echo old >d/f
"$WRIT" mount d
echo new >d/f
job=$(job_newest)
daemon=$(/usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["supervisor"])' \
	".local/state/writfs/jobs/$job/job.json")
kill -KILL "$daemon"
dead() { ! cat d/f >/dev/null 2>&1; }
wait_until 5 dead
expect_status 2 "$WRIT" mount d
expect_lines "$ERR" 1
expect_err 'writ umount'
expect_status 0 "$WRIT" mount
expect_out "$job"
expect_status 0 "$WRIT" umount d
expect_file d/f old
"$WRIT" mount d
umount_at "$HOME/d"
