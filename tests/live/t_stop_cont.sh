# SPDX-License-Identifier: Apache-2.0
# SIGSTOP and SIGCONT, of the program alone and of the whole group (Ctrl-Z): vmm stops and continues with it, no byte differs.
# timeout: 180
. "${0%/*}/lib.sh"
set -m
lines=$(program lines) || fail "cannot build"
"$lines" -n 150 -a 500 >"$T/native" || fail "lines fails alone"
start() {
	rm -f "$T/out"
	"$VMM" run -q --checksum -f 300 -a clock "$@" -- "$lines" -n 150 -a 500 >"$T/out" 2>"$T/err" &
	front=$!
	wait_for 10 test -s "$T/out" || fail "no output"
	target=$(family lines | head -n 1)
}
finish() {
	wait_for 60 gone lines || fail "$1: the target does not end"
	wait $front
	status=$?
	[ $status = 0 ] || { show "$T/err"; fail "$1: exit status $status"; }
	cmp "$T/native" "$T/out" || fail "$1: output"
}
start
for ((i = 0; i < 20; i++)); do
	kill -STOP "$target" 2>/dev/null || break
	sleep 0.03
	kill -CONT "$target"
	sleep 0.02
done
wait_for 2 eval '! in_state $front T' || fail "the program was continued and vmm was not"
finish "stop and continue of the program"

start --exact
kill -STOP "$target"
wait_for 2 in_state "$target" T || fail "the program does not stop"
wait_for 2 in_state $front T || fail "vmm does not stop with the program"
before=$(wc -c <"$T/out")
sleep 0.3
[ "$(wc -c <"$T/out")" = "$before" ] || fail "a stopped program prints"
kill -CONT $front
wait_for 2 eval '! in_state "$target" T' || fail "continuing vmm does not continue the program"
finish "vmm stops and continues with the program"

start
kill -TSTP -- -$front
wait_for 2 in_state "$target" T || fail "Ctrl-Z does not stop the program"
wait_for 2 in_state $front T || fail "Ctrl-Z does not stop vmm"
kill -CONT -- -$front
finish "Ctrl-Z and fg"
