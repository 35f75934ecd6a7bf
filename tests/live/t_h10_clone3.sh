# SPDX-License-Identifier: Apache-2.0
# H10: clone3 called by the program itself works; its own seccomp listener gets EBUSY, strict mode EINVAL (both documented).
. "${0%/*}/lib.sh"
p=$(program h10_clone3) || fail "cannot build"
for policy in fifo clock; do
	same_evicting -f 200 -a $policy -- "$p" clone3
done
paged filter -q -f 200 -- "$p" filters
[ "$(cat "$T/filter.status")" = 0 ] || { show "$T"/filter.*; fail "exit status"; }
printf '%s\n' 'filter: ok' 'listener: Device or resource busy' 'strict: Invalid argument' 'memory: ok' | cmp - "$T/filter.out" ||
	{ show "$T/filter.out"; fail "seccomp in the program"; }
