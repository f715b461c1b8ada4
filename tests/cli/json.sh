#!/bin/bash
# SPDX-License-Identifier: MIT
# Every --json document is one document and follows its schema in config/schema; names that are not
# UTF-8 come with their bytes.
. "$(dirname "$0")/../lib.sh"
need_sandbox

document() { # SCHEMA STATUS COMMAND...
	local schema=$1 status=$2
	shift 2
	expect_status "$status" "$WRIT" "$@"
	[ -e "$SRC/config/schema/$schema.schema.json" ] || fail "there is no schema $schema"
	"$SRC/tests/support/schema_check.py" "$SRC/config/schema/$schema.schema.json" "$OUT" >"$T/mistakes" ||
		fail "$*: $(head -5 "$T/mistakes"): $(head -c 2000 "$OUT")"
}
at() { # PYTHON: of the last document, as d
	/usr/bin/python3 -c "import base64, json, sys
d = json.load(open(sys.argv[1], encoding='utf-8'))
assert $1, d" "$OUT"
}

document jobs 0 jobs --json
at 'd["jobs"] == []'
document help 0 help --json
document doctor 0 doctor --json
at 'd["run"] and d["probes"]'
document mount 0 mount --json
document policy-show 0 policy show --json
document policy-check 0 policy check --json
document explain 0 explain --json ~/.bashrc

mkdir granted
echo text >.bashrc
echo x >old
inside --allow '~/granted' --refuse '~/refused' <<'IN'
echo more >>.bashrc
echo x >granted/file
echo x >refused || true
mv old new
chmod 600 new
mkdir dir
ln -s new link
mkfifo fifo
echo x >"$(printf 'bad\377name')"
IN
document jobs 0 jobs --json
at 'len(d["jobs"]) == 1 and d["jobs"][0]["changes"] and d["jobs"][0]["state"] == "ended"'
document log 0 log --json
at "any(base64.b64decode(r.get('path_b64', '')).endswith(b'bad\\xffname') for r in d['records'])"
document log 0 log --json '~/nowhere'
at 'd["records"] == []'
document status 4 status --json --exit-code
at "any(base64.b64decode(c.get('path_b64', '')).endswith(b'bad\\xffname') for c in d['changes'])"
document diff 0 diff --json
document apply 1 apply --json
document apply 0 apply --json '~/.bashrc'
document status 0 status --json
document log 0 log --json
at '{"apply"} <= {r["op"] for r in d["records"]}'
run -- sh -c 'echo x >dropped'
job=$(job_newest)
document discard 0 discard --json -j "$job"
document jobs-prune 0 jobs prune --json
at 'd["removed"] == []'
document jobs-prune 0 jobs prune --now --json
at 'len(d["removed"]) == 2'

# Errors stay one line on standard error, and there is no half document.
expect_status 2 "$WRIT" status --json
[ ! -s "$OUT" ] || fail "a document in spite of an error"
expect_lines "$ERR" 1
