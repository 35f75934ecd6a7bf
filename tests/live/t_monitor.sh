# SPDX-License-Identifier: Apache-2.0
# The socket of a run: vmm top, vmm mark, vmm fault-in; who may ask, bad requests, and that nothing stays behind.
# timeout: 200
. "${0%/*}/lib.sh"
XDG_RUNTIME_DIR=$(mktemp -d) || fail "no directory" # a short name: that of a socket has at most 107 bytes
export XDG_RUNTIME_DIR
trap 'rmdir "$XDG_RUNTIME_DIR"' EXIT
DIR=$XDG_RUNTIME_DIR/vmm
random=$BIN/bench/random_fault

# begin ACCESSES: a run in the background, its pid in $run, the program's in $program
begin() {
	"$VMM" run -f 1024 -a clock --json "$T/run.json" -- "$random" -b -m 32 -n "$1" >"$T/run.out" 2>"$T/run.err" &
	run=$!
	for ((i = 0; i < 500; i++)); do
		program=$(family random_fault | head -n 1)
		[ -n "$program" ] && [ -S "$DIR/$run" ] && [ "$("$VMM" top --json 2>/dev/null | grep -c '"evictions"')" -gt 0 ] && return
		sleep 0.02
	done
	fail "the run does not begin"
}
gone() {
	for ((i = 0; i < 250; i++)); do
		[ -e "$DIR" ] || return 0
		sleep 0.02
	done
	fail "$1: $(ls -la "$DIR")"
}

"$VMM" top >"$T/out" 2>&1 && fail "top without a run succeeds"
grep -q 'no run of this user' "$T/out" || fail "no run: $(cat "$T/out")"

begin 3000000
[ "$(stat -c %a "$DIR")" = 700 ] && [ "$(stat -c %a "$DIR/$run")" = 600 ] || fail "others may look: $(ls -la "$DIR")"
for word in '' "$run" "$program"; do
	"$VMM" top $word >"$T/top" || fail "top $word"
	grep -q "^vmm $run: clock, 1024 frames" "$T/top" && grep -q "random_fault" "$T/top" && grep -q '^evictions' "$T/top" ||
		fail "top $word: $(cat "$T/top")"
done
"$VMM" top 1 >"$T/out" 2>&1 && fail "there is no process 1 in the run"
"$VMM" top --json >"$T/top.json" || fail "top --json"
[ "$(key "$T/top.json" frames)" = 1024 ] && [ "$(key "$T/top.json" faults)" -gt 0 ] || fail "status: $(cat "$T/top.json")"

# Nobody stops the pager by asking: clients that say nothing, too much, or rubbish.
cat >"$T/rude.py" <<'P'
import socket, sys
def ask(data):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(sys.argv[1])
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    out = b""
    while True:
        got = s.recv(65536)
        if not got:
            return out
        out += got
for data in (b"x\n", b"\n", b"\xff\x00\n", b"fault-in\n", b"fault-in x\n", b"fault-in 99999999999\n", b"mark \n", b"status", b"y" * 255):
    assert b'"error"' in ask(data), (data, ask(data))
try:
    ask(b"z" * 100000)
except OSError:
    pass
silent = [socket.socket(socket.AF_UNIX) for _ in range(40)]
for s in silent:
    s.connect(sys.argv[1])
P
/usr/bin/python3 "$T/rude.py" "$DIR/$run" || fail "bad requests"
"$VMM" top >/dev/null || fail "no answer after bad requests"
"$VMM" mark middle || fail "mark from outside"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 711 "$T" "$XDG_RUNTIME_DIR" "$DIR" && chmod 666 "$DIR/$run" # even where the modes would let them in
	setpriv --reuid 65534 --clear-groups /usr/bin/python3 - "$DIR/$run" <<'P' || fail "another user was answered"
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
try:
    s.connect(sys.argv[1])
    s.sendall(b"status\n")
    sys.exit(len(s.recv(100)) != 0)
except OSError:
    sys.exit(0)
P
	chmod 700 "$DIR"
fi

# Loaded whole, also while the program is stopped.
kill -STOP "$program"
"$VMM" fault-in "$program" >"$T/out" 2>&1 || fail "fault-in: $(cat "$T/out")"
grep -q '^[1-9][0-9]* pages loaded' "$T/out" || fail "fault-in: $(cat "$T/out")"
kill -CONT "$program"
wait $run || fail "the program: $(cat "$T/run.err")"
grep -q '"resident":8192' "$T/run.out" || fail "not resident as a whole: $(cat "$T/run.out")"
grep -q 'loaded whole by vmm fault-in' "$T/run.err" || fail "the report does not say so"
grep -q 'middle' "$T/run.err" || fail "no phase: $(cat "$T/run.err")"
grep -q '"name": "middle"' "$T/run.json" || fail "no phase in the JSON report"
gone "after the end"

# A script's own marks.
"$VMM" run -q --json "$T/marks.json" -f 400 -- sh -c "'$VMM' mark one; seq 30000 | sort -n >/dev/null; '$VMM' mark two" || fail "a script with marks"
[ "$(grep -c '"name": "\(one\|two\)"' "$T/marks.json")" = 2 ] || fail "marks: $(grep name "$T/marks.json")"
gone "after marks"

# However the run ends.
for who in vmm vmm-pager vmm-guardian; do
	begin 3000000
	case $who in
	vmm) victim=$run ;;
	*) victim=$(family $who | head -n 1) ;;
	esac
	kill -KILL "$victim"
	wait $run 2>/dev/null
	gone "after the end of $who"
done
exit 0
