# SPDX-License-Identifier: Apache-2.0
# H11: others who look into a paged process: process_vm_readv works, /proc/PID/mem and ptrace give the right byte or an error, never a
# zero. `vmm fault-in` and the warning about cores come with a later issue.
. "${0%/*}/lib.sh"
p=$(program h11_debug) || fail "cannot build"
for policy in fifo clock; do
	same_evicting -f 300 -a $policy -- "$p"
done
