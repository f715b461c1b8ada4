#!/bin/bash
# SPDX-License-Identifier: MIT
# A workspace outside every root becomes a root, and is granted.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p "$T/away/sub" "$T/beside"
git init -q "$T/away"
cd "$T/away/sub"
run --redirect "$T/away/.env" -- sh -c 'echo w >f; echo up >../f; echo no >../.env; echo b >../../beside/f'
expect_file "$T/away/sub/f" w
expect_file "$T/away/f" up
expect_no "$T/away/.env"
expect_file "$T/beside/f" b
