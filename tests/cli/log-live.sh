#!/bin/bash
# SPDX-License-Identifier: MIT
# log and status of a running job show what was written the moment before.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkfifo "$T/ask" "$T/answer"
run -- sh -c 'while read -r name; do echo x >"$name"; echo done; done' <"$T/ask" >"$T/answer" &
exec 4>"$T/ask" 5<"$T/answer"
for i in 1 2 3 4 5 6 7 8 9 10; do
	echo "file$i" >&4
	read -r _ <&5
	expect_status 0 "$WRIT" log "file$i"
	expect_out "  create +redirected +~/file$i "
	expect_status 0 "$WRIT" status
	expect_out "^sh-1 · running for "
	expect_out "^$i redirected"
done
exec 4>&-
wait
expect_status 0 "$WRIT" status
expect_out '^sh-1 · ended \(0\)'
