# SPDX-License-Identifier: Apache-2.0
# H6: a moving mremap takes evicted pages along: none may read 0 without a fault.
# timeout: 240
. "${0%/*}/lib.sh"
vmops=$(workload vmops) p=$(program h06_mremap) || fail "cannot build"
for policy in fifo clock sieve; do
	same_evicting -f 300 -a $policy -- "$p"
	for seed in 11 12; do
		same_evicting -f 300 -a $policy -- "$vmops" -n 1500 -s $seed -o map,move,dontunmap,grow,shrink
	done
done
same_evicting --exact -f 300 -a clock -- "$p"
