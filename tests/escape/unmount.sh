#!/bin/bash
# SPDX-License-Identifier: MIT
# The mounts of a job cannot be taken off, moved or gone around, from a nested namespace either.
. "$(dirname "$0")/../lib.sh"
need_sandbox

echo old >f
keep_real
inside <<'IN'
real() { # a write that would be real if the mount were gone
	[ -e "$HOME" ] && (cd "$HOME" 2>/dev/null && echo evil >f) || true
}
try() {
	"$@" >/dev/null 2>&1 && echo "worked: $*" >>"$T/worked"
	real
}
try umount "$HOME"
try umount -l "$HOME"
mkdir -p "$T/elsewhere"
try mount --move "$HOME" "$T/elsewhere"
try unshare --user --map-root-user --mount sh -c "umount '$HOME' || umount -l '$HOME'"
try unshare --user --map-root-user --mount mount --move "$HOME" "$T/elsewhere"
try unshare --user --map-root-user --mount sh -c \
	"mount --bind / '$T/elsewhere' && echo evil >'$T/elsewhere$HOME/f' && exit 1"
try unshare --user --map-root-user --mount sh -c \
	"mount --rbind / '$T/elsewhere' && umount -l '$T/elsewhere$HOME' && echo evil >'$T/elsewhere$HOME/f'"
expect_no "$T/worked"
IN
same_real
