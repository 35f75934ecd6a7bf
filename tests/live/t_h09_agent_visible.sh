# SPDX-License-Identifier: Apache-2.0
# H9: the agent is one more thread: unshare, setns, set*id, TSYNC filters and the exit of the last thread of the program work all the same.
. "${0%/*}/lib.sh"
p=$(program h09_agent) || fail "cannot build"
for what in unshare setns setuid tsync raw-exit pthread-exit thread-ends-last exec-thread clone-vm; do
	same_evicting -f 200 -a fifo -- "$p" $what
	same_evicting -f 200 -a clock -- "$p" $what
done
