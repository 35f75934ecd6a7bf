# SPDX-License-Identifier: Apache-2.0
# What is wrong with the command is said before the program runs; the program's status is vmm's.
. "${0%/*}/lib.sh"
ran=(touch "$T/ran")
wrong() { # STATUS PATTERN OPTIONS...
	local expected=$1 pattern=$2 status
	shift 2
	"$VMM" record "$@" >"$T/out" 2>"$T/err"
	status=$?
	[ $status = "$expected" ] || { show "$T/err"; fail "vmm record $*: exit status $status, expected $expected"; }
	head -n 1 "$T/err" | grep -q '^vmm: [^:]*: .' || { show "$T/err"; fail "vmm record $*: not 'vmm: what: why'"; }
	grep -q -- "$pattern" "$T/err" || { show "$T/err"; fail "vmm record $*: no '$pattern' in the message"; }
	[ ! -e "$T/ran" ] || fail "vmm record $*: the program ran all the same"
}
wrong 2 '-o FILE is missing' --window 32 -- "${ran[@]}"
wrong 2 'stdout' -o - -- "${ran[@]}"
wrong 2 'no program' -o "$T/a.vmt"
wrong 2 'least is 8' -o "$T/a.vmt" --window 3 -- "${ran[@]}"
wrong 2 'clock works with reference bits' -o "$T/a.vmt" -a clock --window 32 -- "${ran[@]}"
wrong 2 'Did you mean --window' -o "$T/a.vmt" --windoww 32 -- "${ran[@]}"
wrong 2 'half\|most' -o "$T/a.vmt" -f 100 --window 64 -- "${ran[@]}"
wrong 125 'cannot be written: No such file' -o "$T/no/a.vmt" -- "${ran[@]}"
wrong 125 'cannot be written: Is a directory' -o "$T" -- "${ran[@]}"
wrong 125 'cannot be written: No space left' -o /dev/full -- "${ran[@]}"
wrong 127 'no such program' -o "$T/a.vmt" -- no-such-program
[ ! -e "$T/a.vmt" ] || fail "a wrong command made a file"
for status in 0 3 77; do
	"$VMM" record -q -o "$T/a.vmt" --window 32 -- sh -c "exit $status"
	[ $? = $status ] || fail "exit status $status became $?"
done
"$VMM" record -q -o "$T/a.vmt" --window 32 -- sh -c 'kill -TERM $$'
[ $? = 143 ] || fail "SIGTERM became $?"
# The name decides the format.
"$VMM" record -q -o "$T/a.txt" --window 32 -- true || fail "text"
head -n 1 "$T/a.txt" | grep -q '^# vmm trace: page-size 4096, window 32' || { show "$T/a.txt"; fail "a.txt is no text trace"; }
"$VMM" record -q -o "$T/a.vmt.zst" --window 32 -- true || fail "compressed"
"$VMM" trace info "$T/a.vmt.zst" | grep -q 'window of 32' || fail "a.vmt.zst"
# The report says what the trace is good for.
"$VMM" record -o "$T/a.vmt" --window 32 -- true 2>"$T/err"
grep -q 'lru in .* frames or more is bracketed' "$T/err" || { show "$T/err"; fail "report"; }
"$VMM" record -o "$T/a.vmt" -- true 2>"$T/err"
grep -q 'faults only' "$T/err" || { show "$T/err"; fail "report of faults only"; }
