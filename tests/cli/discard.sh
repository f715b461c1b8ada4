#!/bin/bash
# SPDX-License-Identifier: MIT
# discard drops what is named, then all; the real tree never changed.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir d
echo old >d/f
keep_real
inside <<'IN'
echo new >d/f
echo made >made
rm -rf d
IN
job=$(job_newest)
expect_status 0 "$WRIT" discard -j "$job" '~/made'
inside -j "$job" <<'IN'
expect_no made d
IN
expect_status 0 "$WRIT" discard -j "$job"
same_real
expect_status 0 "$WRIT" status -j "$job" --exit-code
inside -j "$job" <<'IN'
expect_file d/f old
expect_no made
IN
