#!/bin/bash
# SPDX-License-Identifier: MIT
# apply that is killed is finished or taken back by the next command; nothing is lost.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir d
for i in $(seq 300); do echo "old $i" >"d/f$i"; done
for round in 1 2 3 4 5 6; do
	run -- sh -c "for i in \$(seq 300); do echo \"round $round \$i\" >d/f\$i; done; mkdir d/new$round; echo n >d/new$round/n"
	job=$(job_newest)
	"$WRIT" apply -j "$job" >"$OUT" 2>"$ERR" &
	pid=$!
	sleep "0.0$((round * 2))"
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	for i in 1 150 300; do
		grep -qxE "(old|round [0-9]+) $i" "d/f$i" || fail "d/f$i has $(cat "d/f$i")"
	done
	"$WRIT" status -j "$job" >"$OUT" || fail "status after the kill: $?"
	pending=$(find "$HOME/.local/state/writfs/jobs/$job/intents" -name "*.jsonl" | wc -l)
	expect_status 0 "$WRIT" apply -j "$job"
	[ "$pending" = 0 ] || expect_err "^writ: $job: an earlier command was cut off and is finished now"
	for i in $(seq 300); do
		expect_file "d/f$i" "round $round $i"
	done
	expect_file "d/new$round/n" n
done
expect_status 0 "$WRIT" jobs
[ "$(grep -cE " (applied|decided) " "$OUT")" = 6 ] || fail "jobs: $(cat "$OUT")"
expect_eq "$(find d | wc -l)" 313 "names in d"
