#!/bin/bash
# SPDX-License-Identifier: MIT
# What a person does with git in one hour, in the current directory; ends with everything clean.
set -euo pipefail

git clone -q "file://$T/src.git" repo
cd repo
git config gc.auto 0
git config pack.threads 1
git status --porcelain | wc -l | grep -qx 0
echo change >>dir1/sub/file1
git rm -q dir2/sub/file2
git mv dir3/sub/file3 moved
mkdir new
echo new >new/file
git add -A
git commit -q -m "changes"
git checkout -q -b topic HEAD~1
echo topic >topic
git add topic
git commit -q -m "topic"
git rebase -q main
git checkout -q main
git merge -q --no-ff -m "merge topic" topic
echo dirty >>dir1/sub/file1
git stash -q
git stash pop -q
git checkout -q -- dir1/sub/file1
git worktree add -q ../tree v1
(
	cd ../tree
	echo t >in-worktree
	git add in-worktree
	git commit -q -m "in the worktree"
)
git branch from-tree "$(git -C ../tree rev-parse HEAD)"
git gc -q --prune=now
git fsck --strict --no-progress >/dev/null
git worktree list | wc -l | grep -qx 2
git tag -a -m "tagged" v2
git push -q "$PWD/../pushed.git" main 2>/dev/null && exit 1
git clone -q --bare . ../pushed.git
git push -q ../pushed.git from-tree:other
git -C ../pushed.git fsck --strict --no-progress
git diff --quiet
git status --porcelain | wc -l | grep -qx 0
git -C ../tree status --porcelain | wc -l | grep -qx 0
git log --all --format='%H %s' >../log
git rev-list --all --objects | sort >../objects
cd ..
