#!/bin/bash
# SPDX-License-Identifier: MIT
# bubblewrap works inside a job, and its writes are redirected as well.
. "$(dirname "$0")/../lib.sh"
need bwrap
need_sandbox

bwrap --ro-bind / / --bind "$HOME" "$HOME" --unshare-all true 2>/dev/null ||
	skip "bwrap does not work on this machine"
echo old >f
keep_real
inside <<'IN'
bwrap --ro-bind / / --dev /dev --bind "$HOME" "$HOME" --unshare-user --unshare-net -- \
	sh -c 'echo new >f; echo made >made'
expect_file f new
expect_file made made
bwrap --ro-bind / / --unshare-user -- sh -c 'echo no >f' 2>/dev/null && fail "a read-only bind is writable"
bwrap --ro-bind / / --tmpfs "$HOME" --unshare-user -- sh -c 'echo t >~/f'
expect_file f new
IN
same_real
