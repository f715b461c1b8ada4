#!/bin/bash
# SPDX-License-Identifier: MIT
# writ mount lists mounts (also other people's, whom the counts here leave out); the job of a mount
# is a job as any other.
. "$(dirname "$0")/../lib.sh"
need_mount

mkdir real shown over
echo old | tee real/file >over/file
expect_status 0 "$WRIT" mount
! grep -F '~/' "$OUT" || fail "there is a mount"
expect_status 0 "$WRIT" mount over
expect_quiet
expect_status 0 "$WRIT" mount --root real shown
expect_status 0 "$WRIT" mount
expect_out '^~/over +mount-1 +shows ~/over \(.*\)$'
expect_out '^~/shown +mount-2 +shows ~/real \(.*\)$'
[ "$(grep -cF '~/' "$OUT")" = 2 ] || fail "others than the two: $(cat "$OUT")"
expect_status 0 "$WRIT" mount --json
check "the schema" -- \
	"$SRC/tests/support/schema_check.py" "$SRC/config/schema/mount.schema.json" "$OUT"

echo new >over/file
echo new >shown/file
expect_file real/file old
expect_status 0 "$WRIT" status -j mount-1
expect_out '^mount-1 · mounted for .* · at ~/over$'
expect_out '^     ~/over/file  \+1 -1 lines '
expect_status 0 "$WRIT" umount over shown
expect_quiet
expect_file over/file old
expect_status 0 "$WRIT" jobs
expect_out '^mount-1 +ended.* to decide +~/over '
expect_status 0 "$WRIT" status -j mount-2
expect_out '^mount-2 · unmounted after '
expect_status 0 "$WRIT" apply -j mount-1
expect_file over/file new
expect_status 2 "$WRIT" umount over
expect_lines "$ERR" 1
expect_err 'over is not a mount of writ; writ mount lists them$'
