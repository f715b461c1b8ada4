#!/bin/bash
# SPDX-License-Identifier: MIT
# doctor names each need of this machine, and ends 0 where writ runs.
. "$(dirname "$0")/../lib.sh"
need_sandbox

expect_status 0 "$WRIT" doctor
expect_out '/dev/fuse'
expect_out '[Uu]ser namespaces'
expect_status 0 "$WRIT" doctor --json
/usr/bin/python3 -c 'import json, sys; assert json.load(open(sys.argv[1]))["v"] == 1' "$OUT"
