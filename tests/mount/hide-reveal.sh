#!/bin/bash
# SPDX-License-Identifier: MIT
# allowRead opens again what lies in a hidden directory; the narrower pattern wins.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir -p h/open/deep h/shut
echo a >h/open/f
echo b >h/open/deep/f
echo c >h/shut/f
cat >"$T/policy.json" <<'JSON'
{ "v": 1, "filesystem": { "denyRead": ["~/h"], "allowRead": ["~/h/open"] } }
JSON
inside -p "$T/policy.json" <<'IN'
expect_file h/open/f a
expect_file h/open/deep/f b
expect_errno EACCES 'get("h/shut/f")'
IN
