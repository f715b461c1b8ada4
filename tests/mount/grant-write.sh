#!/bin/bash
# SPDX-License-Identifier: MIT
# A granted write is real at once; beside it everything is redirected.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p g/sub other
echo old >g/f
echo old >other/f
keep_real "$HOME/other"
inside --allow '~/g' <<'IN'
echo new >g/f
mkdir g/sub/made
echo deep >g/sub/made/f
ln -s ../f g/sub/link
chmod 0640 g/sub/made/f
rm -f g/gone
echo x >g/gone
rm g/gone
echo new >other/f
expect_file other/f new
IN
expect_file g/f new
expect_file g/sub/made/f deep
expect_eq "$(stat -c %a g/sub/made/f)" 640
expect_eq "$(stat -c %u:%g g/sub/made/f)" "$(id -u):$(id -g)" owner
expect_eq "$(readlink g/sub/link)" ../f
expect_no g/gone
same_real "$HOME/other"
