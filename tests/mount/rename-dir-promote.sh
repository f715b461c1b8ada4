#!/bin/bash
# SPDX-License-Identifier: MIT
# A directory that only this job made is promoted into a grant.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir g
inside --allow '~/g' <<'IN'
mkdir -p made/sub/deep
echo a >made/sub/a
ln -s a made/sub/l
chmod 0750 made/sub
mv made g/made
expect_no made
expect_file g/made/sub/a a
IN
expect_file g/made/sub/a a
expect_eq "$(readlink g/made/sub/l)" a
expect_eq "$(stat -c %a g/made/sub)" 750
expect_no made
[ -d g/made/sub/deep ] || fail "an empty directory was lost"
