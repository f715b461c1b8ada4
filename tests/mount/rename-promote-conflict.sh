#!/bin/bash
# SPDX-License-Identifier: MIT
# A save over a granted file that changed outside meanwhile stays in scratch.
. "$(dirname "$0")/../lib.sh"
need_sandbox

echo old >conf
inside --allow '~/conf' <<'IN' &
expect_file conf old
echo mine >tmp
touch "$T/read"
wait_until 10 test -e "$T/changed"
expect_errno ok 'os.rename("tmp", "conf")'
expect_file conf mine
IN
pid=$!
wait_until 20 test -e "$T/read"
echo theirs >conf
touch "$T/changed"
wait "$pid"
case $(cat conf) in
theirs) ;;
mine) fail "the change from outside was lost" ;;
esac
inside -j "$(job_newest)" <<'IN'
expect_file conf mine
IN
