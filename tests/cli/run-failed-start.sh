#!/bin/bash
# SPDX-License-Identifier: MIT
# A start that fails ends 125 with one line, starts nothing and leaves no job.
. "$(dirname "$0")/../lib.sh"
need_sandbox

jobs() { find .local/state/writfs/jobs -mindepth 1 -maxdepth 1 2>/dev/null | wc -l; }
one_line() {
	expect_lines "$ERR" 1
	expect_err "^writ: .*$1"
	expect_no "$T/started"
	expect_eq "$(jobs)" 0 "jobs left by: $1"
}
echo text >file
expect_status 125 "$WRIT" run --root "$HOME/file" -- touch "$T/started"
one_line file
expect_status 125 "$WRIT" run --root "$T/nowhere" -- touch "$T/started"
one_line nowhere
expect_status 125 "$WRIT" run -j nobody-7 -- touch "$T/started"
one_line nobody-7
mkdir gone
cd gone
rmdir ../gone
expect_status 125 "$WRIT" run -- touch "$T/started"
cd "$HOME"
one_line 'current directory'
expect_status 127 "$WRIT" run -- ./missing
one_line missing
expect_status 126 "$WRIT" run -- "$HOME"
one_line "$HOME"
if is_root; then
	# No device: the cure is named, and nothing is run without protection.
	cat >"$T/covered.sh" <<IN
mount --bind /dev/null /dev/fuse
exec "$WRIT" run -- touch "$T/started"
IN
	expect_status 125 unshare --mount bash "$T/covered.sh"
	expect_no "$T/started"
	expect_eq "$(jobs)" 0 "jobs left without /dev/fuse"
fi
