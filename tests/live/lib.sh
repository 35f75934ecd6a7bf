# SPDX-License-Identifier: Apache-2.0
# What every t_*.sh may use. Set by ./run: VMM, BIN, TEST_DIR (scratch), REAPER (the process above all of the test's).
#
#   fail WORDS, skip WORDS        end the test
#   program NAME                  path of tests/live/NAME.c, built when it is missing or older
#   workload NAME                 the same for workloads/NAME.c
#   special NAME SOURCE FLAGS...  NAME from tests/live/parts/SOURCE, with compiler flags of its own; fails if it cannot
#   same OPTIONS -- COMMAND       runs COMMAND alone and under the pager: output and status must be equal
#   paged LABEL OPTIONS -- COMMAND   runs it under the pager: LABEL.out .err .json .status in $T
#   counter FILE KEY, key FILE KEY   a number of the JSON report: of its counters; any
#   family [NAME|PREFIX*]         pids of the test's processes (of that name); zombies do not count
set -u
LIVE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$LIVE/../.." && pwd)
BIN=${BIN:-bin}
case $BIN in /*) ;; *) BIN=$ROOT/$BIN ;; esac
VMM=${VMM:-$BIN/vmm}
CC=${CC:-gcc}
T=${TEST_DIR:-}
if [ -z "$T" ] && [ "${0##*/}" != run ]; then
	T=$(mktemp -d)
	trap 'rm -rf "$T"' EXIT
fi
FLAGS="-std=gnu11 -D_GNU_SOURCE= -Wall -Wextra -O2 -g -I$ROOT"

fail() { echo "FAIL: $*"; exit 1; }
skip() { echo "$*"; exit 77; }

# build SOURCE PROGRAM FLAGS...: when SOURCE is newer than PROGRAM.
build() {
	local source=$1 target=$2
	shift 2
	[ "$target" -nt "$source" ] && return
	mkdir -p "${target%/*}"
	# shellcheck disable=SC2086
	$CC $FLAGS -o "$target.$$" "$source" "$@" -lpthread -lm && mv "$target.$$" "$target"
}

program() {
	local source=$LIVE/$1.c target=$BIN/tests/live/$1 extra=()
	if ! [ "$target" -nt "$source" ]; then
		target=$ROOT/build/live/$1
		grep -q '#include "core/' "$source" &&
			extra=("$ROOT"/core/*.c "$ROOT"/core/policies/*.c "$ROOT"/tests/model/model.c)
		build "$source" "$target" "${extra[@]}" >&2 || return 1
	fi
	echo "$target"
}

workload() {
	build "$ROOT/workloads/$1.c" "$BIN/workloads/$1" >&2 || return 1
	echo "$BIN/workloads/$1"
}

special() {
	local name=$1 source=$2
	shift 2
	build "$LIVE/parts/$source" "$ROOT/build/live/parts/$name" "$@" >&2 || return 1
	echo "$ROOT/build/live/parts/$name"
}

# The JSON report without white space; counters come before those of the single processes.
flat() { tr -d ' \n\t' <"$1"; }
counter() { flat "$1" | grep -o '"counters":{[^}]*}' | head -n 1 | grep -o "\"$2\":[0-9]*" | cut -d: -f2; }
key() { flat "$1" | grep -o "\"$2\":[0-9.]*" | head -n 1 | cut -d: -f2; }

paged() {
	local label=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	rm -f "$T/$label.json"
	"$VMM" run "${options[@]}" --json "$T/$label.json" -- "$@" >"$T/$label.out" 2>"$T/$label.err"
	echo $? >"$T/$label.status"
}

# What a report must say after a run in which nothing went wrong.
sound() {
	local json=$1 violations
	[ -s "$json" ] || fail "no report"
	if grep -q '"fatal"' "$json"; then
		fail "the run was stopped: $(grep '"fatal"' "$json")"
	fi
	violations=$(key "$json" violations)
	[ "${violations:-0}" = 0 ] || fail "$violations audits found too many frames: $(flat "$json" | grep -o '"audit":{[^}]*}')"
}

show() {
	local f
	for f in "$@"; do
		[ -s "$f" ] && { echo "--- ${f##*/}"; head -n 40 "$f"; }
	done
}

same() {
	local options=("$@") i part
	for ((i = 0; i < ${#options[@]}; i++)); do
		[ "${options[i]}" = -- ] && break
	done
	local command=("${options[@]:i + 1}")
	if [ "${command[*]}" != "${same_command-}" ]; then # run alone once for several sets of options
		"${command[@]}" >"$T/native.out" 2>"$T/native.err"
		echo $? >"$T/native.status"
		same_command=${command[*]}
	fi
	paged vmm -q --checksum --audit "${options[@]:0:i}" -- "${command[@]}"
	for part in status out err; do
		cmp -s "$T/native.$part" "$T/vmm.$part" && continue
		show "$T/native.$part" "$T/vmm.$part" "$T/vmm.err"
		fail "$part differs: vmm run ${options[*]}"
	done
	sound "$T/vmm.json"
	echo "same: ${options[*]:0:i}: $(counter "$T/vmm.json" faults) faults, $(counter "$T/vmm.json" evictions) evictions"
}

# same, and the memory was too small: pages were evicted.
same_evicting() {
	same "$@"
	[ "$(counter "$T/vmm.json" evictions)" -gt 0 ] || fail "nothing was evicted, so nothing was tested"
}

# A parent that ends while /proc is read leaves a gap between its children and us: then it is read again.
family() {
	local list try
	for try in 1 2 3 4 5; do
		list=$(family_now "$@") && break
	done
	[ -z "$list" ] || echo "$list"
}

family_now() {
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v root="${REAPER:-$$}" -v name="${1-}" '
		BEGIN { if (name ~ /[*]$/) prefix = substr(name, 1, length(name) - 1) }
		{
			comm = $0; sub(/^[0-9]+ \(/, "", comm); sub(/\)[^)]*$/, "", comm)
			rest = $0; sub(/^.*\) /, "", rest); split(rest, f, " ")
			pid = $1; parent[pid] = f[2]; state[pid] = f[1]; comms[pid] = comm
		}
		END {
			for (pid in parent) {
				for (p = pid; p > 1 && p != root && p in parent; p = parent[p]);
				gap = gap || p > 1 && p != root
				if (p == root && pid != root && state[pid] != "Z" && (name == "" || comms[pid] == name || prefix != "" && index(comms[pid], prefix) == 1))
					print pid | "sort -n"
			}
			exit gap
		}'
}

# wait_for SECONDS COMMAND...: until it succeeds; fails when it does not.
wait_for() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt $end ] || return 1
		sleep 0.01
	done
}

alive() { [ -n "$(family "$1")" ]; }
gone() { [ -z "$(family "$1")" ]; }
state_of() { sed 's/^.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null; }
in_state() { [ "$(state_of "$1")" = "$2" ]; }
