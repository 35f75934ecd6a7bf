# SPDX-License-Identifier: Apache-2.0
# A program that calls setrlimit: what it may then do is the same, and its memory is right.
. "${0%/*}/lib.sh"
p=$(program limits) || fail "cannot build"
for policy in fifo clock; do
	for what in nofile as data stack fsize cpu core; do
		same_evicting -f 300 -a $policy -- "$p" $what
	done
done
