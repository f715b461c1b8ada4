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
export SRC T WRIT PROGS GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0
OUT=$T/out ERR=$T/err
umask 022
mkdir -p "$HOME/.local/state/writfs" "$TMPDIR"
chmod 700 "$HOME/.local/state/writfs"
: >"$OUT"
: >"$ERR"
cd "$HOME"

# shellcheck source=tests/support/expect.sh
. "$SRC/tests/support/expect.sh"

is_root() { [ "$(id -u)" = 0 ]; }

need_fuse() {
	if ! [ -r /dev/fuse ] || ! [ -w /dev/fuse ]; then
		skip "/dev/fuse cannot be opened"
	fi
}

# What writ mount needs: ordinary users mount by fusermount3, which is set-uid.
need_mount() {
	need_fuse
	is_root || need fusermount3
	if ! is_root && grep -q '^NoNewPrivs:.*1' /proc/self/status; then
		skip "set-uid programs have no effect here (no_new_privs)"
	fi
}

# What writ run needs: FUSE, and for ordinary users user namespaces.
need_sandbox() {
	need_fuse
	unshare --user --map-current-user --mount true 2>/dev/null ||
		skip "user namespaces are not available"
}

# A job. -q: only the journal speaks.
run() { "$WRIT" run -q "$@"; }

# inside [OPTIONS of writ run] <<'EOF': the bash script on standard input runs in a job, with the
# words of support/expect.sh; its first failing command ends it and fails the test.
inside() {
	local script=$T/inside.sh
	{
		printf '. "%s/tests/support/expect.sh"\n' "$SRC"
		cat
	} >"$script"
	run "$@" -- env OUT="$T/out.inside" ERR="$T/err.inside" bash "$script" ||
		fail "inside: status $?"
}

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

# job_newest: the directory name of the job that was touched last.
job_newest() {
	local jobs=$HOME/.local/state/writfs/jobs
	# shellcheck disable=SC2012 # ids have no odd bytes
	ls -t "$jobs" | head -n 1
}

# apply_all JOB: everything, also what a bulk apply leaves out, which must be named path by path.
apply_all() {
	local job=$1 path
	"$WRIT" apply -j "$job" >"$OUT" 2>"$ERR" && return
	"$WRIT" status -j "$job" --json >"$T/status.json" || fail "writ status: status $?"
	python3 -I "$SRC/tests/support/left_changes.py" "$T/status.json" >"$T/left"
	while IFS= read -r -d '' path; do
		"$WRIT" apply -j "$job" -- "$path" >>"$OUT" 2>>"$ERR" ||
			fail "apply $path: $(cat "$OUT" "$ERR")"
	done <"$T/left"
}

# like_native [OPTIONS of tree_manifest.py] <<'EOF': the bash script on standard input runs twice
# in the same home: natively, and in a job in which everything is redirected. The job must leave
# the real tree alone, and applying all of it must give the tree that the native run made.
like_native() {
	local script=$T/program.sh
	{
		printf '. "%s/tests/support/expect.sh"\n' "$SRC"
		cat
	} >"$script"
	cp -a "$HOME" "$T/before"
	env OUT="$T/out.inside" ERR="$T/err.inside" bash "$script" || fail "native: status $?"
	cd /
	mv "$HOME" "$T/native"
	cp -a "$T/before" "$HOME"
	cd "$HOME"
	keep_real
	run -- env OUT="$T/out.inside" ERR="$T/err.inside" bash "$script" || fail "in the job: status $?"
	same_real
	apply_all "$(job_newest)"
	expect_status 0 "$WRIT" status -j "$(job_newest)" --exit-code
	expect_same_tree "$T/native" "$HOME" "$@"
}

# at_terminal COMMAND... <<'EOF': the steps on standard input are played at a terminal on which
# COMMAND runs; see support/terminal.py.
at_terminal() {
	cat >"$T/steps"
	/usr/bin/python3 -IB "$SRC/tests/support/terminal.py" "$T/steps" "$@" || fail "at the terminal: $*"
}
