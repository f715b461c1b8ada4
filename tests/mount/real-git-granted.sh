#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 240
# git in a granted directory works for real, and nothing beside it changes.
. "$(dirname "$0")/../lib.sh"
need git
need_sandbox

# shellcheck source=tests/support/git_source.sh
. "$SRC/tests/support/git_source.sh"
make_git_source
mkdir work "$T/native" beside
echo x >beside/x
(cd "$T/native" && "$SRC/tests/support/git_work.sh")
keep_real "$HOME/beside"
cd work
run -- "$SRC/tests/support/git_work.sh"
cd "$HOME"
same_real "$HOME/beside"
expect_eq "$(ls -A)" "$(printf '.local\nbeside\nwork')" "names in the home"
expect_same_tree "$T/native" "$HOME/work" --no-times --exclude '*/index' --exclude '*/objects/*' \
	--exclude '*.git/objects/*' --exclude '*/gitdir' --exclude 'tree/.git' --exclude '*/config' \
	--exclude 'repo/.git/logs/*' --exclude 'repo/.git/hooks/*'
cd work/repo
git fsck --strict --no-progress
expect_eq "$(git status --porcelain)" "" "status outside"
