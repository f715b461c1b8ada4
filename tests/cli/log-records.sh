#!/bin/bash
# SPDX-License-Identifier: MIT
# The journal says who changed what, when, by which rule; log shows it, as JSON too.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir g
mkdir r
echo old >f
run --allow '~/g' --refuse '~/r' -- sh -c '
echo new >f
echo x >g/made
mkdir d
mv f moved
rm moved
chmod 700 d
mkdir r/new' 2>/dev/null || true
expect_status 0 "$WRIT" log
expect_status 0 "$WRIT" log --json
/usr/bin/python3 -I - "$OUT" "$HOME" <<'PY'
import json, os, sys
with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()
home = sys.argv[2]
document = json.loads(text)
assert document["v"] == 1
records = next(value for value in document.values() if isinstance(value, list))
by_op = {}
for record in records:
    by_op.setdefault(record["op"], []).append(record)
def has(op, path, verdict):
    assert any(r["path"] == f"{home}/{path}" and r["verdict"] == verdict
               for r in by_op.get(op, [])), (op, path, verdict, records)
has("mkdir", "d", "redirected")
has("create", "g/made", "granted")
has("rename", "f", "redirected")
has("unlink", "moved", "redirected")
has("chmod", "d", "redirected")
granted = next(r for r in by_op["create"] if r["path"] == f"{home}/g/made")
assert granted["rule"] == "~/g" and granted["rule_file"] == "command line", granted
assert granted["exe"] and granted["pid"] > 0 and "sh" in granted["argv"], granted
# An ordinary user's open is refused by the kernel, which reads the mode bits and asks nobody.
assert any(r["verdict"] == "refused" and r["path"] == f"{home}/r/new" for r in records) or \
    os.geteuid() != 0, records
assert [r["seq"] for r in records] == sorted(r["seq"] for r in records)
PY
