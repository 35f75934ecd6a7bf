# SPDX-License-Identifier: Apache-2.0
# A fork of a process that has nothing to page yet gives no event: the child used to run unpaged, whatever it did later.
. "${0%/*}/lib.sh"
outside=$(program outside) || fail "cannot build"
same_evicting -f 300 -a clock --regions heap -- "$outside" heap 4 0 fork
same_evicting -f 300 -a fifo --regions 'anon>=1M' -- "$outside" mapped 4 0 fork
same_evicting --exact -f 300 -a fifo --regions 'anon>=1M' -- "$outside" mapped 4 0 fork
grep -q '"paged": false' "$T/vmm.json" && fail "a child is not paged: $(grep '"reason": "[^"]' "$T/vmm.json")"
exit 0
