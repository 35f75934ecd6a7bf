# SPDX-License-Identifier: Apache-2.0
# H4: no argument of a system call is a secret sign: any file offset, any sixth argument gives what it gives natively.
. "${0%/*}/lib.sh"
p=$(program h04_gate) || fail "cannot build"
for policy in fifo clock; do
	same_evicting -f 300 -a $policy -- "$p" "$T"
done
