#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# fault.sh - what one major fault costs: `make bench-fault`; what a page of a sequential scan costs: `make bench-scan`.
#
# The program is bench/random_fault.c: uniformly random accesses, half of them writes, to BENCH_MB mebibytes in an eighth as
# many frames. ns a fault = time of its second phase / faults that read a page back in that phase; nothing is subtracted.
#
#   echo         the bare userfaultfd echo (bench/uffd_echo.c) on one CPU: read, UFFDIO_COPY, wake; no eviction
#   vmm POLICY   vmm run -f FRAMES -a POLICY, default options (batched); with --exact where it says so
#   zram, loop   the kernel's swap under a memory control group: lzo-rle zram, and a loop device over tmpfs (uncompressed). The
#                limit is adjusted until as many pages of the region are resident (pagemap) as vmm has frames.
#
# Rounds are interleaved: one of each side, then again; medians are shown. CPU time is that of all processes of a side (for
# vmm with the pager) for the whole program; "machine" is all that the machine did meanwhile, so with kernel threads.
# Memory: most that the side's control group held, and what evicted pages took at most: vmm's pager process with all it has,
# zram's own count, the loop device's used part. Of vmm's resident pages those with a cleared reference bit are not
# mapped (their frames are kept by the pager), so fewer than FRAMES are seen in pagemap under clock.
#
# BENCH_STEP=N: not random, but each access N pages after the one before (1: a scan), all reads. Then sides can prefetch,
# as vmm-fifo+seq:16, the kernel's read ahead as it is configured (vm.page-cluster), and ns/access is what counts.
#
# Environment: BENCH_STEP, BENCH_ROUNDS (3), BENCH_MB (256), BENCH_ACCESSES (300000), BENCH_SIDES (a list of the names below), BENCH_TIMEOUT
# (seconds for one program of one side, 120), BENCH_CHECK=1: exit status 1 when a limit of the project is broken. Results also go to bench/results/fault.json and .txt, or scan.json.
set -u
cd "$(dirname "$0")/.." || exit 1
. bench/cgroup.sh
. bench/kernel_swap.sh
BIN=${BIN:-bin}
ROUNDS=${BENCH_ROUNDS:-3} MB=${BENCH_MB:-256} ACCESSES=${BENCH_ACCESSES:-300000}
FRAMES=$((MB * 256 / 8)) TIMEOUT=${BENCH_TIMEOUT:-120}
STEP=${BENCH_STEP-}
PATTERN=${STEP:+-o $STEP -w 0} READS=faults_major NAME=fault WHAT='random, half of them writes'
SIDES=${BENCH_SIDES:-echo vmm-fifo vmm-clock exact-fifo exact-clock zram loop}
[ -z "$STEP" ] || READS=store_reads NAME=scan WHAT="reads, $STEP pages from one to the next"
[ -z "$STEP" ] || SIDES=${BENCH_SIDES:-echo vmm-fifo vmm-fifo+seq:8 vmm-fifo+seq:32 vmm-fifo+trend vmm-clock+seq:32 zram loop}
ECHO_LIMIT_BATCHED=1.8 ECHO_LIMIT_EXACT=2.5 SCAN_LIMIT=0.5
LIMIT_zram='' LIMIT_loop=''

[ "$MB" -ge 8 ] || { echo "fault.sh: BENCH_MB: at least 8"; exit 2; }
for program in bench/uffd_echo bench/random_fault vmm; do
	[ -x "$BIN/$program" ] || { echo "fault.sh: $BIN/$program is not there: run make"; exit 1; }
done
work=$(mktemp -d)
cleanup() {
	trap '' INT TERM HUP
	kill $(jobs -p) 2>/dev/null
	cg_restore
	swap_end
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
cg_available >"$work/why" || echo "no control groups: $(cat "$work/why"); CPU time and memory are not measured"

number() { grep -o "\"$2\": *[0-9.]*" "$1" | head -n 1 | grep -o '[0-9.]*$'; }
# A counter of vmm's report: of the whole run, which comes before those of single processes.
counter() { tr -d ' \n\t' <"$1" | grep -o '"counters":{[^}]*}' | head -n 1 | grep -o "\"$2\":[0-9]*" | cut -d: -f2; }
busy_ns() { awk -v hz="$(getconf CLK_TCK)" '/^cpu / { printf "%.0f", ($2 + $3 + $4 + $7 + $8) * 1e9 / hz; exit }' /proc/stat; }
note() { echo "fault.sh: $*" >&2; }

# The store's size, sampled while the group runs, into $work/store: most memory of the pager, or most of the swap device in use.
watch_store() {
	local pid comm key value rest most=0
	while sleep 0.3; do
		while read -r key rest rest value rest; do
			[ "$key" = "${SWAP_DEVICE:--}" ] && [ "$value" -gt $most ] && most=$value
		done </proc/swaps
		while read -r pid; do
			read -r comm 2>/dev/null <"/proc/$pid/comm" || continue
			[ "$comm" = vmm-pager ] || continue
			while read -r key value rest; do
				[ "$key" != VmHWM: ] || [ "$value" -le $most ] || most=$value
			done 2>/dev/null <"/proc/$pid/status"
		done 2>/dev/null <"$CG_MEMORY/cgroup.procs"
		echo $((most * 1024)) >"$work/store"
	done
}

# measure LIMIT COMMAND...: output in $work/out, and cpu, machine, peak.
measure() {
	local limit=$1 status before
	shift
	cg_begin "$limit" || return 1
	rm -f "$work/store"
	before=$(busy_ns)
	(cg_exec timeout --foreground -s KILL "$TIMEOUT" "$@") >"$work/out" 2>"$work/err" &
	local child=$! watcher=''
	if [ -n "$CG_VERSION" ]; then
		watch_store &
		watcher=$!
	fi
	wait $child
	status=$?
	machine=$(($(busy_ns) - before))
	cpu=$(cg_cpu_ns) peak=$(cg_peak_bytes)
	[ -z "$watcher" ] || { kill $watcher; wait $watcher; } 2>/dev/null
	cg_end
	[ $status = 0 ] || { note "failed ($status): $*"; head -n 5 "$work/err" >&2; }
	return $status
}

# row SIDE NS_FAULT FAULTS NS_ACCESS RESIDENT SOFT STORE_BYTES
row() { echo "$1 $2 $3 $4 $5 $6 ${cpu:--1} ${machine:--1} ${peak:--1} ${7:--1}" >>"$work/rows"; }

side_echo() {
	measure '' "$BIN/bench/uffd_echo" "$MB" 3 || return 1
	cpu='' machine='' peak='' # of another number of faults
	row echo "$(number "$work/out" ns_fault)" "$(number "$work/out" pages)" 0 -1 -1 -1
}

side_vmm() { # SIDE POLICY [OPTION]
	local side=$1 policy=$2 faults ns
	shift 2
	measure '' "$BIN/vmm" run -q -f $FRAMES -a "$policy" "$@" --json "$work/json" -- \
		"$BIN/bench/random_fault" -m "$MB" -n "$ACCESSES" $PATTERN || return 1
	faults=$(counter "$work/json" $READS) ns=$(number "$work/out" elapsed_ns)
	[ "${faults:-0}" -gt $((ACCESSES / 2)) ] || { note "$side: only ${faults:-no} faults: is the region paged?"; return 1; }
	row "$side" $((ns / faults)) "$faults" "$(number "$work/out" ns_access)" "$(number "$work/out" resident)" \
		"$(counter "$work/json" faults_soft)" "$(cat "$work/store" 2>/dev/null)"
}

# The limit at which the region has FRAMES resident pages, within one percent, at the end of a short run.
calibrate() {
	local kind=$1 limit=$((FRAMES * 4096 + 2097152)) try resident=''
	for ((try = 0; try < 8; try++)); do
		# A killed program had too little beside the region for once: some more, and again.
		measure $limit "$BIN/bench/random_fault" -m "$MB" -n $((ACCESSES / 3)) $PATTERN || { limit=$((limit + 1048576)); continue; }
		resident=$(number "$work/out" resident)
		[ $(((resident - FRAMES) * 100)) -le $FRAMES ] && [ $(((FRAMES - resident) * 100)) -le $FRAMES ] && break
		limit=$((limit + (FRAMES - resident) * 4096))
		[ $limit -gt 1048576 ] || return 1
	done
	[ -n "$resident" ] && declare -g "LIMIT_$kind=$limit"
}

side_swap() {
	local kind=$1 limit=LIMIT_$1 faults ns
	swap_begin "$kind" $((MB + 64)) || { swap_end; note "$kind: the device cannot be set up"; return 1; }
	if [ -z "${!limit}" ]; then
		calibrate "$kind" || { swap_end; return 1; }
	fi
	swap_reset_used
	# The kernel may kill a group whose pages it cannot write fast enough; `resident` shows what a larger limit gave.
	local try
	for ((try = 0; try < 4; try++)); do
		measure "${!limit}" "$BIN/bench/random_fault" -m "$MB" -n "$ACCESSES" $PATTERN && break
		declare -g "$limit=$((${!limit} + 524288))"
	done
	[ $try -lt 4 ] || { swap_end; return 1; }
	faults=$(number "$work/out" majflt) ns=$(number "$work/out" elapsed_ns)
	if [ "${faults:-0}" -gt 0 ]; then
		row "$kind" $((ns / faults)) "$faults" "$(number "$work/out" ns_access)" "$(number "$work/out" resident)" -1 \
			"$(swap_used_bytes || cat "$work/store")"
	fi
	swap_end
}

skipped=''
sides=''
for side in $SIDES; do
	case $side in
	zram | loop)
		why=$(cg_available) && why=$(swap_available $side) || { skipped+="$side: skipped: $why"$'\n'; continue; }
		;;
	esac
	sides+=" $side"
done

for ((round = 1; round <= ROUNDS; round++)); do
	for side in $sides; do
		[ ! -t 2 ] || printf '\rround %d of %d: %-12s' $round "$ROUNDS" $side >&2
		case $side in
		echo) side_echo ;;
		vmm-*+*) policy=${side%%+*} && side_vmm $side "${policy#vmm-}" --prefetch "${side#*+}" ;;
		vmm-*) side_vmm $side "${side#vmm-}" ;;
		exact-*) side_vmm $side "${side#exact-}" --exact ;;
		zram | loop) side_swap $side ;;
		*) note "BENCH_SIDES: no side $side"; exit 2 ;;
		esac || { skipped+="$side: failed in round $round"$'\n'; failed=1; }
	done
done
[ ! -t 2 ] || printf '\r%40s\r' '' >&2
touch "$work/rows"

# rows -> medians -> table and JSON
mkdir -p bench/results
awk -v sides="$sides" -v frames=$FRAMES -v mb="$MB" -v accesses="$ACCESSES" -v rounds="$ROUNDS" -v json="bench/results/$NAME.json" -v what="$WHAT" -v name=$NAME \
	-v kernel="$(uname -r)" -v cpus="$(nproc)" -v model="$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" '
	function median(side, column,   n, i, j, t, v) {
		n = count[side]
		for (i = 1; i <= n; i++) v[i] = value[side, i, column]
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
		return n ? v[int((n + 1) / 2)] : -1
	}
	function shown(x, scale, format) { return x < 0 ? "-" : sprintf(format, x / scale) }
	{ n = ++count[$1]; for (i = 2; i <= NF; i++) value[$1, n, i] = $i }
	END {
		printf "%d MiB in %d frames, %d accesses, %s; medians of %d rounds\n\n", mb, frames, accesses, what, rounds
		printf "%-16s %9s %7s %9s %9s %9s %7s %9s %9s %9s\n", "", "ns/fault", "x echo", "faults", "ns/access", "resident", "CPU s", "machine s", "peak MiB", "store MiB"
		printf "{\"bench\":\"%s\",\"mb\":%d,\"frames\":%d,\"accesses\":%d,\"rounds\":%d,\"kernel\":\"%s\",\"cpu\":\"%s\",\"cpus\":%d,\"sides\":[", name, mb, frames, accesses, rounds, kernel, model, cpus >json
		n = split(sides, list, " ")
		base = median("echo", 2)
		split("ns_fault faults ns_access resident faults_soft cpu_ns machine_ns peak_bytes store_bytes", names, " ")
		first = 1
		for (s = 1; s <= n; s++) {
			side = list[s]
			if (!count[side]) continue
			ratio = base > 0 ? median(side, 2) / base : -1
			printf "%-16s %9s %7s %9s %9s %9s %7s %9s %9s %9s\n", side, shown(median(side, 2), 1, "%d"), shown(ratio, 1, "%.2f"), shown(median(side, 3), 1, "%d"), side == "echo" ? "-" : shown(median(side, 4), 1, "%d"), shown(median(side, 5), 1, "%d"), shown(median(side, 7), 1e9, "%.2f"), shown(median(side, 8), 1e9, "%.2f"), shown(median(side, 9), 1048576, "%.1f"), shown(median(side, 10), 1048576, "%.1f")
			printf "%s\n {\"side\":\"%s\"", (first ? "" : ","), side >json
			first = 0
			if (ratio >= 0) printf ",\"echo_ratio\":%.3f", ratio >json
			for (c = 2; c <= 10; c++)
				if (median(side, c) >= 0) printf ",\"%s\":%.0f", names[c - 1], median(side, c) >json
			printf ",\"ns_fault_rounds\":[" >json
			for (i = 1; i <= count[side]; i++) printf "%s%d", (i > 1 ? "," : ""), value[side, i, 2] >json
			printf "]}" >json
		}
		printf "\n]}\n" >json
	}' "$work/rows" | tee bench/results/$NAME.txt
[ -z "$skipped" ] || printf '\n%s' "$skipped" | tee -a bench/results/$NAME.txt

# The limits of the project, and whether the kernel is faster.
awk -v batched=$ECHO_LIMIT_BATCHED -v exact=$ECHO_LIMIT_EXACT -v scan=$SCAN_LIMIT -v step="$STEP" '
	step && $1 ~ /[+]/ { ahead[$1] = $5 }
	step && /^(zram|loop) / && (!kernel || $5 < kernel) { kernel = $5 }
	step { next }
	$1 == "echo" { echo = $2 }
	/^(vmm|exact)-/ && echo > 0 {
		limit = /^exact/ ? exact : batched
		printf "%s: %.2f times the echo, at most %.1f wanted: %s\n", $1, $2 / echo, limit, $2 <= limit * echo ? "ok" : "TOO SLOW"
		bad += $2 > limit * echo
		if ($1 == "vmm-clock") ours = $2
	}
	/^(zram|loop) / && $2 > 0 { if (!kernel || $2 < kernel) kernel = $2 }
	END {
		for (side in ahead) {
			if (!kernel) break
			printf "%s: %.2f times the faster kernel swap, at most %.1f wanted: %s\n", side, ahead[side] / kernel, scan, ahead[side] <= scan * kernel ? "ok" : "TOO SLOW"
			if (!best || ahead[side] < best) best = ahead[side]
		}
		if (step) exit best > scan * kernel
		if (ours && kernel) printf "vmm-clock takes %.2f times the faster kernel swap\n", ours / kernel
		exit bad > 0
	}' bench/results/$NAME.txt >"$work/verdict"
status=$?
echo
tee -a bench/results/$NAME.txt <"$work/verdict"
[ -z "${failed-}" ] || exit 1
[ -z "${BENCH_CHECK-}" ] || exit $status
