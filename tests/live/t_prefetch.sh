# SPDX-License-Identifier: Apache-2.0
# Reading ahead changes faults, never a byte: scans, strides and random accesses, threads and forks, in a quarter of the memory.
# timeout: 300
. "${0%/*}/lib.sh"

# ahead NAME OPTIONS -- COMMAND: the same output as alone, and frames and bytes checked.
ahead() {
	local name=$1
	shift
	paged "$name" -q --audit --checksum "$@"
	[ "$(cat "$T/$name.status")" = 0 ] || { show "$T/$name".*; fail "$name failed"; }
	sound "$T/$name.json"
	[ "$(counter "$T/$name.json" prefetch_issued)" -gt 0 ] || fail "$name: nothing was read ahead"
}
random=$BIN/bench/random_fault
for policy in fifo clock sieve lru nru; do
	ahead scan-$policy -f 1024 -a $policy --prefetch seq:16 -- "$random" -b -m 16 -n 12000 -o 1
	major=$(counter "$T/scan-$policy.json" faults_major) reads=$(counter "$T/scan-$policy.json" store_reads)
	[ $((major * 8)) -lt "$reads" ] || fail "$policy: $major of $reads pages were not read ahead"
done
ahead back -f 1024 -a fifo --prefetch stride:8 -- "$random" -b -m 16 -n 12000 -o 4093
ahead random -f 1024 -a clock --prefetch seq:64 -- "$random" -b -m 16 -n 12000
ahead trend -f 1024 -a fifo --prefetch trend -- "$random" -b -m 16 -n 12000 -o 3
ahead exact -f 1024 -a fifo --prefetch seq:8 --exact -- "$random" -b -m 16 -n 10000 -o 1
[ "$(counter "$T/exact.json" faults_soft)" = 0 ] || fail "first uses of pages read ahead are no soft faults"

# Stores that cannot be read in place are asked for a window at once.
ahead lz4 -f 1024 -a clock --prefetch seq:16 --store lz4 -- "$random" -b -m 16 -n 8000 -o 1
ahead file -f 1024 -a fifo --prefetch seq:16 --store "file:$T" -- "$random" -b -m 16 -n 4000 -o 1
ahead exact-lz4 -f 1024 -a clock --prefetch seq:8 --store lz4 --exact -- "$random" -b -m 16 -n 6000 -o 1

# Others change the address space meanwhile.
threads=$(workload threads) forker=$(workload forker) vmops=$(workload vmops) || fail "cannot build"
for policy in fifo clock; do
	same_evicting -f 600 -a $policy --prefetch seq:8 -- "$threads" -b 1500 -r 2
	same_evicting -f 400 -a $policy --prefetch seq:16 -- "$forker" -p 1024 -r 2
	same_evicting -f 500 -a $policy --prefetch trend -- "$vmops" -n 1000
done
same_evicting -f 700 -a clock --prefetch seq:8 -- "$vmops" -n 800 -t 4
same_evicting --exact -f 300 -a clock --prefetch seq:8 -- "$vmops" -n 1000
exit 0
