#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# valgrind.sh - unit tests of the core under valgrind's memcheck: `make check-valgrind`. No error, and nothing definitely lost.
#
# A test takes some fifty times as long there, so those that try many cases are left out or do fewer. The tests are from $OBJ.
cd "$(dirname "$0")/.." || exit 1
OBJ=${OBJ:-build/release}
tests=${VALGRIND_TESTS:-"core policy frame page_map page_table tlb tlb_spec timing numa mmu holds stats events vmt trace trace_formats \
	gen tables_alloc alloc random_cases fuzz_corpus replay replay_events replay_alloc window sad denning full_model memory share large \
	prefetch"}
export RANDOM_CASES=${RANDOM_CASES:-400} FUZZ_MUTATIONS=3
command -v valgrind >/dev/null || { echo "valgrind is not there: apt-get install valgrind"; exit 1; }
status=0 n=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for name in $tests; do
	[ -x "$OBJ/tests/unit/test_$name" ] || { echo "FAILED test_$name: not built"; status=1; continue; }
	n=$((n + 1))
	start=$SECONDS
	if valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect \
		"$OBJ/tests/unit/test_$name" >"$log" 2>&1; then
		echo "ok test_$name ($((SECONDS - start)) s)"
	else
		status=1
		grep -E '^==|FAILED|Failure|error' "$log" | head -n 60
		echo "FAILED test_$name (exit status of valgrind or of the test, $((SECONDS - start)) s)"
	fi
done
echo "$n programs under memcheck: $([ $status = 0 ] && echo clean || echo NOT clean)"
exit $status
