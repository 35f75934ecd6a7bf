# SPDX-License-Identifier: Apache-2.0
# Threads that come and go, sleep on evicted stacks, die with locks.
# timeout: 300
. "${0%/*}/lib.sh"
threads=$(workload threads) || fail "cannot build"
for policy in fifo clock lru; do
	same_evicting -f 600 -a $policy -- "$threads" -b 1500 -r 8
done
same_evicting --exact -f 600 -a clock -- "$threads" -b 1500 -r 4
same_evicting -f 600 -a fifo --regions heap,anon,stack -- "$threads" -b 1500 -r 4
