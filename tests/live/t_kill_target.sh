# SPDX-License-Identifier: Apache-2.0
# kill -9 of the target: vmm ends with 128+9, nothing remains.
. "${0%/*}/lib.sh"
lines=$(program lines) || fail "cannot build"
for policy in fifo clock; do
	rm -f "$T/out" # else the last round's is taken for this one's
	"$VMM" run -q -f 300 -a $policy --json "$T/json" -- "$lines" -n 100000 >"$T/out" 2>"$T/err" &
	front=$!
	wait_for 10 test -s "$T/out" || fail "no output"
	kill -KILL "$(family lines)"
	wait_for 2 gone 'vmm*' || fail "vmm does not end"
	wait $front
	status=$?
	[ $status = 137 ] || { show "$T/err"; fail "exit status $status, expected 137"; }
	[ "$(key "$T/json" signal)" = 9 ] || fail "the report does not say signal 9"
done
"$VMM" run -q -f 300 -- bash -c 'kill -SEGV $$'
[ $? = 139 ] || fail "a program that ends with SIGSEGV"
"$VMM" run -q -f 300 -- bash -c 'exit 42'
[ $? = 42 ] || fail "a program that ends with 42"
