#!/bin/bash
# SPDX-License-Identifier: MIT
# A write through a granted name of an inode with a name elsewhere is not real.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir g
echo precious >outside
ln outside g/alias
keep_real
inside --allow '~/g' <<'IN'
echo new >g/alias
expect_file g/alias new
IN
same_real
