# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Sourced: makes $T/src.git, a bare repository with some history, and settles who commits and when,
# so that two runs of the same commands make the same objects.

export GIT_AUTHOR_NAME=Somebody GIT_AUTHOR_EMAIL=somebody@example.com
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
export GIT_AUTHOR_DATE='2026-01-02T03:04:05Z' GIT_COMMITTER_DATE='2026-01-02T03:04:05Z'

make_git_source() {
	local i j
	git init -q -b main "$T/src"
	for i in 1 2 3; do
		for j in $(seq 40); do
			mkdir -p "$T/src/dir$((j % 7))/sub"
			printf 'file %s version %s\n' "$j" "$i" >>"$T/src/dir$((j % 7))/sub/file$j"
		done
		git -C "$T/src" add -A
		git -C "$T/src" commit -q -m "version $i"
	done
	printf '#!/bin/sh\necho tool\n' >"$T/src/tool"
	chmod +x "$T/src/tool"
	ln -s tool "$T/src/link"
	git -C "$T/src" add -A
	git -C "$T/src" commit -q -m "a program and a link"
	git -C "$T/src" tag v1
	git clone -q --bare "$T/src" "$T/src.git"
}
