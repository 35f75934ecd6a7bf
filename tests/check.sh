#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# check.sh GROUP... - runs groups of tests, each to its end; the last line sums up: N passed, N failed, N skipped.
#
#   includes    includes point downward only
#   docs        the manual and the option tables agree
#   sim         vmm sim and vmm mrc on small traces, and their messages
#   policy_files  policies from files of the user's own
#   python      the Python package
#   unit        the cmocka programs of tests/unit, from $OBJ
#   live        tests/live/run: programs under the pager
#   apps-quick  tests/apps/run --quick: some applications
#   apps        tests/apps/run: every application
#
# `make check` and its like build what is needed and set BIN and OBJ. A group that cannot run has failed.
cd "$(dirname "$0")/.." || exit 1
export BIN=${BIN:-bin} OBJ=${OBJ:-build/release}
export VMM=$PWD/$BIN/vmm
case $BIN in /*) VMM=$BIN/vmm ;; esac

UNIT_SECONDS=300 # for one program, under a sanitizer

passed=0 failed=0 skipped=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT

failure() {
	echo "FAILED $1"
	failed=$((failed + 1))
}

single() {
	if "tests/$1.sh"; then
		echo "ok $1"
		passed=$((passed + 1))
	else
		failure "$1"
	fi
}

# The sum of N over cmocka's lines "[  WORD  ] N test(s)" of a file.
cmocka_count() { awk -v word="$1" '$2 == word && $4 ~ /^[0-9]+$/ && $5 ~ /^test/ { n += $4 } END { print n + 0 }' "$2"; }

# All programs, as many at a time as there are CPUs; each leaves its output and its status in $results.
unit_run() {
	printf '%s\n' tests/unit/test_*.c | xargs -P "$(nproc)" -I {} bash -c '
		name=${1%.c} out=$3/${1##*/}
		timeout "$4" "$2/$name" >"$out" 2>&1
		echo $? >"$out.status"' bash {} "$OBJ" "$results" "$UNIT_SECONDS"
}

unit() {
	local source out status f
	results=$(mktemp -d)
	unit_run
	for source in tests/unit/test_*.c; do
		out=$results/${source##*/}
		[ -e "$out.status" ] || { failure "unit: $source did not run"; continue; }
		read -r status <"$out.status"
		f=$(cmocka_count FAILED "$out")
		passed=$((passed + $(cmocka_count PASSED "$out")))
		skipped=$((skipped + $(cmocka_count SKIPPED "$out")))
		failed=$((failed + f))
		if [ "$status" = 0 ]; then
			echo "ok $source: $(cmocka_count PASSED "$out") tests"
			continue
		fi
		cat "$out"
		echo "FAILED $source (exit status $status)"
		[ "$f" != 0 ] || failed=$((failed + 1))
	done
	rm -rf "$results"
}

# A suite with its own last line "N passed, N failed, N skipped", which becomes part of ours.
suite() {
	local p f s status
	if [ ! -x "$1" ]; then
		failure "$1: not there"
		return
	fi
	"$@" | while IFS= read -r line; do # not awk: some awks hold back what they read
		if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
			echo "${BASH_REMATCH[@]:1}" >"$output"
		else
			printf '%s\n' "$line"
		fi
	done
	status=${PIPESTATUS[0]}
	p=0 f=0 s=0
	if ! read -r p f s <"$output"; then
		failure "$1: ended without a summary (exit status $status)"
	elif [ "$status" != 0 ] && [ "$f" = 0 ]; then
		failure "$1: exit status $status"
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

for group in "$@"; do
	: >"$output"
	case $group in
	includes | docs | sim | policy_files | python) single "$group" ;;
	unit) unit ;;
	live) suite tests/live/run ;;
	apps-quick) suite tests/apps/run --vmm "$VMM" --quick ;;
	apps) suite tests/apps/run --vmm "$VMM" ;;
	*) failure "$group: no such group" ;;
	esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
