#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a job status and explain ask the job itself; what needs its records says where to ask.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir granted
echo x | tee file secret >granted/old
export WRIT SRC
inside --allow '~/granted' --refuse '~/no' --hide '~/secret' <<'IN'
expect_status 0 "$WRIT" explain file granted/new no secret missing/name /etc/passwd
expect_eq "$(sed -E 's/  +/ | /g' "$OUT")" "env-1 · you are inside this job
 | ~/file | redirected | no rule
 | ~/granted/new | granted | ~/granted (command line)
 | ~/no | refused | ~/no (command line)
 | ~/secret | redirected, hidden | no rule
 | ~/missing/name | its directory does not exist
 | /etc/passwd | real, outside every root"
echo more >>file
expect_status 0 "$WRIT" status
expect_out '^  ~  redirected  no rule$'
expect_status 0 "$WRIT"
for command in status explain; do
	expect_status 0 "$WRIT" "$command" --json file no missing/name /etc
	check "the schema" -- \
		"$SRC/tests/support/schema_check.py" "$SRC/config/schema/inside.schema.json" "$OUT"
done
for command in diff log apply discard; do
	expect_status 2 "$WRIT" "$command"
	expect_err "^writ: $command: this is inside job env-1, .* writ $command -j env-1\$"
	expect_lines "$ERR" 1
done
expect_status 0 "$WRIT" jobs
expect_out '^no jobs$'
expect_status 0 "$WRIT" policy show
# A job in a job is the same job.
expect_status 0 "$WRIT" run -- sh -c 'echo again >>file'
expect_file file "$(printf 'x\nmore\nagain')"
IN
expect_file file x
# What lies in scratch stays there, whatever is granted later.
inside -j env-1 --allow '~/file' <<'IN'
expect_status 0 "$WRIT" explain file
expect_out '^  ~/file  redirected, in scratch already '
IN
expect_status 0 "$WRIT" jobs
expect_lines "$OUT" 1
