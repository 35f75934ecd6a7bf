# SPDX-License-Identifier: Apache-2.0
# Policies that need every touch say that they are approximate, and how: lru prints its window.
. "${0%/*}/lib.sh"
toucher=$(workload toucher) || fail "cannot build"
"$VMM" run -f 400 -a lru --exact --regions 'anon>=1M' --json "$T/lru.json" -- "$toucher" -n 50000 >"$T/out" 2>"$T/err" ||
	{ show "$T/err"; fail "exit status $?"; }
grep -q 'approximate (window 64)' "$T/err" || { show "$T/err"; fail "the report does not say: approximate (window 64)"; }
grep -q '"approximate": *true' "$T/lru.json" || fail "JSON: approximate"
"$VMM" run -q -f 400 -a lru --window 100 --json "$T/lru.json" -- "$toucher" -n 50000 >"$T/out" 2>"$T/err" || fail "--window 100"
[ "$(key "$T/lru.json" window)" = 100 ] || fail "window in JSON is $(key "$T/lru.json" window)"
"$VMM" run -q -f 400 -a lru --window 201 -- true 2>"$T/err" && fail "a window above half of the frames is accepted for lru"
exit 0
