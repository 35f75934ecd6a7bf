# SPDX-License-Identifier: Apache-2.0
# Random changes of the address space, one thread and four, checked against a model.
# timeout: 300
. "${0%/*}/lib.sh"
vmops=$(workload vmops) || fail "cannot build"
for seed in 1 2 3; do
	same_evicting -f 500 -a fifo -- "$vmops" -n 2000 -s $seed
	same_evicting -f 500 -a clock -- "$vmops" -n 2000 -s $seed
done
same_evicting -f 500 -a sieve -- "$vmops" -n 2000
same_evicting --exact -f 300 -a clock -- "$vmops" -n 1000
same_evicting -f 700 -a clock -- "$vmops" -n 1500 -t 4
same_evicting -f 700 -a lru -- "$vmops" -n 1000 -t 2
same -a clock -- "$vmops" -n 2000 -t 2
