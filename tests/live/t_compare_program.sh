# SPDX-License-Identifier: Apache-2.0
# vmm compare on a program: every policy at every size, the program alone, the same input for each run and the same output of each, what is
# best first; one recording and replays with --replay; nothing is left behind.
# timeout: 240
. "${0%/*}/lib.sh"
toucher=$(workload toucher) || fail "cannot build"
mkdir "$T/tmp"
export TMPDIR=$T/tmp
compare() { # OUT OPTIONS... -- COMMAND
	local out=$1
	shift
	"$VMM" compare "$@" >"$T/$out" 2>"$T/$out.err" || { show "$T/$out" "$T/$out.err"; fail "vmm compare $*: exit status $?"; }
	[ -z "$(ls "$T/tmp")" ] || fail "left in TMPDIR: $(ls "$T/tmp")"
}

compare table -a fifo,clock,lru,opt -m 25%,50% --repeat 3 --seed 5 --regions 'anon>=1M' --exact --csv "$T/csv" --json "$T/json" -- \
	"$toucher" -p 1024 -n 30000 -k zipf
show "$T/table"
grep -q '^vmm: .* 3 policies in 2 sizes, each was run 3 times, in random order (seed 5)' "$T/table" || fail "the first line"
grep -q 'footprint   1024 pages' "$T/table" || fail "footprint"
grep -q 'output      the same in every run' "$T/table" || fail "outputs differ"
# Of each size the fewest faults first; times and distances are numbers.
awk '/^[* ] (fifo|clock|lru) / {
		rows++; sub(/^\*/, " ")
		if ($5 == frames && $6 < faults) { print "out of order: " $0; bad = 1 }
		frames = $5; faults = $6
		if ($5 != 256 && $5 != 512) { print "frames: " $0; bad = 1 }
		match($0, /[0-9.]+x +[0-9.]+x/); split(substr($0, RSTART, RLENGTH), x, " +"); if (x[1] + 0 <= 0 || x[2] + 0 < 1) { print "ratios: " $0; bad = 1 }
	}
	END { print rows " rows"; exit bad || rows != 6 }' "$T/table" || fail "rows"
awk -F, 'NR == 1 { columns = NF } NF != columns || (NR > 1 && ($1 != "compare" || $7 < 1000)) { bad = 1; print } END { exit bad || NR != 1 + 18 }' "$T/csv" ||
	fail "CSV: $(wc -l <"$T/csv") lines"
[ "$(grep -c '"same_as_alone": true' "$T/json")" = 18 ] || fail "JSON: runs"
[ "$(key "$T/json" footprint_pages)" = 1024 ] || fail "JSON: footprint"
# An exact run of a deterministic program counts the same each time, and what vmm run counts.
paged one -q -f 256 -a fifo --exact --regions 'anon>=1M' -- "$toucher" -p 1024 -n 30000 -k zipf
[ "$(awk -F, '$2 == "fifo" && $3 == 256 { print $7 }' "$T/csv" | sort -u)" = "$(counter "$T/one.json" faults)" ] || fail "vmm run counts otherwise"

# The same input for each run, from a file, from a pipe, and without any.
seq 1 3000 | sort -R --random-source=/bin/sh >"$T/numbers"
compare file -a fifo -m 50% -- sort <"$T/numbers"
compare pipe -a fifo -m 50% -- sort < <(cat "$T/numbers")
compare none -a fifo -m 50% -- sort </dev/null
for name in file pipe none; do
	grep -q 'the same in every run' "$T/$name" || { show "$T/$name"; fail "$name: output"; }
done
[ "$(grep -c 'footprint' "$T/file")" = 1 ] && cmp <(grep footprint "$T/file") <(grep footprint "$T/pipe") || fail "a pipe's content was lost"
cmp -s <(grep footprint "$T/file") <(grep footprint "$T/none") && fail "the input made no difference"

# What ends otherwise than the program alone is told, and is not the best.
printf '#!/bin/sh\necho x >>"$1"; exit $(wc -l <"$1")\n' >"$T/counts"
chmod 755 "$T/counts"
compare odd -a fifo,clock -m 50% -- "$T/counts" "$T/counted"
grep -q 'exit status' "$T/odd" || { show "$T/odd"; fail "an exit status of its own is not told"; }
grep -q 'not the same in every run' "$T/odd" || fail "the last line"

# Recorded once: the program's messages come from one run alone, one without limit is silent, and the trace is kept where it is asked for.
compare replayed --replay --force -a fifo,lru,opt -m 25%,50% --window 16 --regions 'anon>=1M' -o "$T/kept.vmt" -- "$toucher" -p 1024 -n 30000 -k zipf
grep -q 'recorded once, through a window of 16 pages' "$T/replayed.err" || { show "$T/replayed.err"; fail "nothing says that it is replayed"; }
[ "$(grep -Ec '^ +(fifo|lru|opt) ' "$T/replayed")" = 6 ] || { show "$T/replayed"; fail "6 replays"; }
"$VMM" trace info "$T/kept.vmt" | grep -q 'window of 16 pages' || fail "the kept trace"

wrong() { # STATUS PATTERN OPTIONS...
	local expected=$1 pattern=$2 status
	shift 2
	"$VMM" compare "$@" >"$T/out" 2>"$T/err"
	status=$?
	[ $status = "$expected" ] || { show "$T/err"; fail "vmm compare $*: exit status $status, expected $expected"; }
	grep -q -- "$pattern" "$T/err" || { show "$T/err"; fail "vmm compare $*: no '$pattern'"; }
}
wrong 2 'least is 40' -f 20 -- true
wrong 2 'too few' -m 64K,50% -- true
wrong 2 'the future' -a vmin -- true
wrong 2 'add policies\|Add policies' -a opt -- true
wrong 2 'Did you mean' -a clok -- true
wrong 127 'no such program' -- no-such-program
wrong 2 'no program' -m 50% --
wrong 2 'no trace was given' -a fifo
[ -z "$(ls "$T/tmp")" ] || fail "left in TMPDIR: $(ls "$T/tmp")"
# The page holds everything itself.
compare page -q -a fifo,clock -m 50% --html "$T/page.html" -- "$toucher" -p 1024 -n 5000
grep -q '"mode":"compare"' "$T/page.html" || fail "HTML: no results in it"
grep -Eq '(src|href)=' "$T/page.html" && fail "HTML: fetches something"
# Interrupted, it ends as the program does, at once, and leaves nothing.
set -m
for how in "-a fifo" --replay; do
	# shellcheck disable=SC2086
	"$VMM" compare $how -m 50% --regions 'anon>=1M' -- "$toucher" -p 1024 -n 5000000 >"$T/out" 2>"$T/err" &
	front=$!
	wait_for 60 alive vmm-pager || fail "no run under the pager"
	sleep 0.5
	kill -INT -- -$front
	wait_for 5 gone 'vmm*' && gone toucher || fail "compare $how cannot be interrupted"
	wait $front
	status=$?
	[ $status = 130 ] || fail "compare $how: exit status $status after Ctrl-C, expected 130"
	[ -z "$(ls "$T/tmp")" ] || fail "left in TMPDIR: $(ls "$T/tmp")"
done
exit 0
