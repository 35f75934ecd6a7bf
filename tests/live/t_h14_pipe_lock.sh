# SPDX-License-Identifier: Apache-2.0
# H14: the program writes from evicted memory into a full pipe, and vmm writes its messages into the same one.
. "${0%/*}/lib.sh"
p=$(program h14_pipe) || fail "cannot build"
"$p" >"$T/native" || fail "h14_pipe fails alone"
for policy in fifo clock; do
	timeout -s KILL 60 "$VMM" run -v -f 200 -a $policy -- "$p" 2>&1 |
		while sleep 0.02; do dd bs=256k count=1 of="$T/part" 2>"$T/dd"; [ -s "$T/part" ] || break; cat "$T/part"; done >"$T/out"
	grep -a '^h14 ' "$T/out" | cmp - "$T/native" || fail "$policy: what came through the pipe"
	grep -aq '^vmm: ' "$T/out" || fail "no report in the pipe"
done
