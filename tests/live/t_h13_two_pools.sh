# SPDX-License-Identifier: Apache-2.0
# H13: several spaces that evict at the same time do not wait for each other, nor do two runs.
# timeout: 240
. "${0%/*}/lib.sh"
forker=$(workload forker) lines=$(program lines) || fail "cannot build"
same_evicting -f 300 -a clock -- "$forker" -p 800 -r 4 parallel threads
same_evicting -f 300 -a sieve -- "$forker" -p 800 -r 2 nested parallel
"$lines" -n 40 -p 1500 -c 3 | sort >"$T/native" || fail "lines fails alone"
for i in 1 2 3; do
	"$VMM" run -q --checksum -f 300 -a clock -- "$lines" -n 40 -p 1500 -c 3 >"$T/out.$i" 2>"$T/err.$i" &
done
wait
for i in 1 2 3; do
	sort "$T/out.$i" | cmp - "$T/native" || { show "$T/err.$i"; fail "run $i of three at once"; }
done
