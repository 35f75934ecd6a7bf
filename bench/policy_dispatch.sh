#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# policy_dispatch.sh [POLICY...] - what it brings to compile a policy into the replay loop: `make bench-dispatch`.
#
# Each policy (all that are replayed, or those named) is replayed on zipf1 (`vmm gen -t zipf -n 2000000 --pages 1000000`) at
# 76,345 frames by one thread, in these ways; M references a second, median of BENCH_ROUNDS (3) rounds (one, when it takes
# longer than 30 s), decoding left out:
#
#   table      its file compiled into a shared object and called through its table of callbacks
#   inlined    as it is built in: compiled into the loop
#   run time   -a ./FILE.c: compiled by the system's compiler when it is named (the second time, from the cache)
#   lto, pgo   built in, by `make lto` and `make pgo`; where those builds are not there, a -
#
# All must count the same misses, or the exit status is 1. BENCH_N: references. Results also go to bench/results/dispatch.csv.
cd "$(dirname "$0")/.." || exit 1
top=$PWD
case ${BIN:-bin} in /*) bin=$BIN ;; *) bin=$PWD/${BIN:-bin} ;; esac
rounds=${BENCH_ROUNDS:-3} n=${BENCH_N:-2000000} frames=76345
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p bench/results build/bench
export XDG_CACHE_HOME=$work/cache
[ $# -gt 0 ] || set -- $("$bin/vmm" policies | awk 'NR > 1 && !NF { exit } NR > 1 && $2 != "X" && $1 != "ws" { print $1 }')

trace=build/bench/zipf1-$n.vmt
[ -s "$trace" ] || "$bin/vmm" gen -t zipf -n "$n" --pages 1000000 -o "$trace" || exit 1

# run VMM SPEC: "misses M_refs_s" of one replay.
run() { "$1" sim -q --jobs 1 -t "$trace" -f $frames -a "$2" --csv - | awk -F, 'NR == 2 { print $7, $4 / $16 / 1e3 }'; }

# measure WAY VMM SPEC POLICY: a round; a line "way misses speed" for the medians.
measure() { run "$2" "$3" | sed "s/^/$1 /" >>"$work/$4"; }

ways="table inlined runtime lto pgo"
rm -f bench/results/dispatch.csv
echo "zipf1, $n references, $frames frames: M references a second, medians of $rounds rounds"
printf '%-16s' policy
printf '%10s' $ways misses
echo
status=0
for policy in "$@"; do
	source=core/policies/$policy.c
	[ -r "$source" ] || { echo "$policy: no $source"; status=1; continue; }
	$cc -std=gnu11 -O3 -fPIC -shared -fno-semantic-interposition -D_GNU_SOURCE= -I"$top" "$source" -lm -o "$work/$policy.so" ||
		exit 1
	begin=$SECONDS
	for ((k = 0; k < rounds; k++)); do
		((k == 0 || SECONDS - begin < 30)) || break
		measure table "$bin/vmm" "$work/$policy.so" "$policy"
		measure inlined "$bin/vmm" "$policy" "$policy"
		measure runtime "$bin/vmm" "./$source" "$policy"
		for way in lto pgo; do
			[ -x build/$way/bin/vmm ] && measure $way build/$way/bin/vmm "$policy" "$policy"
		done
	done
	awk -v policy="$policy" -v ways="$ways" -v csv=bench/results/dispatch.csv '
		{ speed[$1, ++n[$1]] = $3; misses = misses == "" ? $2 : misses; if ($2 != misses || $2 == "") bad = 1 }
		function median(w, i, j, t) {
			for (i = 2; i <= n[w]; i++)
				for (j = i; j > 1 && speed[w, j] < speed[w, j - 1]; j--) { t = speed[w, j]; speed[w, j] = speed[w, j - 1]; speed[w, j - 1] = t }
			return n[w] % 2 ? speed[w, (n[w] + 1) / 2] : (speed[w, n[w] / 2] + speed[w, n[w] / 2 + 1]) / 2
		}
		END {
			printf "%-16s", policy
			for (i = split(ways, way, " "); i > 0; i--) order[i] = way[i]
			for (i = 1; i in order; i++) {
				value = n[order[i]] ? sprintf("%.1f", median(order[i])) : "-"
				printf "%10s", value
				print policy "," order[i] "," value "," misses >>csv
			}
			printf "%10s%s\n", misses, bad ? "  misses differ" : ""
			exit bad
		}' "$work/$policy" || status=1
done
exit $status
