#!/bin/bash
# SPDX-License-Identifier: MIT
# The workspace of a job was removed afterwards: what the job redirected elsewhere is still decided
# about; what it redirected there waits until the directory is made again.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir "$T/work"
cd "$T/work"
run -- sh -c 'echo real >f; echo kept >~/kept; echo other >~/other'
cd "$HOME"
rm -r "$T/work"
expect_status 0 "$WRIT" status
expect_out '^2 redirected'
expect_status 0 "$WRIT" apply '~/kept'
expect_file kept kept
expect_status 0 "$WRIT" discard
expect_status 0 "$WRIT" jobs prune --now
expect_out 'removed sh-1'

mkdir "$T/work"
cd "$T/work"
run -n -- sh -c 'echo redirected >f'
job=$(job_newest)
cd "$HOME"
rmdir "$T/work"
for command in status diff apply discard; do
	expect_status 2 "$WRIT" "$command" -j "$job"
	expect_err "root .*/work of $job .*mkdir it"
done
expect_status 0 "$WRIT" jobs prune --now
expect_status 0 "$WRIT" jobs
expect_out "$job .*to decide"
mkdir "$T/work"
expect_status 0 "$WRIT" apply -j "$job"
expect_file "$T/work/f" redirected
