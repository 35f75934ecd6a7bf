# SPDX-License-Identifier: Apache-2.0
# What every apps/NAME.sh may use. Set by ./run:
#   SCALE    full or quick            INPUT    what prepare() made
#   VMM      vmm and its options; empty in a native run
#   FRAMES   frames for the first, second ... program paged in this run; empty: no limit
#   REPORTS  directory for their JSON reports, 1.json, 2.json ...

# paged PROGRAM [ARG...]: runs a program, under vmm unless the run is native.
paged() {
	local n=1 frames
	[ -n "$VMM" ] || { "$@"; return; }
	until (set -C; : > "$REPORTS/$n.json") 2> /dev/null; do n=$((n + 1)); done
	frames=($FRAMES)
	$VMM ${frames[n - 1]:+-f ${frames[n - 1]}} --json "$REPORTS/$n.json" -- "$@"
}

# full_or_quick A B: A at full scale, B in a quick run.
full_or_quick() { [ "$SCALE" = full ] && echo "$1" || echo "$2"; }

# wait_until COMMAND...: until it succeeds, at most five minutes.
wait_until() {
	local i
	for ((i = 0; i < 6000; i++)); do
		"$@" > /dev/null 2>&1 && return
		sleep 0.05
	done
	echo "gave up waiting for: $*"
	return 1
}
