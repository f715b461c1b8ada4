#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 240
# git clone, commit, rebase, gc and worktree, redirected: applied, it is what git makes alone.
. "$(dirname "$0")/../lib.sh"
need git
need_sandbox

# shellcheck source=tests/support/git_source.sh
. "$SRC/tests/support/git_source.sh"
make_git_source
mkdir work
# Index files hold inode numbers and times; packs depend on the order of loose objects. What they
# mean is compared by log, objects and fsck.
like_native --no-times --exclude '*/index' --exclude '*/objects/*' --exclude '*.git/objects/*' <<'IN'
cd work
"$SRC/tests/support/git_work.sh"
IN
cd work/repo
git fsck --strict --no-progress
expect_eq "$(git status --porcelain)" "" "status after apply"
expect_eq "$(git rev-list --all --objects | sort | sha256sum)" "$(sha256sum <../objects)"
git -C ../tree status --porcelain
