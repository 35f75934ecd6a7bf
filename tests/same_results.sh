#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# same_results.sh VMM OTHER - two builds of vmm report the same: synthetic traces byte for byte, every policy's counts on them at
# small and large sizes, by both engines, curves, and a trace that was converted there and back.
[ $# = 2 ] || { echo "usage: same_results.sh VMM OTHER"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fast=$("$1" policies | awk 'NR > 1 && !NF { exit } NR > 1 && $1 !~ /^(ws|wsclock|vmin)$/ { printf "%s%s", sep, $1; sep = "," }')
status=0 checked=0

# both NAME ARGUMENTS...: the same on stdout, @ standing for a directory of its own.
both() {
	local name=$1 side
	shift
	for side in 1 2; do
		mkdir -p "$work/$side"
		"${vmm[$side]}" "${@//@/$work/$side}" >"$work/out$side" 2>"$work/err$side" || { echo "$name: ${vmm[$side]}: $(head -n 1 "$work/err$side")"; status=1; }
		sed -i "s|$work/$side||g" "$work/out$side"
	done
	cmp "$work/out1" "$work/out2" >"$work/differs" || { echo "$name: $(cat "$work/differs")"; status=1; }
	checked=$((checked + 1))
}
vmm=(- "$1" "$2")
for type in zipf phased loop random working_set; do
	both "gen $type" gen -t $type -n 60000 -a 3000 --writes 20 -o @/$type.vmt
	cmp "$work/1/$type.vmt" "$work/2/$type.vmt" || status=1
	for engine in "-a $fast" "--model -a $fast,ws,wsclock,vmin"; do # the three are beyond the fast one
		for side in 1 2; do # runtime_ms is a time
			"${vmm[$side]}" sim -q -t "$work/$side/$type.vmt" -f 1,7,100,2000 $engine --csv - 2>/dev/null | cut -d, -f1-15,17- >"$work/csv$side"
		done
		[ "$(wc -l <"$work/csv1")" -gt 100 ] || { echo "sim $type $engine: $(wc -l <"$work/csv1") rows"; status=1; }
		cmp "$work/csv1" "$work/csv2" || status=1
	done
	both "mrc $type" mrc -q -t @/$type.vmt -a lru,sieve --points 12 --csv -
	both "trace $type" trace cat @/$type.vmt
done
echo "same_results: $checked comparisons, $(wc -l <"$work/csv1") rows of each trace: $([ $status = 0 ] && echo equal || echo 'NOT equal')"
exit $status
