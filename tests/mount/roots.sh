#!/bin/bash
# SPDX-License-Identifier: MIT
# Several roots: each is redirected, renames between them cross a device, elsewhere is real.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir "$T/second" "$T/free"
echo old >"$T/second/f"
echo old >f
keep_real
keep_real "$T/second"
inside --root "$T/second" <<'IN'
echo new >f
echo new >"$T/second/f"
expect_file "$T/second/f" new
expect_errno EXDEV "os.rename('f', '$T/second/g')"
mv f "$T/second/g"
expect_file "$T/second/g" new
echo real >"$T/free/f"
IN
same_real
same_real "$T/second"
expect_file "$T/free/f" real
echo x >"$T/file"
expect_status 125 "$WRIT" run --root "$T/file" -- touch "$T/started"
expect_lines "$ERR" 1
expect_err "$T/file"
expect_status 125 "$WRIT" run --root "$T/none" -- touch "$T/started"
expect_lines "$ERR" 1
expect_no "$T/started"
