#!/bin/bash
# SPDX-License-Identifier: MIT
# bash completes commands, options, jobs, files, and the command line behind writ run.
. "$(dirname "$0")/../lib.sh"

complete_() { # WORDS...: what the Tab key offers for the last one, sorted, on one line
	# shellcheck disable=SC2016 # expanded by the inner shell
	bash --norc -c '
		compopt() { :; }
		. "$1"
		shift
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_writ
		printf "%s\n" "${COMPREPLY[@]}"' sh "$SRC/config/completions/writ.bash" "$@" |
		sort -u | paste -sd' '
}

mkdir -p ".local/state/writfs/jobs/npm-1" ".local/state/writfs/jobs/npm-2" dir
touch file
expect_eq "$(complete_ writ st)" status
expect_eq "$(complete_ writ um)" umount
expect_eq "$(complete_ writ status --e)" --exit-code
expect_eq "$(complete_ writ status -j '')" 'npm-1 npm-2'
expect_eq "$(complete_ writ diff --job = npm-2)" npm-2
expect_eq "$(complete_ writ diff --job =)" 'npm-1 npm-2'
expect_eq "$(complete_ writ diff 'fi')" file
expect_eq "$(complete_ writ jobs p)" prune
expect_eq "$(complete_ writ policy '')" 'check show'
expect_eq "$(complete_ writ help red)" redirect
expect_eq "$(complete_ writ run --root d)" dir
expect_eq "$(complete_ writ run --re)" '--redirect --refuse'
expect_eq "$(complete_ writ run -n -- sha256su)" sha256sum
expect_eq "$(complete_ writ run --allow x sha256su)" sha256sum
expect_eq "$(complete_ writ run --allow = x -q sha256sum 'fi')" file
expect_eq "$(complete_ writ nonsense '')" ''
