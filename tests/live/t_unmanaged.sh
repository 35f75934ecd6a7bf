# SPDX-License-Identifier: Apache-2.0
# unmanaged_bytes: the report knows how much anonymous memory was outside the paged ranges, and counts nothing of ours.
. "${0%/*}/lib.sh"
outside=$(program outside) || fail "cannot build"
MIB=$((1 << 20))
between() { # LABEL LEAST MOST OPTIONS -- COMMAND
	local label=$1 least=$2 most=$3 got
	shift 3
	paged "$label" "$@"
	[ "$(cat "$T/$label.status")" = 0 ] || { show "$T/$label.err"; fail "$label: exit status $(cat "$T/$label.status")"; }
	sound "$T/$label.json"
	got=$(key "$T/$label.json" unmanaged_bytes)
	[ -n "$got" ] || fail "$label: nothing was measured"
	echo "$label: $got bytes"
	[ "$got" -ge "$least" ] && [ "$got" -le "$most" ] || fail "$label: $got bytes, expected $least to $most"
}
between mapping $((32 * MIB)) $((34 * MIB)) -f 300 --regions heap -- "$outside" mapped 32 250
grep -q 'not paged about 32' "$T/mapping.err" || { show "$T/mapping.err"; fail "the report on stderr does not say it"; }
between heap $((32 * MIB)) $((34 * MIB)) -f 300 --regions anon -- "$outside" heap 32 250
between stack $((4 * MIB)) $((6 * MIB)) -f 300 -- "$outside" stack 4 250
# Without a limit too, and a paged child's as well as its parent's.
between child $((32 * MIB)) $((36 * MIB)) --regions heap -- "$outside" mapped 32 250 fork
# What is paged does not count, whether it fits or not: static data, stacks and the loader's are left.
between fits 4096 $MIB -f 20000 -- "$outside" mapped 32 250
between evicts 4096 $MIB -f 2000 --audit -- "$outside" mapped 32 250
between idle 4096 $MIB -f 20000 -a nru -- "$outside" heap 32 250
# A program that runs natively is not paged at all.
if static=$(special outside-static ../outside.c -static); then
	between native $((32 * MIB)) $((34 * MIB)) -f 300 -- "$static" mapped 32 250
fi
# Over before the first sample: no value, never 0.
paged short -f 300 -- true
[ "$(key "$T/short.json" unmanaged_bytes)" != 0 ] || fail "a value that was not measured is reported as 0"
