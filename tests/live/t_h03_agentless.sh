# SPDX-License-Identifier: Apache-2.0
# H3: the pager dies while processes without an agent run: raw clones, which no fork handler sees, and a static program. None
# may read a zero, none may live on.
# timeout: 300
. "${0%/*}/lib.sh"
. "$LIVE/kill_pager.sh"
static=$(special static plain.c -static) execs=$(program execs) || fail "cannot build"
kill_pager "${FULL:+50}" -c 3 -r
for ((i = 0; i < 3; i++)); do
	"$VMM" run -q -f 300 -- bash -c "'$static' 30; true" >"$T/out" 2>"$T/err" &
	front=$!
	wait_for 10 alive static || fail "the static program does not start"
	sleep 0.1
	kill -KILL "$(family vmm-pager)"
	wait_for 1 gone static || fail "a static program outlives the pager"
	wait_for 2 gone 'vmm*' || fail "something of vmm is alive"
	wait $front
	status=$?
	[ $status != 0 ] || fail "the pager was killed and vmm reports success"
done
exit 0
