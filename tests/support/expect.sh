# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What a shell test expects, in words. Sourced by tests/lib.sh, and by the scripts that a test runs
# inside a job (inside, in lib.sh), where a failure must end the job's program and so the test.

set -eEuo pipefail

on_error_() {
	printf '%s:%s: failed (%s): %s\n' "${0##*/}" "$2" "$1" "$3" >&2
}
trap 'on_error_ "$?" "$LINENO" "$BASH_COMMAND"' ERR

# fail WORDS...: ends the test.
fail() {
	trap - ERR
	printf '%s:%s: %s\n' "${0##*/}" "$(caller_line_)" "$*" >&2
	exit 1
}

# The line of the test script itself, however deep the call of a helper is.
caller_line_() {
	local i
	for ((i = ${#BASH_SOURCE[@]} - 1; i > 0; i--)); do
		if [ "${BASH_SOURCE[i]}" = "$0" ]; then
			echo "${BASH_LINENO[i - 1]}"
			return
		fi
	done
	echo '?'
}

skip() {
	if [ "${WRIT_TEST_REQUIRE:-}" = all ]; then
		fail "cannot run, and WRIT_TEST_REQUIRE=all: $*"
	fi
	printf 'skip: %s\n' "$*"
	trap - ERR
	exit 77
}

# need COMMAND...: skips if one is missing (fails under WRIT_TEST_REQUIRE=all).
need() {
	local command
	for command; do
		command -v "$command" >/dev/null || skip "$command is not installed"
	done
}

# expect_status N COMMAND...: runs it with output in $OUT and $ERR, and compares the status.
expect_status() {
	local want=$1 got=0
	shift
	"$@" >"$OUT" 2>"$ERR" || got=$?
	[ "$got" = "$want" ] || {
		sed 's/^/  out: /' "$OUT" >&2
		sed 's/^/  err: /' "$ERR" >&2
		fail "status $got, expected $want: $*"
	}
}

# check WORDS -- COMMAND...: COMMAND must succeed; WORDS say what it would mean.
check() {
	local words=()
	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	shift
	"$@" || fail "${words[*]}: $*"
}

# refute WORDS -- COMMAND...: COMMAND must fail.
refute() {
	local words=()
	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	shift
	! "$@" || fail "${words[*]}: $*"
}

# expect_eq GOT WANT [WORDS]
expect_eq() {
	[ "$1" = "$2" ] || fail "${3:-value}: got '$1', expected '$2'"
}

# expect_file PATH CONTENT: a file with exactly this text (one newline at its end is ignored).
expect_file() {
	[ -e "$1" ] || fail "$1 does not exist, expected: $2"
	[ "$(cat "$1")" = "$2" ] || fail "$1 has '$(head -c 300 "$1")', expected '$2'"
}

expect_no() {
	local path
	for path; do
		if [ -e "$path" ] || [ -L "$path" ]; then
			fail "$path exists"
		fi
	done
}

# expect_out REGEX, expect_err REGEX: a line of the last expect_status matches (grep -E).
expect_out() { grep -Eq -- "$1" "$OUT" || fail "no line in output like /$1/: $(cat "$OUT")"; }
expect_err() { grep -Eq -- "$1" "$ERR" || fail "no line in errors like /$1/: $(cat "$ERR")"; }
expect_quiet() { [ ! -s "$ERR" ] || fail "unexpected words: $(cat "$ERR")"; }
expect_lines() { expect_eq "$(wc -l <"$1")" "$2" "lines of ${1##*/}"; }

# expect_errno WANT PYTHON: one call of tests/support/sysop.py; WANT is "ok" or "EACCES".
expect_errno() {
	local got
	got=$(/usr/bin/python3 -ISB "$SRC/tests/support/sysop.py" "$2") || fail "sysop: $2"
	[ "$got" = "$1" ] || fail "$2: got $got, expected $1"
}

# wait_until SECONDS COMMAND...: polls; fails when the time is over.
wait_until() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@" 2>/dev/null; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || fail "not within the time: $*"
		sleep 0.02
	done
}

# sys PYTHON: prints what sysop.py prints: what was said, "ok", or the name of an errno.
sys() { /usr/bin/python3 -ISB "$SRC/tests/support/sysop.py" "$1"; }
