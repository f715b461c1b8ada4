#!/bin/bash
# SPDX-License-Identifier: MIT
# The real file that apply replaces or deletes is kept in the job's base.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir d
echo precious-one >d/replaced
echo precious-two >d/deleted
inside <<'IN'
echo new >d/replaced
rm d/deleted
IN
job=$(job_newest)
expect_status 0 "$WRIT" apply -j "$job"
expect_file d/replaced new
expect_no d/deleted
for text in precious-one precious-two; do
	grep -rqs "$text" ".local/state/writfs/jobs/$job" || fail "$text is lost"
done
