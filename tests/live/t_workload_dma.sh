# SPDX-License-Identifier: Apache-2.0
# Pages that a device or a pipe holds while others push them out.
# timeout: 240
. "${0%/*}/lib.sh"
dma=$(workload dma) || fail "cannot build"
for policy in fifo clock; do
	same_evicting -f 1000 -a $policy -- "$dma" -d "$T" -r 1 -b 1200
done
same_evicting --exact -f 800 -a clock -- "$dma" -d "$T" -r 1 -b 1000 direct async
