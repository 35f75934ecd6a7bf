# SPDX-License-Identifier: Apache-2.0
# A store that fails or gives wrong bytes stops the run with a message; one that is slow does no harm.
# timeout: 120
. "${0%/*}/lib.sh"
random=$BIN/bench/random_fault
broken() { # PATTERN FAULTS OPTIONS...
	local pattern=$1 store=faulty:$2:mem
	shift 2
	paged broken -f 500 "$@" --store "$store" -- "$random" -m 8 -n 20000 -b
	[ "$(cat "$T/broken.status")" != 0 ] || fail "$store: the run went on"
	grep -q "$pattern" "$T/broken.err" || { show "$T/broken.err"; fail "$store: no '$pattern' in the message"; }
	grep -q 'random_fault: page' "$T/broken.err" && fail "$store: the program saw it"
	flat "$T/broken.json" | grep -q '"fatal":"store:' || fail "$store: the report does not say why"
}
broken 'came back with other content' read-flip@300 --checksum
broken 'came back with other content' write-flip@300 --checksum --exact
broken 'cannot be read back: Input/output error' read-fail@300
broken 'cannot be written: Input/output error' write-fail@300
broken 'limit of --store-limit is reached' write-full@300
same_evicting -f 500 --store faulty:read-delay@5,write-delay@7,read-delay@1000:mem -- "$(workload toucher)" -p 2000 -n 8000
# A slower device: every read and every write takes its time, at least.
paged slow -f 500 --checksum --latency-us 200 --store mem -- "$random" -m 4 -n 2000 -b
[ "$(cat "$T/slow.status")" = 0 ] || { show "$T/slow.err"; fail "--latency-us"; }
for call in read write; do
	times=$(flat "$T/slow.json" | grep -o "\"${call}_ns\":{\"count\":[0-9]*,\"mean\":[0-9]*") || fail "no times of ${call}s"
	[ "${times##*:}" -ge 200000 ] || fail "a $call took less than --latency-us: $times"
done
grep -q '  store time  read mean .* us, .*; write mean' "$T/slow.err" || { show "$T/slow.err"; fail "the report has no times"; }
