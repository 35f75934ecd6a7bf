# SPDX-License-Identifier: Apache-2.0
# The store changes times, never decisions: exact runs of one program have the same counts on each.
# timeout: 200
. "${0%/*}/lib.sh"
toucher=$(workload toucher) || fail "cannot build"
keys="faults faults_zero faults_major evictions evictions_clean evictions_dirty store_reads store_writes"
for policy in fifo clock; do
	expected=
	for store in mem lz4 "file:$T"; do
		paged counts -q --exact -a $policy -f 300 --regions 'anon>=1M' --store "$store" -- "$toucher" -p 1000 -n 20000 -k zipf
		grep -q 'not built in\|io_uring' "$T/counts.err" && continue
		sound "$T/counts.json"
		counts=
		for k in $keys; do counts+=" $(counter "$T/counts.json" $k)"; done
		[ -n "$expected" ] || expected=$counts
		[ "$counts" = "$expected" ] || fail "$policy: $keys are$counts with $store,$expected with mem"
	done
	echo "$policy:$expected"
done
