/* SPDX-License-Identifier: Apache-2.0 */
/* probe.c - can this machine run programs under the pager? Asked before any work, answered in words. */
#include "pager/compat.h"
#include "pager/run.h"
#include "pager/uffd.h"

#include <errno.h>
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
			"userfaultfd sees no faults of system calls here (user mode only)",
			"run as root, or give yourself access to /dev/userfaultfd (chgrp and chmod 660)",
			EPERM);
	if (!(have & UFFD_FEATURE_MOVE))
		return say(why, wn, remedy, rn,
			   "this kernel has no UFFDIO_MOVE, so no page can be evicted safely",
			   "use Linux 6.8 or later; the simulator runs on any", EOPNOTSUPP);
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &notify) < 0)
		return say(why, wn, remedy, rn, "seccomp cannot notify a supervisor",
			   "use a kernel built with CONFIG_SECCOMP_FILTER", errno);
	return 0;
}
