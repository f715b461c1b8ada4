#!/bin/bash
# SPDX-License-Identifier: MIT
# What a command was cut off in is finished by the next one, which says so; the job counts as
# decided. A finished intent that is made pending again is the latest moment of a crash.
. "$(dirname "$0")/../lib.sh"
need_sandbox

run -- sh -c 'mkdir d; echo 1 >d/a; echo 2 >d/b'
job=$(job_newest)
dir=$HOME/.local/state/writfs/jobs/$job
expect_status 0 "$WRIT" apply -j "$job"
mv "$dir/intents/1.done" "$dir/intents/1.jsonl"
sed -i 's/"review":.*/"review": "undecided"/' "$dir/job.json"
expect_status 0 "$WRIT" apply -j "$job"
expect_err "^writ: $job: an earlier command was cut off and is finished now, 3 changes$"
expect_lines "$ERR" 1
expect_file d/a 1
expect_file d/b 2
expect_status 0 "$WRIT" jobs
expect_out "^$job .* applied "
