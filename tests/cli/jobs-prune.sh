#!/bin/bash
# SPDX-License-Identifier: MIT
# jobs prune removes what nobody will miss: never undecided changes, never a running job.
. "$(dirname "$0")/../lib.sh"
need_sandbox

jobs=$HOME/.local/state/writfs/jobs
# Makes a job end so many days ago.
age() { # JOB DAYS
	/usr/bin/python3 - "$jobs/$1/job.json" "$2" <<'PY'
import datetime, json, re, sys
path, days = sys.argv[1], int(sys.argv[2])
with open(path) as file:
    text = file.read()
job = json.loads(text)
for key in ("start", "end", "saved"):
    day = datetime.date.fromisoformat(job[key][:10]) - datetime.timedelta(days=days)
    job[key] = day.isoformat() + job[key][10:]
with open(path, "w") as file:
    json.dump(job, file)
PY
}

run -- sh -c 'echo undecided >a'
run -- true
run -- true
run -- sh -c 'echo applied >b'
run -- sh -c 'echo applied >c'
expect_status 0 "$WRIT" apply -j sh-2
expect_status 0 "$WRIT" apply -j sh-3
expect_status 0 "$WRIT" jobs prune
expect_out '^nothing to remove$'
age sh-1 400
age true-1 2
age sh-2 15
age sh-3 13
expect_status 0 "$WRIT" jobs prune
expect_eq "$(sort "$OUT" | paste -sd' ')" 'removed sh-2 removed true-1'
expect_no "$jobs/sh-2" "$jobs/true-1"
expect_status 0 "$WRIT" jobs
expect_lines "$OUT" 3

mkfifo "$T/go"
run -- sh -c "echo live; read -r line <'$T/go'" >"$T/said" &
wait_until 20 grep -q live "$T/said"
expect_status 0 "$WRIT" jobs prune --now
expect_eq "$(sort "$OUT" | paste -sd' ')" 'removed sh-3 removed true-2'
expect_status 0 "$WRIT" jobs
expect_out '^sh-4  running '
expect_out '^sh-1  ended \(0\) .* to decide '
echo >"$T/go"
wait
expect_file b applied
