#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
# SQLite in WAL mode: two writers on a database that is copied up under a reader.
. "$(dirname "$0")/../lib.sh"
need sqlite3
need_sandbox

mkdir db g
sqlite3 db/a.db 'PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, who, body);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 20000)
	INSERT INTO t(who, body) SELECT "old", hex(randomblob(50)) FROM n;
	PRAGMA wal_checkpoint(TRUNCATE);' >"$OUT"
cp db/a.db g/a.db
keep_real "$HOME/db"
cat >"$T/writers.sh" <<'IN'
set -eu
cd "$1"
# A reader that holds the database open, mapped, from before the first change.
/usr/bin/python3 -I - <<'PY' &
import sqlite3, time
db = sqlite3.connect("a.db", timeout=30)
first = db.execute("SELECT count(*), sum(length(body)) FROM t WHERE who = 'old'").fetchone()
open("reader-is-there", "w").close()
end = time.monotonic() + 5
while time.monotonic() < end:
    again = db.execute("SELECT count(*), sum(length(body)) FROM t WHERE who = 'old'").fetchone()
    assert again == first, (first, again)
    time.sleep(0.05)
PY
reader=$!
while [ ! -e reader-is-there ]; do sleep 0.02; done
writer() {
	for i in $(seq 60); do
		sqlite3 -cmd '.timeout 30000' a.db \
			"BEGIN IMMEDIATE; INSERT INTO t(who, body) SELECT '$1', hex(randomblob(200))
			 FROM t LIMIT 20; COMMIT;"
	done
}
writer one & one=$!
writer two & two=$!
wait $one
wait $two
wait $reader
rm reader-is-there
[ "$(sqlite3 a.db 'PRAGMA integrity_check')" = ok ]
[ "$(sqlite3 a.db "SELECT count(*) FROM t WHERE who != 'old'")" = 2400 ]
IN
run --allow '~/g' -- bash "$T/writers.sh" "$HOME/db"
same_real "$HOME/db"
job=$(job_newest)
inside -j "$job" <<'IN'
expect_eq "$(sqlite3 db/a.db 'PRAGMA integrity_check')" ok
expect_eq "$(sqlite3 db/a.db 'SELECT count(*) FROM t')" 22400
IN
apply_all "$job"
expect_eq "$(sqlite3 db/a.db 'PRAGMA integrity_check')" ok
expect_eq "$(sqlite3 db/a.db 'SELECT count(*) FROM t')" 22400

cd g
run -- bash "$T/writers.sh" "$HOME/g"
job=$(job_newest)
if [ "$(sqlite3 a.db 'SELECT count(*) FROM t')" != 22400 ]; then
	apply_all "$job"
fi
expect_eq "$(sqlite3 a.db 'PRAGMA integrity_check')" ok
expect_eq "$(sqlite3 a.db 'SELECT count(*) FROM t')" 22400
