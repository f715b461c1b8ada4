#!/bin/bash
# SPDX-License-Identifier: MIT
# A refused write gets EACCES, for uid 0 too; reading goes on.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p r/sub
echo old >r/f
echo old >r/g
echo x >plain
keep_real
inside --refuse '~/r' <<'IN'
expect_file r/f old
expect_errno EACCES 'put("r/f", b"new")'
expect_errno EACCES 'put("r/f", b"new", WR | APPEND)'
expect_errno EACCES 'put("r/f", b"new", WR | TRUNC)'
expect_errno EACCES 'os.truncate("r/f", 0)'
expect_errno EACCES 'put("r/new", b"x", WR | CREAT)'
expect_errno EACCES 'put("r/sub/new", b"x", WR | CREAT | EXCL)'
expect_errno EACCES 'os.mkdir("r/newdir")'
expect_errno EACCES 'os.symlink("x", "r/newlink")'
expect_errno EACCES 'os.mkfifo("r/fifo")'
expect_errno EACCES 'os.unlink("r/f")'
expect_errno EACCES 'os.rmdir("r/sub")'
expect_errno EACCES 'os.rename("r/f", "r/h")'
expect_errno EACCES 'os.rename("r/f", "h")'
expect_errno EACCES 'os.rename("plain", "r/h")'
expect_errno EACCES 'os.rename("plain", "r/f")'
expect_errno EACCES 'os.link("r/f", "h")'
expect_errno EACCES 'os.link("plain", "r/h")'
expect_errno EACCES 'os.chmod("r/f", 0o600)'
expect_errno EACCES 'os.utime("r/f", (1, 1))'
expect_errno EACCES 'os.setxattr("r/f", "user.x", b"1")'
# The kernel's order: what cannot work at all says so before any verdict.
expect_errno EEXIST 'os.mkdir("r/sub")'
expect_errno EEXIST 'put("r/f", b"x", WR | CREAT | EXCL)'
expect_errno ENOENT 'os.unlink("r/none")'
got=$(sys 'os.rmdir("r/f")')
case $got in ENOTDIR | EACCES) ;; *) fail "rmdir of a file: $got" ;; esac
expect_errno ENAMETOOLONG 'put("r/" + "n" * 256, b"x", WR | CREAT)'
expect_file r/f old
expect_eq "$(cat r/f r/g)" "$(printf 'old\nold')"
IN
same_real
