# SPDX-License-Identifier: Apache-2.0
# H5: calls that populate memory (mlock, MAP_POPULATE, MCL_FUTURE, MADV_POPULATE) need the pager while they run: nobody may wait
# for the agent. And the agent may be stopped at any moment (the stop_cont test). More locked memory than frames is told.
# timeout: 240
. "${0%/*}/lib.sh"
syscalls=$(workload syscalls) p=$(program h05_lock) || fail "cannot build"
for policy in fifo clock; do
	same_evicting -f 400 -a $policy -- "$syscalls" -b 700 lock populate lockall
done
same_evicting --exact -f 400 -a clock -- "$syscalls" -b 700 lock populate lockall
# Far more than the frames: it must end, right, and the report must mention it.
if ! "$p" >"$T/native"; then
	[ "$(id -u)" = 0 ] && fail "h05_lock fails alone"
	echo "the rest needs more locked memory than this user may have"
	exit 0
fi
paged lock -f 300 -a clock --checksum -- "$p"
[ "$(cat "$T/lock.status")" = 0 ] || { show "$T/lock.err"; fail "locking more than the frames"; }
cmp "$T/native" "$T/lock.out" || fail "output"
grep -qi lock "$T/lock.err" || { show "$T/lock.err"; fail "the report does not mention locked memory"; }
