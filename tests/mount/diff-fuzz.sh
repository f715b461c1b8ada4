#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
# Random calls of several processes and threads do the same in a job as in a plain directory: every
# result, both trees after every batch, the trees after the job is discarded, applied or continued.
# Without words: three seeds, all redirected, discarded at the end. WRIT_FUZZ_ENDS="discard apply" and
# WRIT_FUZZ_SEEDS="1 2 3" runs others (WRIT_FUZZ_MODES="grant": only so); WRIT_FUZZ_SHRINK=1
# reduces a failing seed to few calls.
. "$(dirname "$0")/../lib.sh"
need_sandbox

fuzz=$PROGS/diff_fuzz
[ -x "$fuzz" ] || skip "diff_fuzz is not built"
real=$T/real
plain=$T/plain
chmod 755 "$T"

populate() {
	chmod -R u+rwx "$real" "$plain" 2>/dev/null || true
	rm -rf "$real" "$plain"
	mkdir "$real" "$plain"
	"$fuzz" populate "$1" "$real"
	"$fuzz" populate "$1" "$plain"
}

# policy MODE: fills grants (options of writ run) and exdev (where the design answers EXDEV).
policy() {
	case $1 in
	redirect)
		grants=()
		exdev=d
		;;
	grant)
		grants=(--allow "$real/**")
		exdev=
		;;
	mixed)
		grants=(--allow "$real/w0/**" --allow "$real/w1/a/**" --allow "$real/**/b"
			--allow "$real/w2/{c,d}/**" --redirect "$real/w0/a/**" --allow "$real/s")
		exdev=dlr
		;;
	esac
}

in_job() { run -n --root "$real" "${grants[@]}" "$@"; }

# again FILE: the calls of FILE in a fresh tree, for shrinking.
write_again() {
	cat >"$T/again" <<-AGAIN
		#!/bin/bash
		chmod -R u+rwx '$real' '$plain' 2>/dev/null
		rm -rf '$real' '$plain'
		mkdir '$real' '$plain'
		'$fuzz' populate $1 '$real'
		'$fuzz' populate $1 '$plain'
		exec '$WRIT' run -q -n --root '$real' ${grants[*]@Q} -- \\
			'$fuzz' replay -x '$exdev' "\$1" '$plain' '$real' 2>'$T/again.err'
	AGAIN
	chmod +x "$T/again"
}

explain_failure() {
	cat "$T/fuzz.err" >&2
	if [ "${WRIT_FUZZ_SHRINK:-}" = 1 ]; then
		write_again "$1"
		if "$fuzz" shrink "$T/calls" "$T/again" >&2; then
			"$T/again" "$T/calls" || cat "$T/again.err" >&2
			printf 'populate %s, grants: %s, and these calls:\n' "$1" "${grants[*]}" >&2
			cat "$T/calls" >&2
		fi
	fi
	fail "seed $1, $2: the job is not like a plain directory"
}

# fuzz_seed SEED MODE END
fuzz_seed() {
	local seed=$1 mode=$2 end=$3 job
	local grants exdev
	populate "$seed"
	policy "$mode"
	keep_real "$real"
	in_job -- "$fuzz" run -s "$seed" -x "$exdev" -o "$T/calls" "$plain" "$real" \
		>"$T/fuzz.out" 2>"$T/fuzz.err" || explain_failure "$seed" "$mode"
	cat "$T/fuzz.out"
	job=$(job_newest)
	if [ "$mode" = redirect ]; then
		same_real "$real"
	fi
	# What the job has made shows the same to its next program.
	run -j "$job" -- "$fuzz" compare "$plain" "$real" ||
		fail "seed $seed, $mode: another view after the job was continued"
	case $end in
	discard)
		"$WRIT" discard -j "$job" -- "$real" >"$OUT" 2>"$ERR" || fail "discard: $(cat "$ERR")"
		same_real "$real"
		;;
	apply)
		apply_all "$job"
		"$fuzz" compare "$plain" "$real" || fail "seed $seed, $mode: another tree after apply"
		;;
	esac
	"$WRIT" jobs prune -j "$job" >/dev/null 2>&1 || true
}

if [ -n "${WRIT_FUZZ_SEEDS:-}" ]; then
	for seed in $WRIT_FUZZ_SEEDS; do
		for mode in ${WRIT_FUZZ_MODES:-redirect grant mixed}; do
			ends=none
			[ "$mode" != redirect ] || ends=${WRIT_FUZZ_ENDS:-'discard apply'}
			for end in $ends; do
				fuzz_seed "$seed" "$mode" "$end"
			done
		done
	done
	exit
fi
for seed in 1 2 3; do
	fuzz_seed "$seed" redirect discard
done
