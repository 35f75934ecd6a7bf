# SPDX-License-Identifier: Apache-2.0
# An ordinary user: paged where /dev/userfaultfd may be opened, forks included; one clear line where it may not.
# The device is opened to the user in a mount namespace of the test's own: nothing on the system changes.
# timeout: 300
. "${0%/*}/lib.sh"
[ "$(id -u)" = 0 ] || skip "only root can become another user"
[ -c /dev/userfaultfd ] || skip "this machine has no /dev/userfaultfd"
command -v setpriv >/dev/null && command -v unshare >/dev/null || skip "util-linux is not there"
forker=$(workload forker) || fail "cannot build"
T=$(mktemp -d /tmp/vmm-live-XXXXXX) # where any user may go
trap 'rm -rf "$T"' EXIT
chmod 777 "$T"
mkdir "$T/bin" "$T/dev"
cp "$VMM" "${VMM%/*}/libvmm_preload.so" "$forker" "$T/bin/"
forker=$T/bin/forker
read -r major minor < <(stat -c '0x%t 0x%T' /dev/userfaultfd)
user='setpriv --reuid=65534 --regid=65534 --clear-groups'
wrapper() { # NAME MODE VMM: runs VMM as the user, with a device of that mode
	cat >"$T/$1" <<-END
		#!/bin/bash
		exec unshare -m --propagation private bash -c '
			mount -t tmpfs none $T/dev && mknod $T/dev/u c $major $minor && chmod $2 $T/dev/u &&
			mount --bind $T/dev/u /dev/userfaultfd && cd / && exec $user $3 "\$@"' vmm "\$@"
	END
	chmod 755 "$T/$1"
}
wrapper open 666 "$T/bin/vmm"
wrapper closed 600 "$T/bin/vmm"
wrapper try 666 test
"$T/try" -r /dev/userfaultfd -a -w /dev/userfaultfd || skip "no private /dev here"

# Not permitted.
if [ "$(cat /proc/sys/vm/unprivileged_userfaultfd)" = 0 ]; then
	"$T/closed" run -f 300 -- touch "$T/ran" >"$T/out" 2>"$T/err"
	status=$?
	[ $status = 125 ] || { show "$T/err"; fail "no permission: exit status $status, expected 125"; }
	[ ! -e "$T/ran" ] || fail "no permission: the program ran"
	[ ! -s "$T/out" ] && [ "$(grep -c '^vmm: ' "$T/err")" = 1 ] && [ "$(wc -l <"$T/err")" -le 2 ] ||
		{ show "$T/out" "$T/err"; fail "no permission: not one line and what to do"; }
	grep -q '^vmm: run: .*userfaultfd' "$T/err" || { show "$T/err"; fail "no permission: the message"; }
	"$T/closed" doctor >"$T/doctor" 2>&1 && fail "vmm doctor finds nothing missing"
	grep -q 'MISSING.*userfaultfd' "$T/doctor" || { show "$T/doctor"; fail "vmm doctor"; }
fi

# Permitted.
VMM=$T/open
"$VMM" doctor >"$T/doctor" 2>&1 || { show "$T/doctor"; fail "vmm doctor finds something missing"; }
paged_all() { # every process was paged
	grep -q '"paged": false' "$T/vmm.json" && { show "$T/vmm.json"; fail "not paged: $(grep -m 1 '"reason": "[^"]' "$T/vmm.json")"; }
}
same_evicting -f 200 -a clock -- python3 -c 'print(sum(len(str(i)) for i in range(100000)))'
paged_all
same_evicting -f 300 -a fifo -- python3 -c '
import os
data = [bytes([i % 251]) * 4000 for i in range(600)]
for child in range(3):
    if os.fork() == 0:
        good = all(d == bytes([i % 251]) * 4000 for i, d in enumerate(data))
        data = [d + b"x" for d in data]
        os._exit(0 if good and all(len(d) == 4001 for d in data) else 1)
    print(os.wait()[1], sum(map(len, data)))'
paged_all
same_evicting -f 500 -a clock -- "$forker" -p 800 -r 3
same_evicting -f 500 -a sieve -- "$forker" -p 800 -r 3 -S 700 sequential parallel threads
same_evicting --exact -f 500 -a fifo -- "$forker" -p 800 -r 1 sequential threads nested
[ "$(key "$T/vmm.json" cow_frames)" -gt 0 ] || fail "relatives without a fork event were not seen"
grep -q 'forks: without CAP_SYS_PTRACE' "$T/vmm.json" || fail "the report does not say what a fork costs this user"
# A file that may be executed but not read closes the process's memory: it runs natively, and the report says why.
chmod 711 "$forker"
paged unreadable -f 500 -- "$forker" -p 800 -r 1
chmod 755 "$forker"
[ "$(cat "$T/unreadable.status")" = 0 ] || { show "$T/unreadable.err"; fail "an unreadable program"; }
grep -q 'not paged.*closed to vmm' "$T/unreadable.err" || { show "$T/unreadable.err"; fail "an unreadable program: no reason in the report"; }

# With the capability on vmm itself forks are seen, and the limit holds through them.
cp "$T/bin/vmm" "$T/bin/capable"
if setcap cap_sys_ptrace+ep "$T/bin/capable" 2>/dev/null; then
	wrapper capable 666 "$T/bin/capable"
	VMM=$T/capable
	same_evicting -f 500 -a clock -- "$forker" -p 800 -r 2
	grep -q 'forks: without CAP_SYS_PTRACE' "$T/vmm.json" && fail "cap_sys_ptrace on vmm makes no difference"
	[ "$(key "$T/vmm.json" cow_frames)" -gt 0 ] || fail "no relatives were seen"
fi
exit 0
