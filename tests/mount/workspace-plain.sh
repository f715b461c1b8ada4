#!/bin/bash
# SPDX-License-Identifier: MIT
# The current directory is granted; $HOME itself never is, nor with -n.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p w/sub other
echo old >w/f
echo old >f
cd w/sub
run -- sh -c 'echo here >f; echo up >../f; echo out >~/f; echo other >~/other/f'
expect_file "$HOME/w/sub/f" here
expect_file "$HOME/w/f" old
expect_file "$HOME/f" old
expect_no "$HOME/other/f"
run -n -- sh -c 'echo no >f; cat f' >"$OUT"
expect_file "$OUT" no
expect_file "$HOME/w/sub/f" here
cd "$HOME"
run -- sh -c 'echo new >f; echo new >w/f'
expect_file "$HOME/f" old
expect_file "$HOME/w/f" old
