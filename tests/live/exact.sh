# SPDX-License-Identifier: Apache-2.0
# exact_policy POLICY[+PREFETCH] PATTERN FRAMES... - acceptance 4: a live run with --exact, the core driven with the toucher's own log, and the
# brute-force model in tests/model count the same faults, zero fills, evictions and dirty evictions. With prefetching there is no such
# model here (tests/unit/test_memory.c has one): live and core only, and the pages read ahead and used are compared as well.
# Leaves the counts in $T/live.POLICY.PATTERN.
. "${BASH_SOURCE[0]%/*}/lib.sh"
SEED=7

core_only='' accesses=220000
exact_policy() {
	local policy=$1 pattern=$2 toucher coredrive frames n prefetch=''
	[ "${policy#*+}" = "$policy" ] || prefetch=${policy#*+}
	shift 2
	toucher=$(workload toucher) coredrive=$(program coredrive) || fail "cannot build"
	"$toucher" -p 1024 -n $accesses -k "$pattern" -s 3 -l "$T/log" >"$T/toucher.native" || fail "the toucher fails alone"
	n=$(wc -l <"$T/log")
	[ "$n" -ge $((accesses * 9 / 10)) ] || fail "only $n accesses in the log"
	"$coredrive" core "$policy" $SEED "$@" <"$T/log" >"$T/core" || fail "core"
	if [ -n "$prefetch$core_only" ]; then
		cp "$T/core" "$T/model"
	else
		"$coredrive" model "$policy" $SEED "$@" <"$T/log" >"$T/model" || fail "model"
	fi
	: >"$T/live"
	for frames in "$@"; do
		paged live1 -q -f "$frames" -a "${policy%%+*}" ${prefetch:+--prefetch $prefetch} --exact --seed $SEED --regions 'anon>=1M' --checksum -- \
			"$toucher" -p 1024 -n $accesses -k "$pattern" -s 3 -l "$T/log.live"
		[ "$(cat "$T/live1.status")" = 0 ] || { show "$T"/live1.*; fail "the toucher failed at $frames frames"; }
		sound "$T/live1.json"
		cmp "$T/toucher.native" "$T/live1.out" || fail "output"
		cmp "$T/log" "$T/log.live" || fail "the sequence is not the same in both runs"
		echo "$frames faults $(counter "$T/live1.json" faults) zero $(counter "$T/live1.json" faults_zero)" \
			"evictions $(counter "$T/live1.json" evictions) dirty $(counter "$T/live1.json" evictions_dirty)" \
			${prefetch:+ahead $(counter "$T/live1.json" prefetch_issued) used $(counter "$T/live1.json" prefetch_used)} >>"$T/live"
	done
	paste -d '\n' "$T/live" "$T/core" "$T/model" | awk -v p="$policy $pattern" '{ print p, (NR % 3 == 1 ? "live " : NR % 3 == 2 ? "core " : "model"), $0 }'
	cmp "$T/core" "$T/model" || fail "$policy: core and model differ"
	cmp "$T/live" "$T/core" || fail "$policy: live and core differ"
	cp "$T/live" "$T/live.$policy.$pattern"
}

# The same without the model.
exact_policy_core() { core_only=yes; exact_policy "$@"; core_only=''; }
