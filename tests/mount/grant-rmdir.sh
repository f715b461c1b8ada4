#!/bin/bash
# SPDX-License-Identifier: MIT
# rmdir of a granted directory whose redirected names are deleted is a redirected deletion.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p g/d
echo secret >g/d/.env
echo a >g/d/a
inside --allow '~/g' --redirect '**/.env' <<'IN'
rm g/d/a g/d/.env
expect_eq "$(ls -A g/d)" ""
rmdir g/d
expect_no g/d
mkdir g/d
expect_no g/d/.env
echo again >g/d/b
expect_file g/d/b again
IN
expect_file g/d/.env secret
expect_no g/d/a
expect_file g/d/b again
