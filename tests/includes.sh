#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# includes.sh - includes point downward only: cli -> pager -> core; preload and pager -> preload/protocol.h.
#
# Prints each line that breaks a rule, as FILE:LINE; fails when there is one. Files of ours are included by their path
# from the top ("core/frame.h"), so that the path alone tells.
cd "$(dirname "$0")/.." || exit 1

find core pager preload cli workloads bench -name '*.[chS]' | LC_ALL=C sort | xargs awk '
BEGIN {
	allowed["core"] = "^core/"
	allowed["pager"] = "^(pager/|core/|preload/protocol[.]h$)"
	allowed["preload"] = "^preload/"
	allowed["cli"] = "^(cli|pager|core)/"
	allowed["workloads"] = "^workloads/"
	allowed["bench"] = "^(bench|pager|core)/"
	# The core makes no syscalls, reads no clock, starts no threads: the part of libc that is left, and uthash.
	pure = "^(assert|ctype|errno|inttypes|limits|math|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|" \
		"string|strings|immintrin|uthash|utlist)[.]h$"
	protocol = "^stdint[.]h$"
}
/^[ \t]*#[ \t]*include/ {
	split(FILENAME, part, "/")
	house = part[1]
	name = $0
	sub(/^[^<"]*[<"]/, "", name)
	sub(/[>"].*$/, "", name)
	if ($0 ~ /include[ \t]*"/)
		bad = name !~ allowed[house] || FILENAME == "preload/protocol.h"
	else if (FILENAME == "preload/protocol.h")
		bad = name !~ protocol
	else
		bad = house == "core" && FILENAME !~ /^core\/(trace|replay)\// && name !~ pure
	if (bad) {
		printf "%s:%d: %s may not include %s\n", FILENAME, FNR, house, name
		broken = 1
	}
}
END { exit broken }'
