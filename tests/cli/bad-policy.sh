#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 240
# A policy that cannot be read starts nothing: one line with place and cure, status 125.
. "$(dirname "$0")/../lib.sh"
need_sandbox

echo old >f
keep_real
refused_policy() { # WORDS REGEX
	expect_status 125 "$WRIT" run -p "$T/p.json" -- touch "$T/started" f
	expect_lines "$ERR" 1
	expect_err '^writ: .*p\.json'
	expect_err "$2"
	expect_no "$T/started"
}
policy() { printf '%s' "$1" >"$T/p.json"; }
policy '{"v":1,"filesystem":{"allowWrites":["~/"]}}'
refused_policy "unknown key" 'p\.json:1:[0-9]+: .*allowWrites.*allowWrite'
policy '{"v":1,"filesystem":{"allowWrite":"~/f"}}'
refused_policy "wrong type" 'p\.json:1:[0-9]+'
policy '{"v":2}'
refused_policy "version" 'p\.json:1:[0-9]+'
policy '{"v":1,"filesystem":{"allowWrite":["~/f"'
refused_policy "truncated" 'p\.json:1:[0-9]+'
policy ''
refused_policy "empty" 'p\.json'
policy '{"v":1,"filesystem":{"allowWrite":["{a,b"]}}'
refused_policy "unbalanced braces" 'p\.json:1:[0-9]+'
policy '{"v":1,"filesystem":{"allowWrite":["../f"]}}'
refused_policy "dot dot" 'p\.json:1:[0-9]+'
policy '{"v":1,"filesystem":{"allowWrite":["~root/f"]}}'
refused_policy "other home" 'p\.json:1:[0-9]+'
policy "{\"v\":1,\"filesystem\":{\"allowWrite\":[\"$(printf '{a,b}%.0s' $(seq 20))\"]}}"
refused_policy "braces without end" 'p\.json:1:[0-9]+'
truncate -s 100M "$T/p.json"
refused_policy "100 MB" 'p\.json'
rm "$T/p.json"
refused_policy "missing" 'p\.json'
mkdir "$T/p.json"
refused_policy "a directory" 'p\.json'
same_real

# Long and many patterns are good input.
rmdir "$T/p.json"
/usr/bin/python3 -c 'import json, sys
print(json.dumps({"v": 1, "filesystem": {"allowWrite": ["**/" * 100 + "x"] +
    [f"~/granted/{i}/*.txt" for i in range(10000)]}}))' >"$T/p.json"
mkdir -p granted/9999
expect_status 0 run -p "$T/p.json" -- sh -c 'echo x >granted/9999/a.txt; echo x >granted/9999/a.c'
expect_file granted/9999/a.txt x
expect_no granted/9999/a.c

# A broken policy of the user stops every run.
mkdir -p .config/writfs
echo '{"v":1,' >.config/writfs/policy.json
expect_status 125 "$WRIT" run -- touch "$T/started"
expect_err 'policy\.json'
expect_no "$T/started"
