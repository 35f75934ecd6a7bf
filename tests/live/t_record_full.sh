# SPDX-License-Identifier: Apache-2.0
# A full disk ends the trace, not the program: its output and status are its own, a message says so, and what was written can be read.
. "${0%/*}/lib.sh"
toucher=$(workload toucher) || fail "cannot build"
"$toucher" -p 1024 -n 300000 -k uniform -s 3 >"$T/native" || fail "the toucher fails alone"

# full NAME FILE PREFIX...: the recording does not fit where FILE is.
full() {
	local name=$1 file=$2
	shift 2
	"$@" "$VMM" record -q -o "$file" --window 16 --regions 'anon>=1M' --json "$T/$name.json" -- \
		"$toucher" -p 1024 -n 300000 -k uniform -s 3 >"$T/out" 2>"$T/err" || { show "$T/err"; fail "$name: exit status $?"; }
	cmp "$T/native" "$T/out" || fail "$name: output"
	grep -q 'the trace ends early' "$T/err" || { show "$T/err"; fail "$name: no message"; }
	flat "$T/$name.json" | grep -q '"complete":false' || fail "$name: JSON says that the trace is complete"
}
readable() { # FILE
	refs=$("$VMM" trace info "$1" 2>"$T/info.err" | awk '$1 == "references" { print $2 }')
	[ "${refs:-0}" -gt 1000 ] || { show "$T/info.err"; fail "$1: ${refs:-no} references can be read"; }
	grep -q 'ends' "$T/info.err" || fail "$1: the reader does not say that it is cut"
	echo "$1: $refs references"
}

full limit "$T/limit.vmt" bash -c 'ulimit -f 400; exec "$@"' limit
readable "$T/limit.vmt"
[ "$(id -u)" = 0 ] || exit 0
mkdir "$T/small"
unshare -m true 2>"$T/null" || exit 0
export -f full readable fail show flat
export T VMM toucher
unshare -m bash -c 'mount -t tmpfs -o size=400k none "$T/small" && full disk "$T/small/disk.vmt" env && cp "$T/small/disk.vmt" "$T"' || fail "disk"
readable "$T/disk.vmt"
grep -q 'No space left' "$T/err" || { show "$T/err"; fail "the message does not say why"; }
