#!/bin/bash
# SPDX-License-Identifier: MIT
# In a submodule its git directory inside the main repository is granted.
. "$(dirname "$0")/../lib.sh"
need git
need_sandbox

git config --global user.name Somebody
git config --global user.email somebody@example.com
git config --global protocol.file.allow always
git init -q lib
git -C lib commit -q --allow-empty -m lib
git init -q main
git -C main submodule --quiet add "$HOME/lib" sub
git -C main commit -q -m "with a submodule"
cd main/sub
run -- sh -ec '
echo file >file
git add file
git commit -q -m "in the submodule"
echo no >../top'
cd "$HOME"
expect_eq "$(git -C main/sub log --format=%s | head -n 1)" "in the submodule"
expect_no main/top
git -C main/sub fsck --strict
