#!/bin/bash
# SPDX-License-Identifier: MIT
# alone
# A change made outside shows inside within a second, also for a name that was missing.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir d
echo old >d/f
echo gone >d/gone
echo old >d/replaced
inside <<'IN' &
ls d >/dev/null
expect_file d/f old
expect_file d/replaced old
cat d/gone >/dev/null
expect_no d/later d/sub
touch "$T/ready"
wait_until 10 test -e "$T/changed"
sleep 1.1
expect_file d/f "newer text"
expect_file d/replaced new
expect_no d/gone
expect_file d/later later
expect_file d/sub/deep deep
expect_eq "$(ls d)" "$(printf 'f\nlater\nreplaced\nsub')"
expect_eq "$(stat -c %a d)" 711
IN
pid=$!
wait_until 20 test -e "$T/ready"
echo "newer text" >d/f
echo new >d/tmp
mv d/tmp d/replaced
rm d/gone
echo later >d/later
mkdir d/sub
echo deep >d/sub/deep
chmod 0711 d
touch "$T/changed"
wait "$pid"
