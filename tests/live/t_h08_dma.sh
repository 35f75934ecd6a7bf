# SPDX-License-Identifier: Apache-2.0
# H8: a device that writes to a page while it is to be evicted: the page must stay (UFFDIO_MOVE refuses it).
# timeout: 300
. "${0%/*}/lib.sh"
dma=$(workload dma) || fail "cannot build"
"$dma" -D -d "$T" -r 1 -b 16 direct >"$T/direct" 2>&1 || skip "no O_DIRECT on the file system of $T"
for policy in fifo clock sieve; do
	same_evicting -f 1300 -a $policy -- "$dma" -D -d "$T" -r 2 -b 1500 direct async
done
same_evicting --exact -f 1300 -a fifo -- "$dma" -D -d "$T" -r 1 -b 1500 direct async vmsplice
