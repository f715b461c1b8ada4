#!/bin/bash
# SPDX-License-Identifier: MIT
# What run says: one line when redirected and not on a terminal, nothing otherwise.
. "$(dirname "$0")/../lib.sh"
need_sandbox

echo old >f
mkdir -p w
expect_status 0 "$WRIT" run -- cat f
expect_eq "$(cat "$ERR")" "" "words of a run that changed nothing"
cd w
expect_status 0 "$WRIT" run -- sh -c 'echo x >granted'
expect_eq "$(cat "$ERR")" "" "words of a run that only wrote what is granted"
cd ..
expect_status 7 "$WRIT" run -- sh -c 'echo x >f; mkdir d; echo x >d/g; exit 7'
expect_lines "$ERR" 1
expect_err '^writ: sh-[0-9]+ ended \(7\) · [0-9]+ redirected: .*~/'
expect_err 'writ status -j sh-[0-9]+$'
expect_status 0 "$WRIT" run -q -- sh -c 'echo x >f'
expect_eq "$(cat "$ERR")" "" "words of run -q"
