#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# peers.sh - the same references through other simulators, those that are on PATH: `make bench-peers`.
#
#   valgrind    cachegrind with a fully associative first-level data cache of F lines of 4 KiB simulates LRU in F frames. The
#               references are those of a program, which lackey writes down and vmm replays.
#   dineroIV    Dinero IV, one fully associative cache of F blocks of 4 KiB, LRU, FIFO (and random, which is seeded otherwise)
#   cachesim    libCacheSim, on an oracleGeneral trace, object sizes ignored. It prints a miss ratio of four digits.
#   gem5, sim-cache (SimpleScalar)   run programs of their own, not traces: said, and not compared
#
# Three tables: misses of both sides and whether they agree; references a second of both sides, the whole command, with reading and
# parsing; the largest trace that each finishes under `ulimit -v` 2 GiB: every page once, since pages are what takes memory, doubled until it fails.
# The exit status is 1 when a count differs or a peer that was found could not be run. Only valgrind's part has been
# tried by the authors: the others are written from the peers' manuals, and the output says so.
#
# BENCH_N (1000000) references of zipf; BENCH_FRAMES ("64 1000"); BENCH_MAX (128000000) most references in the last table;
# BENCH_SECONDS (120): a peer that takes longer has not finished.
cd "$(dirname "$0")/.." || exit 1
case ${BIN:-bin} in /*) vmm=$BIN/vmm ;; *) vmm=$PWD/${BIN:-bin}/vmm ;; esac
n=${BENCH_N:-1000000} max=${BENCH_MAX:-128000000} limit_s=${BENCH_SECONDS:-120}
read -ra sizes <<<"${BENCH_FRAMES:-64 1000}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

has() { command -v "$1" >/dev/null; }
now() { date +%s.%N; }

# vmm_misses TRACE FRAMES POLICY
vmm_misses() { "$vmm" sim -q --jobs 1 -t "$1" -f "$2" -a "$3" --csv - | awk -F, 'NR == 2 { print $7 }'; }

# row PEER TRACE REFERENCES POLICY FRAMES PEERS_MISSES PEER_S VMM_MISSES VMM_S [RATIO]: with RATIO four digits of the ratio count
row() {
	awk -v peer="$1" -v trace="$2" -v n="$3" -v policy="$4" -v f="$5" -v pm="$6" -v ps="$7" -v vm="$8" -v vs="$9" -v ratio="${10-}" 'BEGIN {
		if (ratio != "") { same = sprintf("%.4f", vm / n) == sprintf("%.4f", ratio); pm = sprintf("%.4f", ratio) }
		else same = pm == vm
		printf "%-10s %-14s %-7s %8d %12s %12d  %-7s %8.2f %8.2f\n", peer, trace, policy, f, pm, vm, same ? "agree" : "DIFFER",
			n / ps / 1e6, n / vs / 1e6
		exit !same
	}' || status=1
}

elapsed() { awk -v a="$1" -v b="$2" 'BEGIN { t = b - a; print (t > 0.001 ? t : 0.001) }'; }

zipf() { # REFERENCES FORMAT FILE
	[ -s "$3" ] || "$vmm" gen -t zipf -n "$1" --pages 100000 --to "$2" -o "$3"
}

# --- one function a peer, named compare_PEER, and one that runs it on a large trace, named big_PEER -------------------

compare_valgrind() {
	local program="ls /usr/bin /usr/lib" start peer_s vmm_s refs peer ours
	valgrind --tool=lackey --trace-mem=yes --log-file="$work/lackey" $program >"$work/out" 2>&1 || { echo "valgrind: lackey failed: $(tail -n 1 "$work/out")"; status=1; return; }
	"$vmm" trace convert --no-fetch -o "$work/program.vmt" "$work/lackey" || { status=1; return; }
	refs=$("$vmm" sim -q -t "$work/program.vmt" -f 1 -a fifo --csv - | awk -F, 'NR == 2 { print $4 }')
	for f in 16 64 256; do
		start=$(now)
		valgrind --tool=cachegrind --cachegrind-out-file="$work/cg" --D1=$((f * 4096)),$f,4096 $program >"$work/out" 2>&1 || { echo "valgrind: cachegrind failed: $(tail -n 1 "$work/out")"; status=1; return; }
		peer_s=$(elapsed "$start" "$(now)")
		peer=$(awk '/^summary:/ { print $6 + $9 }' "$work/cg")
		start=$(now)
		ours=$(vmm_misses "$work/program.vmt" $f lru)
		vmm_s=$(elapsed "$start" "$(now)")
		row valgrind ls "$refs" lru $f "$peer" "$peer_s" "$ours" "$vmm_s"
	done
}

dinero_run() { # FILE FRAMES l|f
	dineroIV -l1-dsize $(($2 * 4096)) -l1-dbsize 4096 -l1-dassoc "$2" -l1-drepl "$3" -informat d <"$1"
}

dinero_trace() { "$vmm" trace cat "$1" | awk '/^#/ { next } { sub(/^0x/, "", $3); print ($2 == "W" || $2 == "w"), $3 }'; }

compare_dineroIV() {
	local policy start peer_s vmm_s peer ours
	zipf "$n" vmt "$work/zipf.vmt"
	dinero_trace "$work/zipf.vmt" >"$work/zipf.din"
	for policy in lru:l fifo:f; do
		for f in "${sizes[@]}"; do
			start=$(now)
			dinero_run "$work/zipf.din" "$f" "${policy#*:}" >"$work/out" 2>&1 || { echo "dineroIV failed: $(tail -n 1 "$work/out")"; status=1; return; }
			peer_s=$(elapsed "$start" "$(now)")
			peer=$(awk '/Demand Misses/ { print $3; exit }' "$work/out")
			start=$(now)
			ours=$(vmm_misses "$work/zipf.vmt" "$f" "${policy%:*}")
			vmm_s=$(elapsed "$start" "$(now)")
			row dineroIV zipf "$n" "${policy%:*}" "$f" "$peer" "$peer_s" "$ours" "$vmm_s"
		done
	done
}

big_dineroIV() {
	"$vmm" trace cat "$1" | awk '/^#/ { next } { sub(/^0x/, "", $3); print ($2 == "W"), $3 }' |
		bounded dineroIV -l1-dsize $((1000 * 4096)) -l1-dbsize 4096 -l1-dassoc 1000 -l1-drepl l -informat d
}

cachesim_run() { # FILE POLICY FRAMES
	cachesim "$1" oracleGeneral "$2" "$3" --ignore-obj-size 1 --num-thread 1
}

compare_cachesim() {
	local policy start peer_s vmm_s ratio ours
	zipf "$n" oracle "$work/zipf.oracleGeneral"
	for policy in lru fifo arc sieve s3-fifo; do
		for f in "${sizes[@]}"; do
			start=$(now)
			cachesim_run "$work/zipf.oracleGeneral" "${policy/s3-fifo/s3fifo}" "$f" >"$work/out" 2>&1 || { echo "cachesim failed: $(tail -n 1 "$work/out")"; status=1; return; }
			peer_s=$(elapsed "$start" "$(now)")
			ratio=$(sed -n 's/.*miss ratio \([0-9.]*\).*/\1/p' "$work/out" | tail -n 1)
			start=$(now)
			ours=$(vmm_misses "$work/zipf.oracleGeneral" "$f" "$policy")
			vmm_s=$(elapsed "$start" "$(now)")
			row cachesim zipf "$n" "$policy" "$f" - "$peer_s" "$ours" "$vmm_s" "${ratio:-0}"
		done
	done
}

big_cachesim() {
	local oracle=$work/big.oracleGeneral
	"$vmm" trace convert --to oracle -o "$oracle" "$1" 2>/dev/null && bounded cachesim "$oracle" oracleGeneral lru 1000 --ignore-obj-size 1 --num-thread 1
	local result=$?
	rm -f "$oracle"
	return $result
}

big_vmm() { bounded "$vmm" sim -q -t "$1" -f 1000 -a lru --csv -; }
big_vmm_text() { "$vmm" trace cat "$1" | bounded "$vmm" sim -q -t - -f 1000 -a lru --csv -; }

bounded() { (
	ulimit -v 2097152
	exec timeout "$limit_s" "$@"
) >/dev/null 2>&1; }

# --- what there is ---------------------------------------------------------------------------------------------------

found=()
for peer in valgrind dineroIV cachesim; do has $peer && found+=("$peer"); done
for peer in gem5.opt gem5.fast gem5 sim-cache; do
	has $peer && echo "$peer is there: it runs programs, not traces, and is not compared"
done
if [ ${#found[@]} = 0 ]; then
	echo "no peer is on PATH (valgrind, dineroIV, cachesim): nothing to compare. docs/comparison.md has the figures that are known."
else
	printf '%-10s %-14s %-7s %8s %12s %12s  %-7s %8s %8s\n' peer trace policy frames peer vmm misses peer vmm
	printf '%78s\n' "M references a second"
	for peer in "${found[@]}"; do
		"compare_$peer"
		[ $peer = valgrind ] || echo "$peer: this part of the script is untested: written from the manual"
	done
fi

echo
echo "the largest trace, every page once, finished under ulimit -v 2097152 in $limit_s s, lru, 1000 frames:"
for side in vmm vmm_text dineroIV cachesim; do
	case $side in vmm*) ;; *) has $side || continue ;; esac
	largest=0
	for ((size = n; size <= max; size *= 2)); do
		"$vmm" gen -t loop -n "$size" --pages "$size" -o "$work/big-$size.vmt"
		"big_$side" "$work/big-$size.vmt" || break
		largest=$size
	done
	printf '%-10s %12d references to as many pages%s\n' "${side/_/ }" $largest \
		"$([ $size -gt "$max" ] && echo ", and more was not tried")"
done
exit $status
