#!/bin/bash
# SPDX-License-Identifier: MIT
# A program makes a directory writable before it works in it (go's module cache): apply does so in
# the same order, and what the directory's mode is in the end is what the program left.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p stays/deep again
echo old | tee stays/f stays/deep/f >again/f
chmod 555 stays/deep stays again
inside <<'IN'
chmod 755 stays stays/deep
echo made >stays/made
rm stays/f
echo new >stays/deep/f
chmod 755 again
mv again/f again/g
chmod 700 again
IN
expect_status 0 "$WRIT" apply
expect_file stays/made made
expect_no stays/f
expect_file stays/deep/f new
expect_file again/g old
expect_eq "$(stat -c %a stays stays/deep again | xargs)" "755 755 700" "modes"
expect_status 0 "$WRIT" jobs
expect_out 'sh-1|bash-1|env-1'
expect_out ' applied '
