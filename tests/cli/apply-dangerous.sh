#!/bin/bash
# SPDX-License-Identifier: MIT
# Dangerous changes are left out of a bulk apply, and applied when their own path is named.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p .config repo
echo old | tee .bashrc >plain
inside <<'IN'
echo evil >>.bashrc
echo new >plain
IN
job=$(job_newest)
expect_status 0 "$WRIT" status -j "$job"
expect_out '!.*\.bashrc'
expect_status 4 "$WRIT" status -j "$job" --exit-code
expect_status 1 "$WRIT" apply -j "$job"
expect_out 'bashrc'
expect_file .bashrc old
expect_file plain new
expect_status 1 "$WRIT" apply -j "$job" '~/.b*'
expect_file .bashrc old
expect_status 0 "$WRIT" apply -j "$job" '~/.bashrc'
expect_file .bashrc "$(printf 'old\nevil')"
