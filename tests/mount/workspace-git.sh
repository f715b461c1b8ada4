#!/bin/bash
# SPDX-License-Identifier: MIT
# The git top level is granted from below; files in .git/hooks are redirected, samples not.
. "$(dirname "$0")/../lib.sh"
need git
need_sandbox

git init -q repo
mkdir -p repo/src/deep
cd repo/src/deep
run -- sh -ec '
echo a >a
echo top >../../top
echo "#!/bin/sh" >../../.git/hooks/pre-commit
chmod +x ../../.git/hooks/pre-commit
echo sample >../../.git/hooks/new.sample
git config user.email a@example.com
[ -x ../../.git/hooks/pre-commit ]
echo out >~/out'
cd "$HOME"
expect_file repo/src/deep/a a
expect_file repo/top top
expect_no repo/.git/hooks/pre-commit out
expect_file repo/.git/hooks/new.sample sample
expect_eq "$(git -C repo config user.email)" a@example.com
