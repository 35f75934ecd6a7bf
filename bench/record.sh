#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# record.sh - what recording costs: `make bench-record`.
#
# Each program runs alone, and recorded through windows of several sizes, pages leaving in groups and one by one (--exact). A row has
# the references recorded, how many times the program took longer than alone (medians of BENCH_ROUNDS, interleaved), the microseconds
# that each reference added, and the bytes it takes in the file.
#
# The programs: workloads/toucher.c (1024 pages, zipf), sqlite3 (a table in memory, an index, two queries), sort.
#
# Environment: BENCH_ROUNDS (3), BENCH_WINDOWS ("8 32 128").
set -u
cd "$(dirname "$0")/.." || exit 1
BIN=${BIN:-bin} ROUNDS=${BENCH_ROUNDS:-3} WINDOWS=${BENCH_WINDOWS:-8 32 128}
[ -x "$BIN/vmm" ] || { echo "record.sh: $BIN/vmm is not there: run make"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
seq 1 60000 | awk '{ print $1 * 7919 % 1000003 }' >"$work/sort.in"
: >"$work/toucher.in"
cat >"$work/sqlite.in" <<'END'
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) INSERT INTO t SELECT i, printf('%0100d', i * 7919 % 10007) FROM n;
CREATE INDEX x ON t(b);
SELECT count(*), sum(length(b)) FROM t WHERE b > '5';
SELECT b FROM t ORDER BY b DESC LIMIT 3;
END
command_of() {
	case $1 in
	toucher) echo "$BIN/workloads/toucher -p 1024 -n 100000 -k zipf" ;;
	sqlite) echo "sqlite3 -batch :memory:" ;;
	sort) echo "sort --parallel=1 -S 4M" ;;
	esac
}
median() { sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'; }
number() { tr -d ' \n' <"$1" | grep -o "\"$2\":[0-9.]*" | head -n 1 | cut -d: -f2; }
seconds() { # COMMAND...: how long it takes
	local begin=$EPOCHREALTIME
	"$@" >"$work/out" || return
	awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}

printf '%-9s %7s %-8s %11s %9s %9s %9s\n' program window exits references 'x alone' 'us/ref' 'bytes/ref'
for program in toucher sqlite sort; do
	read -ra command <<<"$(command_of $program)"
	command -v "${command[0]}" >"$work/null" || { echo "$program: not there"; continue; }
	rm -f "$work"/*.s
	for ((round = 0; round < ROUNDS; round++)); do
		seconds "${command[@]}" <"$work/$program.in" >>"$work/alone.s"
		for window in $WINDOWS; do
			for exits in groups single; do
				option=$([ $exits = groups ] || echo --exact)
				# shellcheck disable=SC2086
				seconds "$BIN/vmm" record -q -o "$work/trace.vmt" --window "$window" $option --json "$work/json" -- "${command[@]}" \
					<"$work/$program.in" >>"$work/$window.$exits.s" || { echo "record.sh: $program failed"; exit 1; }
				echo "$(number "$work/json" references) $(number "$work/json" bytes)" >"$work/$window.$exits.n"
			done
		done
	done
	alone=$(median <"$work/alone.s")
	for window in $WINDOWS; do
		for exits in groups single; do
			read -r references bytes <"$work/$window.$exits.n"
			awk -v p="$program" -v w="$window" -v e="$exits" -v r="$references" -v b="$bytes" -v a="$alone" -v t="$(median <"$work/$window.$exits.s")" \
				'BEGIN { printf "%-9s %7d %-8s %11d %9.1f %9.1f %9.2f\n", p, w, e, r, t / a, (t - a) * 1e6 / r, b / r }'
		done
	done
done
