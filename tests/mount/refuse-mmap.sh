#!/bin/bash
# SPDX-License-Identifier: MIT
# A store through a shared mapping of a refused file fails at msync and is not kept.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir r
echo "old text" >r/f
keep_real
inside --refuse '~/r' <<'IN'
got=$(sys 'store("r/f", b"NEW")')
[ "$got" != ok ] || fail "the store succeeded"
expect_file r/f "old text"
IN
same_real
