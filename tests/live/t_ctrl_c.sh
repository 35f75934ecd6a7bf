# SPDX-License-Identifier: Apache-2.0
# Ctrl-C: the group gets SIGINT. A program that does not care dies of it (vmm: 130); one that catches it goes its own way.
. "${0%/*}/lib.sh"
set -m # jobs have process groups of their own, and SIGINT is not ignored
lines=$(program lines) || fail "cannot build"
round() { # EXPECTED_STATUS LINES_OPTIONS...
	local expected=$1 front status
	shift
	rm -f "$T/out"
	"$VMM" run -q -f 300 -a clock -- "$lines" -n 100000 "$@" >"$T/out" 2>"$T/err" &
	front=$!
	wait_for 10 test -s "$T/out" || fail "no output"
	sleep 0.2
	kill -INT -- -$front
	wait_for 3 gone 'vmm*' || fail "vmm does not end"
	wait $front
	status=$?
	[ $status = "$expected" ] || { show "$T/err"; fail "exit status $status, expected $expected"; }
	gone lines || fail "the target lives on"
}
round 130
round 130 -c 2
round 7 -i
tail -n 1 "$T/out" | grep -q caught || fail "the handler's line is missing"
# On a terminal: the character itself.
"$VMM" run -q -f 300 -- true 2>/dev/null || fail "true"
if command -v script >"$T/null"; then
	(sleep 2; printf '\003'; sleep 1) | script -qec "'$VMM' run -q -f 300 -- '$lines' -n 100000 -w 1000" "$T/typescript" >"$T/tty"
	status=$?
	[ $status = 130 ] || { tail -n 3 "$T/tty"; fail "on a terminal: exit status $status, expected 130"; }
fi
# A signal sent to vmm alone is forwarded.
rm -f "$T/out"
"$VMM" run -q -f 300 -- "$lines" -n 100000 >"$T/out" 2>"$T/err" &
front=$!
wait_for 10 test -s "$T/out" || fail "no output"
kill -TERM $front
wait_for 3 gone 'vmm*' || fail "vmm does not end on SIGTERM"
wait $front
status=$?
[ $status = 143 ] || fail "exit status $status after SIGTERM to vmm, expected 143"
