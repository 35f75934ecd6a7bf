/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h10_clone3.c - clone3: h10_clone3 clone3: forks by clone3 in several ways; h10_clone3 filters: seccomp of
 * the program's own.
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct block b;

/* Forks by clone3; the child works on what it inherited. 0 when all is well. */
static int fork3(const char *what, struct clone_args *args)
{
	int status = 0;
	long pid;

	args->exit_signal = SIGCHLD;
	pid = syscall(SYS_clone3, args, sizeof(*args));
	if (!pid)
		_exit(churn_walk(&b, 1) != 0);
	if (pid < 0) {
		printf("%s: %s\n", what, strerror(errno));
		return churn_walk(&b, 1) != 0;
	}
	size_t wrong = churn_walk(&b, 1);

	wrong += waitpid((pid_t)pid, &status, 0) != pid || status;
	return churn_say(what, wrong);
}

static int clones(void)
{
	int pidfd = -1, cgroup = open("/sys/fs/cgroup/unified", O_RDONLY | O_DIRECTORY);
	pid_t tid = 0;
	int bad = 0;

	if (cgroup < 0)
		cgroup = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY);
	bad |= fork3("plain", &(struct clone_args){ 0 });
	bad |= fork3("pidfd",
		     &(struct clone_args){ .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd });
	bad |= pidfd < 0;
	bad |= fork3("parent_settid", &(struct clone_args){ .flags = CLONE_PARENT_SETTID,
							    .parent_tid = (uintptr_t)&tid });
	bad |= tid <= 0;
	bad |= fork3("clear_sighand", &(struct clone_args){ .flags = CLONE_CLEAR_SIGHAND });
	bad |= fork3("into_cgroup", &(struct clone_args){ .flags = CLONE_INTO_CGROUP,
							  .cgroup = (uint64_t)cgroup });
	bad |= fork3("impossible", &(struct clone_args){ .flags = CLONE_SIGHAND });
	bad |= fork3("files", &(struct clone_args){ .flags = CLONE_FILES | CLONE_FS });
	return bad | churn_say("memory", churn_walk(&b, 1));
}

static void result(const char *what, long r)
{
	printf("%s: %s\n", what, r < 0 ? strerror(errno) : "ok");
	fflush(stdout);
}

static int filters(void)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog program = { 1, code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	result("filter", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
	if (churn_walk(&b, 1))
		return 1;
	result("listener", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				   SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
	if (churn_walk(&b, 1))
		return 1;
	result("strict", prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	return churn_say("memory", churn_walk(&b, 2));
}

int main(int argc, char **argv)
{
	b = churn_make(500);
	churn_write(&b);
	return argc > 1 && !strcmp(argv[1], "filters") ? filters() : clones();
}
