#!/bin/bash
# SPDX-License-Identifier: MIT
# Many processes change one tree at once; the result is whole.
. "$(dirname "$0")/../lib.sh"
need_sandbox

mkdir d
for i in $(seq 200); do echo "old $i" >"d/f$i"; done
keep_real
inside <<'IN'
for worker in 1 2 3 4 5 6 7 8; do
	(
		for i in $(seq 200); do
			echo "$worker $i" >>d/f$i
			echo "$worker" >d/own.$worker.$i
			mv d/own.$worker.$i d/moved.$worker.$i
			[ $((i % 3)) != 0 ] || rm d/moved.$worker.$i
		done
	) &
done
wait
expect_eq "$(cat d/f* | wc -l)" 1800 lines
expect_eq "$(ls d | grep -c '^moved')" 1072
expect_eq "$(ls d | grep -c '^own')" 0
for i in 1 77 200; do expect_eq "$(sort d/f$i | uniq | wc -l)" 9; done
IN
same_real
