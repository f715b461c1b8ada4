#!/bin/bash
# SPDX-License-Identifier: MIT
# Control bytes in names and contents reach no terminal.
. "$(dirname "$0")/../lib.sh"
need_sandbox

inside <<'IN'
printf 'text \033]0;title\007 \033[2J end\n' >"$(printf 'esc\033[31mred')"
echo x >"$(printf 'line\nbreak')"
echo x >"$(printf 'bidi\342\200\256txt')"
printf 'x' >"$(printf 'bad\377utf')"
IN
for command in status diff log; do
	expect_status 0 "$WRIT" "$command"
	if LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80\xae|\xff' "$OUT"; then
		fail "$command shows control bytes: $(cat -v "$OUT")"
	fi
done
for command in status diff log; do
	expect_status 0 "$WRIT" "$command" --json
	/usr/bin/python3 -c 'import json, sys; json.load(open(sys.argv[1], encoding="utf-8"))' "$OUT"
done
"$WRIT" apply >"$OUT"
expect_file "$(printf 'line\nbreak')" x
expect_file "$(printf 'bad\377utf')" x
