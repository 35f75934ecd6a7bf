# SPDX-License-Identifier: Apache-2.0
# System calls with evicted buffers, signal stacks and locks.
# timeout: 240
. "${0%/*}/lib.sh"
syscalls=$(workload syscalls) || fail "cannot build"
for policy in fifo clock; do
	same_evicting -f 600 -a $policy -- "$syscalls" -b 1000
done
same_evicting --exact -f 600 -a clock -- "$syscalls" -b 700
same_evicting -f 600 -a clock --regions heap,anon,stack -- "$syscalls" -b 700 file pipe small altstack timer prctl
