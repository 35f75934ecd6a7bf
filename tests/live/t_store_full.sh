# SPDX-License-Identifier: Apache-2.0
# A full disk loses nothing: what it does not take stays in memory and the report says so; with that full too the run is stopped.
# timeout: 200
. "${0%/*}/lib.sh"
random=$BIN/bench/random_fault
mkdir "$T/disk"
"$VMM" run -q -f 300 --store "file:$T/disk" -- true 2>"$T/err" || skip "$(head -n 1 "$T/err")"
unshare -m true 2>"$T/err" || skip "no mount namespace: $(head -n 1 "$T/err")"
export VMM T random
# A disk of 4 MiB and some 30 MiB to store.
unshare -m bash -c '
	mount -t tmpfs -o size=4m tmpfs "$T/disk" || exit 77
	"$VMM" run -f 500 --checksum --audit --store "file:$T/disk" --json "$T/full.json" -- "$random" -m 32 -n 20000 -b >"$T/full.out" 2>"$T/full.err"
	echo $? >"$T/full.status"
	"$VMM" run -f 500 --store "file:$T/disk" --store-limit 8M --json "$T/stop.json" -- "$random" -m 32 -n 20000 -b >"$T/stop.out" 2>"$T/stop.err"
	echo $? >"$T/stop.status"
	"$VMM" run -f 300 --checksum --store "file:$T/disk" --json "$T/fits.json" -- "$random" -m 3 -n 20000 -b >"$T/fits.out" 2>"$T/fits.err"
	echo $? >"$T/fits.status"' || skip "no tmpfs can be mounted"
[ "$(cat "$T/full.status")" = 0 ] || { show "$T/full.err"; fail "a full disk"; }
sound "$T/full.json"
[ "$(key "$T/full.json" kept_pages_peak)" -gt 5000 ] || { show "$T/full.err"; fail "the report does not say what stayed in memory"; }
grep -q 'the disk took no more (No space left on device): at most [0-9]* pages waited in memory' "$T/full.err" ||
	{ show "$T/full.err"; fail "no line about the full disk"; }
[ "$(cat "$T/stop.status")" != 0 ] || fail "disk and memory are full, and the run was not stopped"
grep -q 'store: No space left on device, and the memory of --store-limit is full as well' "$T/stop.err" || { show "$T/stop.err"; fail "no message"; }
[ "$(cat "$T/fits.status")" = 0 ] && ! flat "$T/fits.json" | grep -q '"error"' || { show "$T/fits.err"; fail "what fits the disk"; }
