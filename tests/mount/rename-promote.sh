#!/bin/bash
# SPDX-License-Identifier: MIT
# A temporary file renamed over one granted file is a real save, and nothing else is real.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p conf other
echo old >conf/a.json
chmod 0600 conf/a.json
echo x >other/x
keep_real "$HOME/other"
inside --allow '~/conf/a.json' --allow '~/conf/new.json' --allow '~/far/off/b.json' <<'IN'
umask 077
echo new >conf/a.json.tmp.1234
expect_no conf/none
mv conf/a.json.tmp.1234 conf/a.json
expect_no conf/a.json.tmp.1234
expect_file conf/a.json new
echo fresh >other/tmp
mv other/tmp conf/new.json
expect_file conf/new.json fresh
mkdir -p far/off
echo b >far/tmp
mv far/tmp far/off/b.json
expect_file far/off/b.json b
echo again >conf/.tmp
mv conf/.tmp conf/a.json
IN
expect_file conf/a.json again
expect_eq "$(stat -c %a conf/a.json)" 600 mode
expect_file conf/new.json fresh
expect_file far/off/b.json b
expect_eq "$(ls -A conf)" "$(printf 'a.json\nnew.json')" "names in conf"
expect_eq "$(ls -A far)" off "names in far"
same_real "$HOME/other"
