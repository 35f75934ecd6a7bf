# SPDX-License-Identifier: Apache-2.0
# H12: two threads in few frames do not take each other's pages for ever.
# timeout: 180
. "${0%/*}/lib.sh"
p=$(program h12_two_threads) toucher=$(workload toucher) vforks=$(program h12_vforks) || fail "cannot build"
most=0
for policy in fifo clock random nru lru clock:ref-at-load=0 sieve; do
	for mode in '' --exact; do
		# shellcheck disable=SC2086
		same_evicting $mode -f 56 -a $policy --regions 'anon>=1M' -- "$p"
		faults=$(($(counter "$T/vmm.json" faults) + $(counter "$T/vmm.json" faults_soft)))
		# Fifo's is what the copies need. Twice that is seen (sieve); five times and more when a thread holds one page only.
		[ $most != 0 ] || most=$((3 * faults))
		[ "$faults" -le $most ] || fail "$policy $mode: $faults faults: the threads take each other's pages"
	done
done
same_evicting -f 80 -a fifo --regions 'anon>=1M' -- "$toucher" -t 4 -p 512 -n 3000
same_evicting --exact -f 80 -a sieve --regions 'anon>=1M' -- "$toucher" -t 4 -p 512 -n 3000

# Threads of other processes that had the memory for a time, more of them than frames, hold nothing when they have left.
same_evicting -f 48 -a fifo --regions 'anon>=1M' -- "$vforks"
same_evicting --exact -f 48 -a sieve --regions 'anon>=1M' -- "$vforks"
