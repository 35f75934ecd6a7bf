# SPDX-License-Identifier: Apache-2.0
# The exactness tests would be void if all policies did the same: on zipf, clock and fifo must count differently.
# timeout: 300
. "${0%/*}/exact.sh"
exact_policy fifo zipf 128
exact_policy clock zipf 128
exact_policy sieve zipf 128
cmp -s "$T/live.fifo.zipf" "$T/live.clock.zipf" && fail "clock and fifo are equal on zipf"
cmp -s "$T/live.sieve.zipf" "$T/live.clock.zipf" && fail "clock and sieve are equal on zipf"
exit 0
