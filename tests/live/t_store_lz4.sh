# SPDX-License-Identifier: Apache-2.0
# Programs in a quarter of their memory, evicted pages compressed; and what the report says of it.
# timeout: 300
. "${0%/*}/lib.sh"
. "${0%/*}/stores.sh"
paged built -q -f 300 --store lz4 -- true
grep -q 'not built in' "$T/built.err" && skip "lz4 is not built in"
on_store lz4
# Zeros and other words take no memory, text takes less than it is.
paged zeros -f 400 --store lz4 -- python3 -c '
zeros, text = bytearray(8 << 20), bytearray(b"some words that come again " * 100000)
for i in range(0, len(zeros), 4096):
    zeros[i:i + 4096] = b"x" * 4096
for i in range(0, len(text), 4096):
    text[i] ^= 1
print(sum(zeros[::4096]), sum(text[::4096]))'
[ "$(key "$T/zeros.json" same_filled_pages)" -gt 1500 ] || { show "$T/zeros.err"; fail "same-filled pages are not found"; }
[ "$(key "$T/zeros.json" memory_peak_bytes)" -lt $(($(key "$T/zeros.json" stored_peak_bytes) / 3)) ] ||
	{ show "$T/zeros.err"; fail "nothing was saved"; }
grep -q '  store       lz4: .* to 1; pages same-filled [1-9]' "$T/zeros.err" || { show "$T/zeros.err"; fail "the report does not say what was saved"; }
# Noise that fits the limit in no way.
random=$BIN/bench/random_fault
paged limit -f 300 --store lz4 --store-limit 4M -- "$random" -m 32 -n 1000
[ "$(cat "$T/limit.status")" != 0 ] || fail "--store-limit did not stop the run"
grep -q 'store: the limit of --store-limit is reached' "$T/limit.err" || { show "$T/limit.err"; fail "--store-limit: no message"; }
