/* SPDX-License-Identifier: Apache-2.0 */
/* probe.c - can this machine run programs under the pager? Asked before any work, answered in words. */
#include "pager/compat.h"
#include "pager/run.h"
#include "pager/uffd.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int say(char *why, size_t wn, char *remedy, size_t rn, const char *w, const char *r, int err)
{
	snprintf(why, wn, "%s", w);
	snprintf(remedy, rn, "%s", r);
	return -err;
}

static bool may_ptrace(void)
{
	unsigned long capabilities = 0;
	char line[128];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %lx", &capabilities) == 1)
			break;
	if (f)
		fclose(f);
	return capabilities >> CAP_SYS_PTRACE & 1;
}

/* The pager is no ancestor of the program, so from 1 on Yama keeps it away from its descriptors and memory. */
static bool yama_forbids(void)
{
	FILE *f = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = 0;

	if (!f)
		return false;
	if (fscanf(f, "%d", &scope) != 1)
		scope = 0;
	fclose(f);
	return scope > 2 || (scope > 0 && !may_ptrace());
}

int pager_probe(char *why, size_t wn, char *remedy, size_t rn)
{
	uint32_t notify = SECCOMP_RET_USER_NOTIF;
	uint64_t have;
	bool user_only;
	int rc = uffd_probe(&have, &user_only);

	if (rc == -EPERM || rc == -EACCES)
		return say(
			why, wn, remedy, rn, "userfaultfd is not permitted",
			"run as root, or give yourself access to /dev/userfaultfd (chgrp and chmod 660); in a container allow "
			"userfaultfd in its seccomp profile",
			EPERM);
	if (rc)
		return say(why, wn, remedy, rn, "userfaultfd is not available",
			   "use a kernel built with CONFIG_USERFAULTFD", -rc);
	if (user_only)
		return say(
			why, wn, remedy, rn,
			"userfaultfd is permitted to this user only without the faults of system calls",
			"run as root, or give yourself access to /dev/userfaultfd (chgrp and chmod 660)",
			EPERM);
	if (!(have & UFFD_FEATURE_MOVE))
		return say(why, wn, remedy, rn,
			   "this kernel has no UFFDIO_MOVE, so no page can be evicted safely",
			   "use Linux 6.8 or later; the simulator runs on any", EOPNOTSUPP);
	if (yama_forbids())
		return say(
			why, wn, remedy, rn,
			"kernel.yama.ptrace_scope keeps the pager from the program's memory",
			"run as root, setcap cap_sys_ptrace+ep on the vmm file, or set it to 0 (3 stays until the next boot)",
			EPERM);
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &notify) < 0)
		return say(why, wn, remedy, rn, "seccomp cannot notify a supervisor",
			   "use a kernel built with CONFIG_SECCOMP_FILTER", errno);
	return 0;
}
