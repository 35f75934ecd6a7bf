# SPDX-License-Identifier: Apache-2.0
# A program that closes every descriptor, and one that closes all but its own and goes on forking.
. "${0%/*}/lib.sh"
p=$(program close_fds) || fail "cannot build"
for policy in fifo clock; do
	same_evicting -f 300 -a $policy -- "$p" range
	same_evicting -f 300 -a $policy -- "$p" each
	same_evicting -f 300 -a $policy -- "$p" reuse
done
