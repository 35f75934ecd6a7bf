# SPDX-License-Identifier: Apache-2.0
# H2: a trapped fork that does not happen (EINVAL, EAGAIN, a signal first) leaves no page protected and nobody waiting.
# timeout: 240
. "${0%/*}/lib.sh"
p=$(program h02_fork_fails) forker=$(workload forker) || fail "cannot build"
for policy in fifo clock; do
	same_evicting -f 300 -a $policy -- "$p"
	# A timer whose handler writes to a protected page, all the time.
	same_evicting -f 700 -a $policy -- "$forker" -p 800 -r 4 -S 3000 sequential parallel clone
done
same_evicting --exact -f 300 -a clock -- "$p"
