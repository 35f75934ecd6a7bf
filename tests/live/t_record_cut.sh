# SPDX-License-Identifier: Apache-2.0
# Whatever is killed while a trace is recorded, the file can be read up to the cut, nothing of vmm stays, and the program ends as
# it does under vmm run.
# timeout: 120
. "${0%/*}/lib.sh"
set -m # jobs have process groups of their own, and SIGINT is not ignored
lines=$(program lines) || fail "cannot build"

# after NAME COMMAND...: starts a recording, does COMMAND a second and a half later; the status is in $status.
after() {
	local name=$1
	shift
	rm -f "$T/cut.vmt"
	"$VMM" record -q -o "$T/cut.vmt" --window 32 -- "$lines" -n 100000 >"$T/out" 2>"$T/err" &
	front=$!
	wait_for 10 test -s "$T/out" || fail "$name: no output"
	sleep 1.5 # more than one flush
	"$@"
	wait_for 3 gone lines || fail "$name: the program lives on"
	wait_for 3 gone 'vmm*' || fail "$name: something of vmm is left: $(family 'vmm*')"
	wait $front
	status=$?
	"$VMM" trace info "$T/cut.vmt" >"$T/info" 2>"$T/info.err" || { show "$T/info.err"; fail "$name: the trace cannot be read"; }
	refs=$(awk '$1 == "references" { print $2 }' "$T/info")
	[ "${refs:-0}" -gt 1000 ] || { show "$T/info"; fail "$name: only ${refs:-no} references"; }
	"$VMM" trace cat "$T/cut.vmt" 2>&1 >"$T/cat" | grep -v 'ends\|complete up to there' >"$T/cat.err"
	[ -s "$T/cat.err" ] && { show "$T/cat.err"; fail "$name"; }
	echo "$name: status $status, $refs references"
}
whole() { [ -s "$T/info.err" ] && { show "$T/info.err"; fail "$1: the trace has no end"; }; }
kill_named() { kill -KILL "$(family "$1" | head -n 1)"; }
interrupt() { kill -INT -- -$front; }

after interrupt interrupt
[ $status = 130 ] || fail "Ctrl-C: status $status"
whole interrupt
after program kill_named lines
[ $status = 137 ] || fail "program: status $status"
whole program
after pager kill_named vmm-pager
[ $status = 125 ] || fail "pager: status $status"
whole pager
kill_front() { kill -KILL "$front"; }
after front kill_front
whole front
# Without its writer the program goes on; the trace ends where it was flushed last.
writer() { kill_named vmm-writer; sleep 0.5; alive lines || fail "the program ended with the writer"; kill -INT -- -$front; }
after writer writer
[ $status = 130 ] || fail "writer: status $status"
grep -q 'ends early' "$T/err" || { show "$T/err"; fail "nothing says that the trace ends early"; }
grep -q 'end' "$T/info.err" || fail "the reader does not say that the trace ends early"
# A daemon: vmm ends with the first process's status, the trace with the last process.
daemon=$(program daemonize) || fail "cannot build"
"$VMM" record -o "$T/daemon.vmt" --window 32 -- "$daemon" "$T/result" 1000 >"$T/out" 2>"$T/err"
status=$?
[ $status = 3 ] || { show "$T/err"; fail "daemon: exit status $status, expected 3"; }
grep -q 'goes on' "$T/err" || { show "$T/err"; fail "daemon: the report does not say that the recording goes on"; }
wait_for 15 gone daemonize || fail "the daemon does not end"
wait_for 3 gone 'vmm*' || fail "daemon: something of vmm is left: $(family 'vmm*')"
[ "$(cat "$T/result")" = "memory: ok" ] || fail "the daemon found wrong memory"
"$VMM" trace info "$T/daemon.vmt" >"$T/info" 2>"$T/info.err" || fail "daemon: the trace cannot be read"
[ -s "$T/info.err" ] && { show "$T/info.err"; fail "daemon: the trace has no end"; }
grep -Eq 'events +3 exits' "$T/info" || { show "$T/info"; fail "daemon: all three processes should have ended"; }
