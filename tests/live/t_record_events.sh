# SPDX-License-Identifier: Apache-2.0
# What happens besides references is in the trace: forks by who made whom, an exit for each process, threads, exec as the exit of one
# image and the beginning of another, what is mapped, unmapped and discarded.
# timeout: 180
. "${0%/*}/lib.sh"
record() { # NAME OPTIONS... -- COMMAND
	local name=$1
	shift
	"$VMM" record -q -o "$T/$name.vmt" --json "$T/$name.json" "$@" >"$T/$name.out" 2>"$T/$name.err" || { show "$T/$name.err"; fail "$name: exit status $?"; }
	sound "$T/$name.json"
	"$VMM" trace cat "$T/$name.vmt" >"$T/$name.txt" 2>"$T/err" || fail "$name: the trace cannot be read"
	[ -s "$T/err" ] && { show "$T/err"; fail "$name: the trace is not whole"; }
}

# Each child of a fork is there from its fork to its exit, and its maker was there then.
record forks --window 64 -- bash -c 'for i in 1 2 3; do (: $(echo $i)); done; (exec sort </dev/null); true'
awk '
	$2 == "F" { forks++; if (!($1 in alive)) { print "no maker: " $0; bad = 1 } alive[$3] = 1; next }
	$2 == "X" { exits++; if (!($1 in alive)) { print "no such process: " $0; bad = 1 } delete alive[$1]; next }
	/^#/ { next }
	{ alive[$1] = 1 }
	END {
		for (p in alive) { print "no exit: " p; bad = 1 }
		print forks " forks, " exits " exits"
		exit bad || forks < 7 || exits < forks + 1
	}' "$T/forks.txt" || fail "forks and exits"
forker=$(workload forker) threads=$(workload threads) || fail "cannot build"
record forker --window 64 -- "$forker" -p 256 -r 2
grep -q ' F ' "$T/forker.txt" || fail "the forker does not fork"

# exec: the process exits and maps anew.
record exec --window 64 -- bash -c "exec sort </dev/null"
awk '$2 == "X" { exits++; pid = $1 } exits == 1 && $2 == "M" && $1 == pid { again = 1 } END { exit !(exits == 2 && again) }' "$T/exec.txt" ||
	fail "exec is not an exit and another beginning"

record threads --window 64 -- "$threads" -b 256 -r 2
n=$(awk '$2 == "T" { print $3 }' "$T/threads.txt" | sort -u | wc -l)
[ "$n" -gt 2 ] || fail "$n threads"

# Ranges: vmops maps, unmaps and discards.
vmops=$(workload vmops) || fail "cannot build"
record ranges --window 64 -- "$vmops" -n 2000
for kind in M U D; do
	n=$(awk -v kind=$kind '$2 == kind' "$T/ranges.txt" | wc -l)
	echo "$n records $kind"
	[ "$n" -gt 3 ] || fail "$n records $kind"
done
# Without a window: faults only, each page once in unlimited memory.
record faults -- "$threads" -b 64 -r 1
head -n 1 "$T/faults.txt" | grep -q 'faults only' || fail "the trace does not say that it holds faults only"
grep -q ' L ' "$T/faults.txt" && fail "there is no window that a page could leave"
exit 0
