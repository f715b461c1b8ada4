#!/bin/bash
# SPDX-License-Identifier: MIT
# Missing parents of a granted path become real, unless a rule names one of them.
. "$(dirname "$0")/../lib.sh"
need_sandbox

inside --allow '~/a/b/c' --allow '~/x/y/z' --redirect '~/x/y' <<'IN'
mkdir -p a/b/c
echo f >a/b/c/f
mkdir -p a/b/beside
echo n >a/b/not
mkdir -p x/y/z
echo f >x/y/z/f
expect_file x/y/z/f f
IN
expect_file a/b/c/f f
expect_no a/b/not x/y
