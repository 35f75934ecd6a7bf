#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# stores.sh - what a fault costs with each store, and what the store takes: `make bench-stores`.
#
# The program is bench/random_fault.c, as in fault.sh: uniformly random accesses, half of them writes, to BENCH_MB mebibytes in
# an eighth as many frames, under fifo. ns a fault = time of its second phase / faults that read a page back. A page of it is a
# third noise, a third small numbers, a third one byte repeated. Rounds are interleaved; medians are shown.
#
#   read, write  median time of one call of the store, ns (write: into the buffer, where there is one); "-": read in place
#   stored       most content at once, MiB            memory   of the pager for it, MiB
#   lost         memory that is neither compressed bytes nor whole pages, percent of it
#
# Environment: BENCH_ROUNDS (3), BENCH_MB (256), BENCH_ACCESSES (300000), BENCH_STORES ("mem lz4 file:/dev/shm"; file:DIRECTORY
# for a disk). The table also goes to bench/results/stores.txt.
set -u
cd "$(dirname "$0")/.." || exit 1
BIN=${BIN:-bin}
ROUNDS=${BENCH_ROUNDS:-3} MB=${BENCH_MB:-256} ACCESSES=${BENCH_ACCESSES:-300000}
STORES=${BENCH_STORES:-mem lz4 file:/dev/shm}
FRAMES=$((MB * 256 / 8))
for program in bench/random_fault vmm; do
	[ -x "$BIN/$program" ] || { echo "stores.sh: $BIN/$program is not there: run make"; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

flat() { tr -d ' \n\t' <"$1"; }
counter() { flat "$1" | grep -o '"counters":{[^}]*}' | head -n 1 | grep -o "\"$2\":[0-9]*" | cut -d: -f2; }
# A number of the report's store object, 0 when it has none.
of_store() { flat "$1" | grep -o "\"store\":{\"kind.*" | grep -o "\"$2\":[0-9.]*" | head -n 1 | cut -d: -f2; }
p50() { flat "$1" | grep -o "\"$2\":{\"count\":[0-9]*,\"mean\":[0-9]*,\"p50\":[0-9]*" | grep -o '[0-9]*$'; }

for ((round = 1; round <= ROUNDS; round++)); do
	for store in $STORES; do
		"$BIN/vmm" run -q -f $FRAMES -a fifo --store "$store" --json "$work/json" -- \
			"$BIN/bench/random_fault" -m "$MB" -n "$ACCESSES" >"$work/out" || { echo "$store: failed" >&2; continue; }
		ns=$(grep -o '"elapsed_ns":[0-9]*' "$work/out" | cut -d: -f2) faults=$(counter "$work/json" faults_major)
		row="$store $((ns / faults)) $faults $(p50 "$work/json" read_ns || echo -1) $(p50 "$work/json" write_ns || echo -1)"
		for key in stored_peak_bytes memory_peak_bytes memory_bytes compressed_bytes whole_pages; do
			value=$(of_store "$work/json" $key)
			row+=" ${value:--1}"
		done
		echo "$row" >>"$work/rows"
	done
done
[ -s "$work/rows" ] || exit 1

mkdir -p bench/results
awk -v stores="$STORES" -v mb="$MB" -v frames=$FRAMES -v accesses="$ACCESSES" -v rounds="$ROUNDS" '
	function median(store, column,   n, i, j, t, v) {
		n = count[store]
		for (i = 1; i <= n; i++) v[i] = value[store, i, column]
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
		return v[int((n + 1) / 2)]
	}
	function shown(x, scale, format) { return x < 0 ? "-" : sprintf(format, x / scale) }
	{ n = ++count[$1]; for (i = 2; i <= NF; i++) value[$1, n, i] = $i }
	END {
		printf "Random faults over %d MiB in %d frames, %d accesses, half of them writes; medians of %d rounds\n\n", mb, frames, accesses, rounds
		printf "%-20s %9s %8s %9s %9s %8s %8s %6s %7s\n", "", "ns/fault", "faults", "read ns", "write ns", "stored", "memory", "ratio", "lost"
		n = split(stores, list, " ")
		for (s = 1; s <= n; s++) {
			store = list[s]
			if (!count[store]) continue
			stored = median(store, 6); memory = median(store, 7); lost = -1
			if (median(store, 8) > 0) {
				memory = median(store, 8)
				lost = 100 * (memory - median(store, 9) - 4096 * median(store, 10)) / memory
			}
			printf "%-20s %9d %8d %9s %9s %8s %8s %6s %7s\n", store, median(store, 2), median(store, 3), shown(median(store, 4), 1, "%d"), shown(median(store, 5), 1, "%d"), shown(stored, 1048576, "%.1f"), shown(memory, 1048576, "%.1f"), lost < 0 ? "-" : sprintf("%.2f", stored / memory), lost < 0 ? "-" : sprintf("%.1f%%", lost)
		}
	}' "$work/rows" | tee bench/results/stores.txt
