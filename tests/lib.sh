# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Sourced first by every shell test:  . "$(dirname "$0")/../lib.sh"
#
# A test is an executable script, runs as whoever calls it, ends 0 (passed), 77 (skipped) or else
# failed, and stops at its first failing command. What it finds:
#
#   $T        a private directory on a real file system; all that the test makes lies in it. The
#             wrapper (tests/run --one, started here when the script is called by hand) removes it,
#             unmounts what is mounted in it, ends what the test started, and fails the test if
#             there was anything to unmount or to end.
#   $HOME     $T/home: throw-away, with .local/state/writfs made and left out of manifests
#   $WRIT     the program; $PROGS the helper programs of tests/support/prog; $SRC the project
#   $OUT $ERR files with standard output and error of the last expect_status
#
# Header comments that tests/run reads:
#   "# for: root" or "# for: user" (not run as anybody else), "# timeout: SECONDS" (default 120),
#   "# alone" (nothing else runs meanwhile).

set -eEuo pipefail

SRC=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
if [ -z "${WRIT_TEST_WRAPPED:-}" ]; then
	exec "$SRC/tests/run" --one "$0" "$@"
fi

: "${T:?} ${WRIT:?} ${PROGS:?}"
export HOME=$T/home TMPDIR=$T/tmp LC_ALL=C.UTF-8 TZ=UTC PAGER=cat EDITOR=false
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unset XDG_STATE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR \
	WRIT_JOB NO_COLOR VISUAL BASH_ENV ENV CDPATH GIT_DIR GIT_WORK_TREE MAKEFLAGS
export GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0
OUT=$T/out ERR=$T/err
umask 022
mkdir -p "$HOME/.local/state/writfs" "$TMPDIR"
chmod 700 "$HOME/.local/state/writfs"
: >"$OUT"
: >"$ERR"
cd "$HOME"

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

is_root() { [ "$(id -u)" = 0 ]; }

need_fuse() {
	if ! [ -r /dev/fuse ] || ! [ -w /dev/fuse ]; then
		skip "/dev/fuse cannot be opened"
	fi
}

# What writ run needs: FUSE, and for ordinary users user namespaces.
need_sandbox() {
	need_fuse
	unshare --user --map-current-user --mount true 2>/dev/null ||
		skip "user namespaces are not available"
}

# The job that "writ run" of this test runs in. -q: only the journal speaks.
run() { "$WRIT" run -q "$@"; }

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

# manifest DIR [OPTIONS of tree_manifest.py]: everything about a tree, one line a name.
manifest() {
	"$SRC/tests/support/tree_manifest.py" --prune .local/state/writfs "$@"
}

# keep_real [DIR]: remembers the real tree; same_real [DIR]: it must not have changed since.
keep_real() {
	local dir=${1:-$HOME}
	manifest "$dir" >"$T/kept.$(name_of_ "$dir")"
}
same_real() {
	local dir=${1:-$HOME} kept
	kept=$T/kept.$(name_of_ "$dir")
	manifest "$dir" >"$kept.now"
	diff -u "$kept" "$kept.now" >"$kept.diff" || {
		head -40 "$kept.diff" >&2
		fail "the real tree $dir changed"
	}
}
name_of_() { printf %s "$1" | tr -c 'A-Za-z0-9' _; }

# expect_same_tree A B [OPTIONS]: content, mode, owner, mtime, xattrs, links are the same.
expect_same_tree() {
	local a=$1 b=$2
	shift 2
	manifest "$a" "$@" >"$T/tree.a"
	manifest "$b" "$@" >"$T/tree.b"
	diff -u "$T/tree.a" "$T/tree.b" >"$T/tree.diff" || {
		head -40 "$T/tree.diff" >&2
		fail "the trees $a and $b differ"
	}
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

# mount_at DIR [OPTIONS of writ mount]: mounts in the background; the test ends it by umount_at.
mount_at() {
	local dir=$1
	shift
	"$WRIT" mount "$@" "$dir" || fail "writ mount $* $dir: status $?"
	grep -q " $dir fuse" /proc/self/mounts || fail "nothing is mounted at $dir"
}
umount_at() {
	"$WRIT" umount "$1" || fail "writ umount $1: status $?"
	! grep -q " $1 fuse" /proc/self/mounts || fail "$1 is still mounted"
}

# The id of the only or newest job.
job_id() {
	"$WRIT" jobs --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["jobs"][0]["id"])'
}
