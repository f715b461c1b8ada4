#!/bin/bash
# SPDX-License-Identifier: MIT
# A single granted file that does not exist yet is made for real, and nothing beside it.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir d
echo old >d/other
keep_real "$HOME/d"
inside --allow '~/d/one' --allow '~/missing' <<'IN'
echo one >d/one
echo two >d/two
echo m >missing
echo new >d/other
IN
expect_file d/one one
expect_file missing m
expect_no d/two
expect_file d/other old
