#!/bin/bash
# SPDX-License-Identifier: MIT
# diff shows where a link led and leads; a link that leads where it led has no such lines.
. "$(dirname "$0")/../lib.sh"
need_sandbox

ln -s here same
ln -s here other
run -- sh -c 'touch -h -d 2001-02-03 same; ln -sfn there other'
expect_status 0 "$WRIT" diff '~/same'
expect_out '^  time .* -> 2001-02-03'
! grep -E '^[+-]' "$OUT" || fail "the link leads where it led"
expect_status 0 "$WRIT" diff '~/other'
expect_out '^-here$'
expect_out '^\+there$'
