#!/bin/bash
# SPDX-License-Identifier: MIT
# for: root
# A program with file capabilities, run by an ordinary user in a job, takes no mount off.
. "$(dirname "$0")/../lib.sh"
need_sandbox
need setpriv setcap

user() { setpriv --reuid 12345 --regid 12345 --clear-groups -- "$@"; }
[ "$(stat -c %a /dev/fuse)" = 666 ] || skip "/dev/fuse is not for ordinary users"
chmod 755 "$T"
chmod 1777 "$T/tmp"
mkdir "$T/user"
echo old >"$T/user/f"
chown -R 12345:12345 "$T/user"
export HOME=$T/user
cd "$HOME"
cp "$PROGS/escape" "$T/tmp/capable"
setcap cap_sys_admin,cap_sys_ptrace,cap_dac_override+ep "$T/tmp/capable"
got=0
user "$WRIT" run -q -- "$T/tmp/capable" "$HOME" f >"$OUT" 2>"$ERR" || got=$?
case $got in
0) expect_out '^0 escapes$' ;;
126) ;; # the kernel does not even start it with an empty bounding set
*) fail "status $got: $(cat "$OUT" "$ERR")" ;;
esac
expect_file f old
