# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What scripts/test, quickstart, bench and lint share: what this machine lacks and how it is
# installed, building as the owner of the checkout, /dev/fuse in containers. Sourced; the caller has
# set -euo pipefail and stands in the top directory.

# Where an ordinary user of Debian does not look: useradd, setcap.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

SELF=scripts/${0##*/}
say() { printf '%s: %s\n' "$SELF" "$*"; }
die() {
	local status=$1
	shift
	printf '%s: %s\n' "$SELF" "$*" >&2
	exit "$status"
}

is_root() { [ "$(id -u)" = 0 ]; }

# ---- what is needed: "how to tell that it is there=the package that brings it" ----

# shellcheck disable=SC2034 # used by those who source this
NEED_BUILD=(
	command:gcc=gcc header:stdio.h=libc6-dev command:cmake=cmake command:ninja=ninja-build
	command:pkg-config=pkg-config module:fuse3=libfuse3-dev module:libcjson=libcjson-dev
	module:libgit2=libgit2-dev module:libcap=libcap-dev module:libmd=libmd-dev
	header:linux/landlock.h=linux-libc-dev command:fusermount3=fuse3
)
# shellcheck disable=SC2034
NEED_TEST=(
	module:cmocka=libcmocka-dev command:/usr/bin/python3=python3 file:ensurepip=python3-venv
	command:git=git command:make=make command:sqlite3=sqlite3 command:vim=vim command:rsync=rsync
	command:patch=patch command:perl=perl command:getfattr=attr command:setfacl=acl
	command:node=nodejs command:npm=npm command:bwrap=bubblewrap command:useradd=passwd
	command:setpriv=util-linux command:ps=procps command:getcap=libcap2-bin command:tmux=tmux
	command:script=bsdutils command:strace=strace command:groff=groff-base
)
# shellcheck disable=SC2034
NEED_LINT=(
	command:clang=clang command:clang-tidy=clang-tidy command:clang-format=clang-format
	command:cppcheck=cppcheck command:shellcheck=shellcheck
)
# shellcheck disable=SC2034
NEED_ALL=("command:valgrind=valgrind" "clang-rt:asan=$(
	version=$(clang -dumpversion 2>/dev/null || true)
	echo "libclang-rt-${version:+${version%%.*}-}dev"
)")
# shellcheck disable=SC2034
NEED_BENCH=(
	command:fuse-overlayfs=fuse-overlayfs command:bindfs=bindfs command:bwrap=bubblewrap
	command:git=git command:/usr/bin/python3=python3
)

is_there() {
	local kind=${1%%:*} name=${1#*:}
	case $kind in
	command) command -v "$name" ;;
	module) command -v pkg-config && pkg-config --exists "$name" ;;
	header) compgen -G "/usr/include/$name" || compgen -G "/usr/include/*/$name" ;;
	file) /usr/bin/python3 -c "import $name" ;;
	clang-rt) compgen -G "$(clang -print-resource-dir)/lib/*/*$name*" ;;
	esac >/dev/null 2>&1
}

# missing_packages NEED...: one name a line
missing_packages() {
	local need
	for need; do
		is_there "${need%%=*}" || printf '%s\n' "${need#*=}"
	done | sort -u
}

APT_INSTALL="apt-get install -y -q --no-install-recommends"

# install_packages NEED...: lists what is missing and installs it: as root plainly, with one call
# of sudo else. Whoever can do neither is told the line, status 3.
install_packages() {
	local missing line
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	line="apt-get update && $APT_INSTALL ${missing[*]}"
	command -v apt-get >/dev/null ||
		die 3 "these are missing (names of Debian's packages): ${missing[*]}"
	say "installing ${#missing[@]} packages: ${missing[*]}"
	if is_root; then
		DEBIAN_FRONTEND=noninteractive sh -ec "$line" </dev/null >"$SCRATCH/apt.log" 2>&1
	elif can_sudo; then
		# shellcheck disable=SC2024 # the log is ours, not root's
		sudo DEBIAN_FRONTEND=noninteractive sh -ec "$line" >"$SCRATCH/apt.log" 2>&1
	else
		die 3 "packages are missing, and this needs root: $line"
	fi || {
		tail -n 20 "$SCRATCH/apt.log" >&2
		die 3 "the installation failed; by hand: $line"
	}
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -eq 0 ] || die 3 "still missing after the installation: ${missing[*]}"
}

can_sudo() {
	command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }
}

# ---- building ----

# as_owner COMMAND...: root does not build in somebody else's checkout.
as_owner() {
	local uid gid
	uid=$(stat -c %u .)
	gid=$(stat -c %g .)
	if is_root && [ "$uid" != 0 ]; then
		setpriv --reuid "$uid" --regid "$gid" --clear-groups -- "$@"
	else
		"$@"
	fi
}

# build PRESET: build/PRESET; the output is shown only where it fails.
build() {
	local log=$SCRATCH/build-$1.log
	say "building ($1)"
	{
		as_owner cmake --preset "$1" && as_owner cmake --build "build/$1"
	} >"$log" 2>&1 </dev/null || {
		grep -E -A 12 'error|Error|FAILED' "$log" | head -n 80 >&2 || tail -n 40 "$log" >&2
		return 1
	}
}

# ---- this machine ----

in_container() {
	[ -e /.dockerenv ] || [ -e /run/.containerenv ] || [ -n "${container:-}" ] ||
		grep -qa 'container=' /proc/1/environ 2>/dev/null
}

# Where nothing sets the mode of /dev/fuse (udev makes it 0666), root does it for the time of this
# script. FUSE_MODE is what restore_dev_fuse puts back.
FUSE_MODE=
open_dev_fuse() {
	is_root && [ -c /dev/fuse ] || return 0
	if in_container || [ ! -e /run/udev/control ]; then
		FUSE_MODE=$(stat -c %a /dev/fuse)
		if [ "$FUSE_MODE" = 666 ]; then
			FUSE_MODE=
		else
			say "/dev/fuse: mode 0666 for the time of this run (it has 0$FUSE_MODE)"
			chmod 0666 /dev/fuse
		fi
	fi
}
restore_dev_fuse() {
	[ -z "$FUSE_MODE" ] || chmod "$FUSE_MODE" /dev/fuse
	FUSE_MODE=
}

# Whether the tests can mount at all: FUSE and user namespaces.
can_mount() {
	[ -r /dev/fuse ] && [ -w /dev/fuse ] && { exec 9<>/dev/fuse; } 2>/dev/null && exec 9>&- &&
		{ unshare --user --map-current-user --mount true 2>/dev/null || apparmor_restricts; }
}

apparmor_restricts() {
	[ "$(cat /proc/sys/kernel/apparmor_restrict_unprivileged_userns 2>/dev/null)" = 1 ]
}

# Where AppArmor keeps user namespaces from programs that it does not know, the program under test
# gets the profile of config/apparmor under a name of its own; the sysctl stays as it is.
APPARMOR_FILE=
load_apparmor() {
	apparmor_restricts && is_root && command -v apparmor_parser >/dev/null || return 0
	APPARMOR_FILE=$SCRATCH/apparmor-writ
	sed -e "s|^profile writ [^ ]*|profile writ-under-test \"$1\"|" config/apparmor/writ >"$APPARMOR_FILE"
	say "loading an AppArmor profile for $1"
	apparmor_parser -r "$APPARMOR_FILE"
}
unload_apparmor() {
	[ -z "$APPARMOR_FILE" ] || apparmor_parser -R "$APPARMOR_FILE" || true
	APPARMOR_FILE=
}
