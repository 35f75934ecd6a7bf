# SPDX-License-Identifier: Apache-2.0
# Every policy that is exact live (classes F, R1, R0), as `vmm policies` says: a live run with --exact counts what the core counts for the
# same accesses. The five of the first tests are also compared with a model here; the others are by tests/unit/test_pages.c. Longer, and at two
# sizes, with FULL=1.
# timeout: 300
. "${0%/*}/exact.sh"
policies=$("$VMM" policies | awk '$2 ~ /^(F|R0|R1)$/ { print $1 }')
[ "$(echo "$policies" | wc -l)" -ge 14 ] || fail "policies: $policies"
accesses=80000
[ -n "${FULL-}" ] || accesses=20000
for policy in $policies; do
	case $policy in
	fifo | random | clock | nru | sieve) continue ;; # t_exact_*.sh
	esac
	[ "$policy" != ws ] || policy=ws:variable=0 # pages are given back when a frame is needed: live there is no other way
	exact_policy_core "$policy" mix 100 ${FULL:+600}
done
exact_policy_core wsclock:tau=200 mix 300
exact_policy_core wsclock:tau=50,writes=2 zipf 200
grep -q 'evictions [1-9]' "$T/live" || fail "nothing was evicted"

# Pages that are written behind while the program goes on: never another byte.
threads=$(workload threads) forker=$(workload forker) vmops=$(workload vmops) || fail "cannot build"
same_evicting -f 600 -a wsclock:tau=50 -- "$threads" -b 1500 -r 2
same_evicting -f 400 -a wsclock:tau=50 -- "$forker" -p 1024 -r 2
same_evicting -f 500 -a wsclock:tau=20 -- "$vmops" -n 1000
same_evicting --exact -f 300 -a wsclock:tau=20 -- "$vmops" -n 1000
[ "$(counter "$T/vmm.json" writebacks)" -gt 0 ] || fail "nothing was written behind"
exit 0
