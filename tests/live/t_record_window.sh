# SPDX-License-Identifier: Apache-2.0
# A trace recorded through a window is what the window leaves of the toucher's own log, reference for reference and exit for exit.
# timeout: 300
. "${0%/*}/lib.sh"
toucher=$(workload toucher) windowed=$(program windowed) || fail "cannot build"

# recorded WINDOW BATCH PATTERN OPTIONS...
recorded() {
	local window=$1 batch=$2 pattern=$3
	shift 3
	"$VMM" record -q -o "$T/window.vmt" --window "$window" --regions 'anon>=1M' "$@" --json "$T/record.json" -- \
		"$toucher" -p 1024 -n 60000 -k "$pattern" -s 5 -l "$T/log" >"$T/out" || fail "exit status $?"
	sound "$T/record.json"
	cmp "$T/native" "$T/out" || fail "output"
	"$VMM" trace cat "$T/window.vmt" 2>"$T/err" | awk '$2 ~ /^[RWL]$/ { print $2, $3 }' >"$T/live"
	[ -s "$T/err" ] && { show "$T/err"; fail "the trace is not whole"; }
	"$windowed" "$window" "$batch" <"$T/log" >"$T/offline" || fail "windowed"
	echo "window $window, $pattern, ${*:-batched}: $(wc -l <"$T/live") references and exits of $(wc -l <"$T/log") accesses"
	cmp "$T/live" "$T/offline" || { diff "$T/live" "$T/offline" | head; fail "window $window: live and offline differ"; }
	[ "$(wc -l <"$T/live")" -gt 1000 ] || fail "nothing was recorded"
}

# misses FILE FRAMES: of lru, as the records of FILE have them
misses() { "$VMM" sim -t "$1" -f "$2" -a lru --force --csv - | awk -F, 'NR == 2 { print $7 }'; }

# What is promised of such a trace: for every M of at least 2K, replay(M + K) <= LRU(M) <= replay(M - K).
lawful() {
	local window=$1 m low truth high
	for m in $((2 * window)) 300 500 800; do
		[ $m -ge $((2 * window)) ] || continue
		low=$(misses "$T/window.vmt" $((m + window))) truth=$(misses "$T/log" $m) high=$(misses "$T/window.vmt" $((m - window)))
		echo "window $window, $m frames: $low <= $truth <= $high"
		[ "$low" -le "$truth" ] && [ "$truth" -le "$high" ] || fail "window $window: lru in $m frames is outside of its bracket"
	done
}

for pattern in zipf mix; do
	"$toucher" -p 1024 -n 60000 -k $pattern -s 5 >"$T/native" || fail "the toucher fails alone"
	for window in 8 32 128; do
		recorded $window 1 $pattern --exact
		lawful $window
		recorded $window 64 $pattern
		lawful $window
	done
done
