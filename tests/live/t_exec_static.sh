# SPDX-License-Identifier: Apache-2.0
# A program that execs a static one: that runs natively, the report says which process was not paged and why.
# Also exec of a dynamic program, which is paged again.
. "${0%/*}/lib.sh"
execs=$(program execs) || fail "cannot build"
static=$(special static plain.c -static) || skip "no static libc to build a static program with"
dynamic=$(special plain plain.c) || fail "cannot build"
for policy in fifo clock; do
	same_evicting -f 300 -a $policy -- "$execs" "$static" 0 1 2
	flat "$T/vmm.json" | grep -o '"comm":"static","paged":[a-z]*,"reason":"[^"]\+"' || fail "the report does not name the static program"
	same_evicting -f 300 -a $policy -- "$execs" "$dynamic" 0 1 2
	flat "$T/vmm.json" | grep -o '"comm":"plain","paged":true' || fail "after exec the dynamic program is not paged"
	flat "$T/vmm.json" | grep -q '"paged":false' && fail "a dynamic program was not paged"
done
# The static program first: nothing is paged, and that is said too.
paged first -f 300 -- "$static"
[ "$(cat "$T/first.status")" = 0 ] || fail "a static program on its own"
cmp -s <("$static") "$T/first.out" || fail "its output"
flat "$T/first.json" | grep -q '"comm":"static","paged":false,"reason":"[^"]\+"' || fail "the JSON report does not name it"
grep -qi static "$T/first.err" || { show "$T/first.err"; fail "the report does not name it"; }
