# SPDX-License-Identifier: Apache-2.0
# The trace of a run that was killed, at random moments, is how the trace of the whole run begins: nothing is missing before the cut, and
# nothing is in it that did not happen.
# timeout: 180
. "${0%/*}/lib.sh"
toucher=$(workload toucher) windowed=$(program windowed) || fail "cannot build"
sequence=(-p 1024 -n 1000000 -k mix -s 11)
"$toucher" "${sequence[@]}" -l "$T/log" >"$T/native" || fail "the toucher fails alone"
"$windowed" 16 1 <"$T/log" >"$T/whole" || fail "windowed"
RANDOM=815
cut=0
for victim in toucher vmm-pager vmm-guardian toucher vmm-pager vmm-writer; do
	"$VMM" record -q -o "$T/cut.vmt" --window 16 --exact --regions 'anon>=1M' -- "$toucher" "${sequence[@]}" >"$T/out" 2>"$T/err" &
	front=$!
	wait_for 10 alive vmm-pager || fail "no pager"
	sleep 1.$((RANDOM % 10))
	kill -KILL "$(family $victim | head -n 1)"
	[ $victim = vmm-writer ] && kill -KILL "$(family toucher | head -n 1)"
	wait_for 10 gone 'vmm*' || fail "$victim: something of vmm is left"
	wait $front
	"$VMM" trace cat "$T/cut.vmt" 2>"$T/cat.err" | awk '$2 ~ /^[RWL]$/ { print $2, $3 }' >"$T/part"
	n=$(wc -l <"$T/part")
	echo "$victim: $n of $(wc -l <"$T/whole") records"
	head -n "$n" "$T/whole" | cmp - "$T/part" || fail "$victim: not how the whole trace begins"
	[ "$n" -gt 1000 ] && [ "$n" -lt "$(wc -l <"$T/whole")" ] && cut=$((cut + 1))
done
[ $cut -ge 4 ] || fail "only $cut of 6 runs were cut: void"
