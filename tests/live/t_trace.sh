# SPDX-License-Identifier: Apache-2.0
# vmm trace and vmm gen from the outside: what they write, and what they say when something is wrong.
. "$(dirname "$0")/lib.sh"
cd "$T" || fail "no $T"

# says STATUS WORDS COMMAND...: the command ends with STATUS and its message contains WORDS.
says() {
	local status=$1 words=$2 got
	shift 2
	"$@" >out 2>err
	got=$?
	[ $got = "$status" ] || fail "$*: exit status $got, not $status: $(cat err)"
	grep -qF -- "$words" err || fail "$*: no '$words' in: $(cat err)"
}
quiet() {
	"$@" >out 2>err || fail "$*: exit status $?: $(cat err)"
	[ ! -s err ] || fail "$*: says $(cat err)"
}

# trace_gen is vmm by another name; the defaults are those of the original.
quiet "$BIN/trace_gen" -t random -o a.trace
quiet "$VMM" gen -t random -n 10000 -p 4 -a 1024 -s 42 -o b.trace
cmp a.trace b.trace || fail "the defaults of trace_gen are not -n 10000 -p 4 -a 1024 -s 42"
[ "$(grep -c . a.trace)" = 10000 ] || fail "not 10000 lines"
grep -qvE '^[1-4] [RW] 0x[0-9a-f]+$' a.trace && fail "a line that is no access"
quiet "$VMM" gen -t zipf --alpha 1 -n 8 --pages 1000000 --seed 42 --to csv
[ "$(tail -n +2 out | cut -d, -f5 | tr '\n' ' ')" = "980317 39595 237570 625601 0 507277 95028 236951 " ] ||
	fail "not the reference string: $(cat out)"

# Round trips, by name, through pipes, compressed.
quiet "$VMM" trace convert a.trace -o a.vmt
quiet "$VMM" trace convert -o c.trace a.vmt
cmp a.trace c.trace || fail "text to .vmt to text"
[ "$(stat -c %s a.vmt)" -lt 30000 ] || fail "a.vmt is large"
"$VMM" trace cat - <a.vmt | cmp - a.trace || fail "through a pipe"
for name in a.vmt.zst a.trace.zst; do
	quiet "$VMM" trace convert a.trace -o $name
	"$VMM" trace cat $name | cmp - a.trace || fail "$name"
done
quiet "$VMM" trace convert --to oracle -o a.oracle a.vmt
[ "$(stat -c %s a.oracle)" = 240000 ] || fail "oracleGeneral has 24 bytes a reference"
quiet "$VMM" trace info a.oracle
grep -q 'format *oracle' out || fail "oracleGeneral is not recognised"
quiet "$VMM" gen -t fork -n 2000 -o f.vmt
"$VMM" trace cat f.vmt >f.trace
quiet "$VMM" trace convert f.trace -o g.vmt
cmp f.vmt g.vmt || fail "events are not the same after text"

# Parts.
quiet "$VMM" trace cut --skip 10 -n 5 -o part.trace a.vmt
sed -n 11,15p a.trace | cmp - part.trace || fail "cut"
quiet "$VMM" trace cat a.vmt a.trace
cat a.trace a.trace | cmp - out || fail "two files"
quiet "$VMM" trace info -p 16K a.trace
grep -q 'pages *1024,' out || fail "pages of 16K: $(cat out)"

# A file that is cut is read up to there.
head -c 9000 a.vmt >cut.vmt
says 0 "ends in the middle of a block" "$VMM" trace info cut.vmt
says 0 "ends without its end block" "$VMM" trace info <(head -c 32 a.vmt)

# What is wrong, where, and what to do.
printf '1 R 0x1000\n1 Q 0x2000\n' >bad.trace
says 1 "bad.trace: line 2, column 3: expected R or W" "$VMM" trace convert -o kept.trace bad.trace
[ "$(cat kept.trace)" = "1 R 0x1000" ] || fail "what precedes the error is lost"
says 1 "No such file" "$VMM" trace info nothing.vmt
says 1 "gzip -dc" "$VMM" trace info <(printf '\037\213\010\0')
says 1 "no trace of a known format" "$VMM" trace info "$VMM"
says 1 "finer than those recorded" "$VMM" trace info -p 1K a.vmt
says 1 "checksum" "$VMM" trace info <(head -c 5000 a.vmt; printf X; tail -c +5002 a.vmt)
says 1 "No such file" "$VMM" trace convert a.trace -o nowhere/a.vmt
says 1 "too large" "$VMM" trace cat <(printf '18446744073709551615\n')
[ ! -c /dev/full ] || says 1 "No space" "$VMM" gen -n 1000000 -o /dev/full
says 2 "no -o FILE" "$VMM" trace convert a.trace
says 2 "info, convert, cut, cat or reduce" "$VMM" trace
says 2 "Did you mean \`vmm trace info\`" "$VMM" trace inof a.trace
says 2 "no FILE" "$VMM" trace info
says 2 "Did you mean oracle" "$VMM" trace convert --to orcale -o x a.trace
says 2 "no format 'csv' to read" "$VMM" trace info --from csv a.trace
says 2 "vmm trace cut" "$VMM" trace info -n 5 a.trace
says 2 "a page has" "$VMM" trace info -p 3000 a.trace
says 2 "Did you mean zipf" "$VMM" gen -t zpif
says 2 "at least 1" "$VMM" gen -p 0
says 2 "given with -o" "$VMM" gen a.trace
exit 0
