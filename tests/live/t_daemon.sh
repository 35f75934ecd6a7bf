# SPDX-License-Identifier: Apache-2.0
# A program that becomes a daemon: vmm ends with its status at once, the pager stays until the daemon has ended.
. "${0%/*}/lib.sh"
daemon=$(program daemonize) || fail "cannot build"
begin=${EPOCHREALTIME/./}
"$VMM" run -q -f 300 -a clock -- "$daemon" "$T/result" 3000 >"$T/out" 2>"$T/err"
status=$?
took=$(((${EPOCHREALTIME/./} - begin) / 1000))
[ $status = 3 ] || { show "$T/err"; fail "exit status $status, expected 3"; }
[ $took -lt 2500 ] || fail "vmm waited $took ms for the daemon"
alive daemonize || fail "the daemon is gone already"
alive vmm-pager || fail "the pager did not stay with the daemon"
wait_for 15 gone daemonize || fail "the daemon does not end"
wait_for 2 gone 'vmm*' || fail "the pager outlives the last paged process"
[ "$(cat "$T/result")" = "memory: ok" ] || { show "$T/result"; fail "the daemon found wrong memory"; }
