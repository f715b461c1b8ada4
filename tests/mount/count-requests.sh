#!/bin/bash
# SPDX-License-Identifier: MIT
# alone
# Cached stats, reads and listings cost no request; a new file three, a write one.
. "$(dirname "$0")/../lib.sh"
need_sandbox

for dir in granted redirected; do
	mkdir -p "$dir/sub" "$dir/many"
	echo text >"$dir/f"
	echo text >"$dir/sub/f"
	ln -s f "$dir/link"
	seq -f "$dir/many/%g" 50 | xargs touch
	# Names whose real file changed a moment ago are not trusted for long.
	find "$dir" -exec touch -h -d '2001-01-01 UTC' {} +
done
mkdir -p .local/state/writfs/jobs
/usr/bin/python3 -IB "$SRC/tests/support/count_requests.py" "$HOME/.local/state/writfs/jobs" \
	"$WRIT" run -q --allow '~/granted' --
