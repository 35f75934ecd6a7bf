# SPDX-License-Identifier: Apache-2.0
# What is read ahead live with --exact is what the core would read ahead for the same accesses.
# timeout: 300
. "${0%/*}/exact.sh"
exact_policy clock+seq:4 mix 48 256 600
exact_policy fifo+stride:8 mix 100 600
exact_policy sieve+trend loop 256
grep -q 'ahead [1-9][0-9]* used [1-9]' "$T/live" || fail "nothing was read ahead"
exit 0
