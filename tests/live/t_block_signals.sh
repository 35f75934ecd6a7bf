# SPDX-License-Identifier: Apache-2.0
# A program that blocks every signal: nothing that vmm does depends on signals in it.
. "${0%/*}/lib.sh"
p=$(program block_signals) || fail "cannot build"
for policy in fifo clock sieve; do
	same_evicting -f 300 -a $policy -- "$p"
done
same_evicting --exact -f 300 -a clock -- "$p"
