/* SPDX-License-Identifier: Apache-2.0 */
/*
 * creds.c - brings the agent back after calls for which it had to leave (H9).
 *
 * The supervisor retires the agent before a change of credentials or namespaces: it would keep the old ones, or make the call fail
 * because the process has another thread. These wrappers start a new one once the call has returned. After a raw syscall the
 * process goes on without an agent: it is served, and nothing of it is evicted.
 */
#include "preload/shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/types.h>
#include <unistd.h>

/* NOLINTBEGIN(bugprone-macro-parentheses): `params` is a parameter list */
#define WRAP(name, params, args)                                                                   \
	int name params                                                                            \
	{                                                                                          \
		static int(*real) params;                                                          \
		int rc, err;                                                                       \
                                                                                                   \
		if (!real)                                                                         \
			real = (int(*) params)dlsym(RTLD_NEXT, #name);                             \
		rc = real args;                                                                    \
		err = errno;                                                                       \
		shim_start(1);                                                                     \
		errno = err;                                                                       \
		return rc;                                                                         \
	}
/* NOLINTEND(bugprone-macro-parentheses) */

WRAP(setuid, (uid_t u), (u))
WRAP(setgid, (gid_t g), (g))
WRAP(seteuid, (uid_t u), (u))
WRAP(setegid, (gid_t g), (g))
WRAP(setreuid, (uid_t r, uid_t e), (r, e))
WRAP(setregid, (gid_t r, gid_t e), (r, e))
WRAP(setresuid, (uid_t r, uid_t e, uid_t s), (r, e, s))
WRAP(setresgid, (gid_t r, gid_t e, gid_t s), (r, e, s))
WRAP(setfsuid, (uid_t u), (u))
WRAP(setfsgid, (gid_t g), (g))
WRAP(setgroups, (size_t n, const gid_t *list), (n, list))
WRAP(initgroups, (const char *user, gid_t group), (user, group))
WRAP(unshare, (int flags), (flags))
WRAP(setns, (int fd, int type), (fd, type))
