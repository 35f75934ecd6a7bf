# SPDX-License-Identifier: Apache-2.0
# H1: the kernel clears a word in the memory of a thread that exits, and walks its list of robust mutexes; neither raises a fault. The
# pages must be there: else pthread_join never returns, and EOWNERDEAD never comes.
# timeout: 240
. "${0%/*}/lib.sh"
threads=$(workload threads) || fail "cannot build"
for policy in fifo clock sieve; do
	same_evicting -f 400 -a $policy -- "$threads" -b 1500 -r 12 sleepers stacks robust
done
same_evicting -f 400 -a fifo --regions heap,anon,stack -- "$threads" -b 1500 -r 12 sleepers stacks robust
same_evicting --exact -f 400 -a fifo -- "$threads" -b 1500 -r 6 sleepers stacks robust
