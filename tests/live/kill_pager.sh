# SPDX-License-Identifier: Apache-2.0
# kill_pager COUNT LINES_OPTIONS... - kills the pager of a run of lines.c at COUNT (default 20) random moments.
# As each word comes from paged memory, a page that reads as zero after the pager's death shows in a line.
kill_pager() {
	local count=${1:-20} lines i k pager front policies=(fifo clock sieve) killed=0 printed=0 status
	shift
	lines=$(program lines) || fail "cannot build"
	"$lines" -n 600 "$@" >"$T/native" || fail "lines fails alone"
	for k in 0 1 2 3; do grep "^$k " "$T/native" >"$T/native.$k"; done
	RANDOM=4711
	for ((i = 0; i < count; i++)); do
		"$VMM" run -q -f $((200 + RANDOM % 1500)) -a ${policies[i % 3]} -- "$lines" -n 600 "$@" >"$T/out" 2>"$T/err" &
		front=$!
		wait_for 10 alive vmm-pager || fail "no pager"
		sleep 0.$((RANDOM % 10))$((RANDOM % 10))
		pager=$(family vmm-pager | head -n 1)
		if [ -z "$pager" ]; then # the run was faster
			wait $front
			continue
		fi
		kill -KILL "$pager"
		wait_for 1 gone lines || fail "a second after its pager the target is alive: $(family lines)"
		wait_for 2 gone 'vmm*' || fail "two seconds after the pager something of vmm is alive"
		wait $front
		status=$?
		[ $status != 0 ] || fail "the pager was killed and vmm reports success"
		for k in 0 1 2 3; do
			grep "^$k " "$T/out" >"$T/out.$k"
			head -n "$(wc -l <"$T/out.$k")" "$T/native.$k" | cmp - "$T/out.$k" ||
				fail "round $i: process $k printed what it does not print alone"
			printed=$((printed + $(wc -l <"$T/out.$k")))
		done
		[ -z "$(grep -v '^[0-3] ' "$T/out")" ] || { show "$T/out"; fail "strange output"; }
		killed=$((killed + 1))
	done
	echo "$killed pagers killed, $printed lines compared"
	[ $killed -ge $((count / 2)) ] || fail "only $killed of $count pagers were alive when they should be killed: void"
}
