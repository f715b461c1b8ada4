#!/bin/bash
# SPDX-License-Identifier: MIT
# The commands in the README show what the README says that they show.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir Downloads
cp "$SRC/scripts/demo/install.sh" Downloads/
printf '# ~/.bashrc\nalias ll="ls -l"\n' >.bashrc
keep_real
mkdir "$T/bin"
ln -s "$WRIT" "$T/bin/writ"
cd Downloads
PATH=$T/bin:$PATH USER=you /usr/bin/python3 -IB "$SRC/tests/support/console.py" "$SRC/README.md"
expect_file "$HOME/.bashrc" "$(printf '# ~/.bashrc\nalias ll="ls -l"')"
