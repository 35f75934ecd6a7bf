# SPDX-License-Identifier: Apache-2.0
# H7: other ways into the address space: process_madvise, remap_file_pages, shmat over memory, a userfaultfd of the
# program's own, and io_uring, which is refused with EPERM and reported (until a later issue handles its EVENT_REMOVE).
. "${0%/*}/lib.sh"
p=$(program h07_back_doors) syscalls=$(workload syscalls) || fail "cannot build"
for policy in fifo clock; do
	same_evicting -f 300 -a $policy -- "$p"
done
paged uring -f 300 -- "$syscalls" -b 400 uring
[ "$(cat "$T/uring.status")" = 0 ] || { show "$T/uring.err"; fail "exit status"; }
grep -q 'io_uring_setup: Operation not permitted' "$T/uring.out" || { show "$T/uring.out"; fail "io_uring_setup is not refused"; }
grep -q io_uring "$T/uring.err" || { show "$T/uring.err"; fail "the report does not mention io_uring"; }
grep -q io_uring "$T/uring.json" || fail "nor does the JSON report"
