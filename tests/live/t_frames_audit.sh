# SPDX-License-Identifier: Apache-2.0
# Acceptance 3: never more than the frames given, as the kernel counts them; the report says so.
# The kernel is asked twice: by --audit, and from outside while the program is stopped.
# timeout: 300
. "${0%/*}/lib.sh"
toucher=$(workload toucher) resident=$(program resident) forker=$(workload forker) || fail "cannot build"
FRAMES=2000
limit() { # LABEL: checks a report
	local peak checks
	[ "$(cat "$T/$1.status")" = 0 ] || { show "$T/$1.err"; fail "$1: exit status $(cat "$T/$1.status")"; }
	sound "$T/$1.json"
	checks=$(key "$T/$1.json" checks) peak=$(key "$T/$1.json" peak_frames)
	[ "${checks:-0}" -gt 0 ] || fail "$1: nothing was compared"
	[ "$peak" -le $FRAMES ] || fail "$1: audit saw $peak frames"
	[ "$peak" -gt $((FRAMES * 9 / 10)) ] || fail "$1: audit saw only $peak frames: is it counting?"
	[ "$(counter "$T/$1.json" resident_peak_frames)" -le $FRAMES ] || fail "$1: resident_peak_frames"
	[ "$(counter "$T/$1.json" evictions)" -gt 0 ] || fail "$1: no evictions"
	grep -q '^ *audit ' "$T/$1.err" || { show "$T/$1.err"; fail "$1: the report does not mention the audit"; }
	echo "$1: $checks comparisons, peak $peak"
}
for policy in fifo random clock nru sieve lru; do
	paged $policy -f $FRAMES -a $policy --audit -- "$toucher" -p 5000 -n 25000
	limit $policy
done
for policy in fifo clock sieve; do
	paged exact-$policy --exact -f $FRAMES -a $policy --audit -- "$toucher" -p 5000 -n 4000
	limit exact-$policy
done
# From outside: the program is stopped, and what the pager had begun is given time to end. (Under fifo: clock keeps half of the pages unmapped.)
"$VMM" run -q -f $FRAMES -a fifo -- "$toucher" -p 5000 -n 400000 >"$T/out" 2>&1 &
front=$!
wait_for 10 alive toucher || fail "no target"
pid=$(family toucher | head -n 1)
sleep 0.3
most=0
for ((i = 0; i < 25; i++)); do
	kill -STOP "$pid" || break
	sleep 0.05
	n=$("$resident" "$pid" 0x200000000000 $((0x200000000000 + 5000 * 4096)))
	kill -CONT "$pid" $front # vmm stops with its program
	[ "${n:-0}" -le $FRAMES ] || fail "$n pages of the arena are present"
	[ "${n:-0}" -gt $most ] && most=$n
	sleep 0.03
done
[ $most -gt $((FRAMES / 2)) ] || fail "from outside at most $most pages were seen: void"
echo "from outside: at most $most pages"
wait $front || { show "$T/out"; fail "the program failed"; }
# After a fork the limit holds for each process. What relatives use together is reported and is no violation: with
# KINDS that have at most N children alive, at most N pools more than one.
relatives() { # LABEL N OPTIONS -- KINDS
	local label=$1 most=$((500 * $2)) cow options=()
	shift 2
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	paged "$label" -f 500 "${options[@]}" --audit -- "$forker" -p 800 -r 2 "$@"
	[ "$(cat "$T/$label.status")" = 0 ] || { show "$T/$label.err"; fail "$label: forker under --audit"; }
	sound "$T/$label.json"
	[ "$(key "$T/$label.json" peak_frames)" -le 500 ] || fail "$label: a process has more than its frames"
	cow=$(key "$T/$label.json" cow_frames)
	[ -n "$cow" ] || fail "$label: --audit does not report what the processes use together"
	[ "$cow" -gt 0 ] || fail "$label: the children write to inherited pages, but together they need no more than one"
	[ "$cow" -le $most ] || fail "$label: $cow frames more, but there are only $most in the other pools"
	grep -q "forked processes together $cow more" "$T/$label.err" || { show "$T/$label.err"; fail "$label: the report does not say so"; }
	echo "$label: $cow frames more than one process may have"
}
relatives sequential 1 -a clock -- sequential
relatives exact 1 -a fifo --exact -- sequential
relatives fork 5 -a clock -- sequential parallel nested
# Nothing was forked: the key does not apply. Nothing was written: a shared frame counts once.
[ -z "$(key "$T/clock.json" cow_frames)" ] || fail "cow_frames in a run without forks"
paged shared -f 9000 --audit -- "$(program outside)" mapped 32 100 share
[ "$(cat "$T/shared.status")" = 0 ] || { show "$T/shared.err"; fail "shared"; }
[ "$(key "$T/shared.json" cow_frames)" = 0 ] || fail "shared: 8192 frames that two processes map: $(flat "$T/shared.json" | grep -o '"audit":{[^}]*}')"
