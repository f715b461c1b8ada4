#!/bin/bash
# SPDX-License-Identifier: MIT
# The manual pages and completions in config are what the command table makes, and are well formed.
. "$(dirname "$0")/../lib.sh"

"$SRC/scripts/generate" "$WRIT" "$T/made"
for file in "$T"/made/*/*; do
	name=${file#"$T/made/"}
	cmp -s "$file" "$SRC/config/$name" ||
		fail "config/$name is not what writ makes: run scripts/generate"
done
for file in "$SRC"/config/man/*.1 "$SRC"/config/completions/*; do
	[ -e "$T/made/${file#"$SRC/config/"}" ] || fail "$file is made by nothing"
done
for file in "$SRC"/config/man/*; do
	! grep -nP '[^\x00-\x7f]' "$file" || fail "$file is not plain ASCII"
done
check "schemas" -- "$SRC/tests/support/schema_check.py" --schemas "$SRC/config/schema"

bash -n "$SRC/config/completions/writ.bash"
if command -v zsh >/dev/null; then zsh -n "$SRC/config/completions/writ.zsh"; fi
if command -v fish >/dev/null; then fish -n "$SRC/config/completions/writ.fish"; fi
need groff
for file in "$SRC"/config/man/*; do
	groff -man -ww -z -Tutf8 "$file" 2>"$T/lint" || true
	[ ! -s "$T/lint" ] || fail "$file: $(cat "$T/lint")"
done
