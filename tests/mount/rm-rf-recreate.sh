#!/bin/bash
# SPDX-License-Identifier: MIT
# A tree that was removed and made again is empty, also deep in it.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p d/a/b/c
for i in 1 2 3 4 5 6 7 8 9; do echo "$i" | tee "d/f$i" "d/a/f$i" "d/a/b/f$i" >"d/a/b/c/f$i"; done
keep_real
inside <<'IN'
rm -rf d
mkdir -p d/a/b/c
expect_eq "$(find d | sort)" "$(printf 'd\nd/a\nd/a/b\nd/a/b/c')"
echo new >d/a/b/c/f1
expect_file d/a/b/c/f1 new
rm -rf d
echo file >d
expect_file d file
rm d
mkdir d
expect_eq "$(ls -A d)" ""
IN
same_real
