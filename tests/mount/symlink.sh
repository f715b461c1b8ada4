#!/bin/bash
# SPDX-License-Identifier: MIT
# Symlinks: made, read, replaced, followed into and out of grants.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p g d
echo old >d/f
echo old >g/f
ln -s d/f to-d
ln -s g/f to-g
keep_real "$HOME/d"
inside --allow '~/g' <<'IN'
ln -s d/f new
expect_eq "$(readlink new)" d/f
expect_file new old
ln -sfn g/f to-d
expect_eq "$(readlink to-d)" g/f
ln -s nowhere dangling
expect_errno ENOENT 'get("dangling")'
expect_errno EEXIST 'os.symlink("x", "dangling")'
echo through >to-g
expect_file g/f through
ln -s ../d/f g/out
echo redirected >g/out
expect_file d/f redirected
touch -h -d '2001-01-01 UTC' new
expect_eq "$(stat -c %Y new)" 978307200
expect_eq "$(readlink "$(printf 'd/../new')")" d/f
long=$(head -c 4000 /dev/zero | tr '\0' l)
ln -s "$long" long
expect_eq "$(readlink long)" "$long"
ln -s loop loop
expect_errno ELOOP 'get("loop")'
IN
expect_eq "$(readlink to-d)" d/f
expect_file g/f through
expect_eq "$(readlink g/out)" ../d/f
same_real "$HOME/d"
