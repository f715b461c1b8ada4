#!/bin/bash
# SPDX-License-Identifier: MIT
# for: root
# A state directory that cannot be written: one line, 125, nothing started.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mount -t tmpfs -o ro tmpfs "$HOME/.local/state/writfs"
expect_status 125 "$WRIT" run -- touch "$T/started"
expect_lines "$ERR" 1
expect_err '\.local/state/writfs'
expect_no "$T/started"
umount "$HOME/.local/state/writfs"
