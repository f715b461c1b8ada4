#!/bin/bash
# SPDX-License-Identifier: MIT
# In a git worktree the common git directory is granted too, if it points back.
. "$(dirname "$0")/../lib.sh"
need git
need_sandbox

git config --global user.name Somebody
git config --global user.email somebody@example.com
git init -q main
git -C main commit -q --allow-empty -m first
git -C main worktree add -q ../tree
mkdir stranger
git init -q stranger
keep_real "$HOME/stranger"
cd tree
run -- sh -ec '
echo file >file
git add file
git commit -q -m "in a worktree"
echo hook >../main/.git/hooks/pre-commit
echo main >../main/file'
cd "$HOME"
expect_eq "$(git -C main log --format=%s tree | head -n 1)" "in a worktree"
expect_file tree/file file
expect_no main/file main/.git/hooks/pre-commit
git -C main fsck --strict

# A directory whose .git names a repository that does not know it gets nothing of it.
mkdir liar
echo "gitdir: $HOME/stranger/.git" >liar/.git
cd liar
run -- sh -ec 'echo mine >f; echo evil >../stranger/.git/evil'
cd "$HOME"
same_real "$HOME/stranger"
