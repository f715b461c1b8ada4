#!/bin/bash
# SPDX-License-Identifier: MIT
# for: user
# Ordinary users see a refused file without write bits, so that open fails.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir r
echo old >r/f
inside --refuse '~/r' <<'IN'
[ -r r/f ] || fail "not readable"
[ ! -w r/f ] || fail "seems writable"
[ ! -w r ] || fail "the directory seems writable"
expect_errno EACCES 'os.open("r/f", WR)'
expect_errno EACCES 'os.open("r/f", RW)'
IN
