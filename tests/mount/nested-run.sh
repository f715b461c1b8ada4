#!/bin/bash
# SPDX-License-Identifier: MIT
# writ run inside a job runs in that job.
. "$(dirname "$0")/../lib.sh"
need_sandbox

echo old >f
keep_real
inside <<'IN'
"$WRIT" run -q -- sh -c 'echo inner >f; exit 0'
expect_file f inner
expect_status 3 "$WRIT" run -q -- sh -c 'exit 3'
"$WRIT" status >"$OUT"
IN
same_real
expect_eq "$(find .local/state/writfs/jobs -mindepth 1 -maxdepth 1 | wc -l)" 1 "number of jobs"
