# SPDX-License-Identifier: Apache-2.0
# The self-checking toucher, one thread and four, batched and exact, under every policy.
# timeout: 240
. "${0%/*}/lib.sh"
toucher=$(workload toucher) || fail "cannot build"
for policy in fifo random clock nru sieve lru; do
	same_evicting -f 500 -a $policy -- "$toucher" -n 40000
done
for policy in clock sieve; do
	same_evicting --exact -f 300 -a $policy -- "$toucher" -n 20000
	same_evicting -f 400 -a $policy -- "$toucher" -n 10000 -t 4
	same_evicting --exact -f 400 -a $policy -- "$toucher" -n 5000 -t 4
done
