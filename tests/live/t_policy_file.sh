# SPDX-License-Identifier: Apache-2.0
# A policy from a file decides as the one that is built in, in a run too: one with history, and one without.
# timeout: 300
. "${0%/*}/lib.sh"
export XDG_CACHE_HOME=$T/cache
toucher=$(workload toucher) || fail "cannot build"
for policy in car sieve; do
	cp "core/policies/$policy.c" "$T/" || fail "no source"
	for spec in "$policy" "$T/$policy.c"; do
		paged run -q -f 256 -a "$spec" --exact --seed 7 --regions 'anon>=1M' --checksum -- \
			"$toucher" -p 1024 -n 20000 -k zipf -s 3
		[ "$(cat "$T/run.status")" = 0 ] || { show "$T"/run.*; fail "$spec: the program failed"; }
		sound "$T/run.json"
		echo "$(counter "$T/run.json" faults) $(counter "$T/run.json" evictions)" >>"$T/counts.$policy"
	done
	[ "$(sort -u "$T/counts.$policy" | wc -l)" = 1 ] || { cat "$T/counts.$policy"; fail "$policy: other counts from the file"; }
done
exit 0
