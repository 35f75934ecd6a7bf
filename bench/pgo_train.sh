#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# pgo_train.sh VMM - what a profile-guided build is trained with: traces of several kinds are generated, written, read and
# replayed by one thread, under every policy that the fast engine can: one that it cannot would take them all to the full model.
vmm=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
all=$("$vmm" policies | awk 'NR > 1 && !NF { exit } NR > 1 && $1 !~ /^(ws|wsclock|vmin)$/ { printf "%s%s", sep, $1; sep = "," }')
for type in zipf phased random; do
	"$vmm" gen -t $type -n 500000 -a 50000 -p 1 -o "$work/$type.vmt" &&
		"$vmm" sim -q --jobs 1 -t "$work/$type.vmt" -f 500,5000 -a "$all" --csv "$work/csv" || exit 1
done
"$vmm" trace cat "$work/zipf.vmt" >"$work/zipf.txt" && "$vmm" trace convert -o "$work/back.vmt" "$work/zipf.txt" &&
	"$vmm" mrc -q -t "$work/zipf.txt" -a lru,opt --csv "$work/csv"
