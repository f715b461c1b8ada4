#!/bin/bash
# SPDX-License-Identifier: MIT
# A directory with real entries is not renamed outside grants: EXDEV, and mv copies it.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p d/sub g
echo a >d/sub/a
keep_real
inside --allow '~/g' <<'IN'
expect_errno EXDEV 'os.rename("d", "e")'
expect_errno EXDEV 'os.rename("d", "g/e")'
expect_file d/sub/a a
mv d e
expect_no d
expect_file e/sub/a a
IN
same_real
