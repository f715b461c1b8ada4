#!/bin/bash
# SPDX-License-Identifier: MIT
# A home that is reached through a symlink: what people type names the same changes. A link within
# the home leads nowhere: it names only itself.
. "$(dirname "$0")/../lib.sh"
need_sandbox

real=$HOME
mkdir -p d .ssh
ln -s "$real" "$T/way"
ln -s .ssh innocent
export HOME=$T/way
cd "$HOME"
run -n -- sh -c 'cd; echo a >a; echo b >d/b; echo c >d/c; echo key >.ssh/authorized_keys'
job=sh-1
expect_status 0 "$WRIT" status -j "$job" "$HOME/a"
expect_out '~/a .*added'
expect_status 0 "$WRIT" diff -j "$job" "$HOME/d/b"
expect_out '^\+b$'
expect_status 0 "$WRIT" log -j "$job" "$HOME/d/*"
expect_out '~/d/c'
expect_status 0 "$WRIT" apply -j "$job" "$HOME/a" "$HOME/d/*"
expect_file "$real/a" a
expect_file "$real/d/c" c
expect_status 2 "$WRIT" apply -j "$job" "$real/innocent/authorized_keys"
expect_no "$real/.ssh/authorized_keys"
expect_status 0 "$WRIT" apply -j "$job" "$HOME/.ssh/authorized_keys"
expect_file "$real/.ssh/authorized_keys" key
