/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h02_fork_fails.c - forks that the kernel refuses: impossible flags (EINVAL) and, as an ordinary user, too
 * many processes (EAGAIN); after each all memory is written and read. Then one that works.
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void say(const char *what, long pid)
{
	printf("%s: %s\n", what, pid < 0 ? strerror(errno) : "a child");
	if (pid == 0)
		_exit(9); /* must not be */
}

int main(void)
{
	struct block b = churn_make(1000);
	size_t wrong = churn_walk(&b, 1);
	int status = 0;

	for (int i = 0; i < 20; i++) {
		long pid = syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0);

		if (i == 0 || pid >= 0)
			say("clone with impossible flags", pid);
		pid = syscall(435 /* clone3 */, "too small", 9);
		if (i == 0 || pid >= 0)
			say("clone3 with a bad size", pid);
		wrong += churn_walk(&b, i % 5 == 0);
	}

	pid_t pid = fork();

	if (!pid) {
		size_t bad = 0;

		if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
			_exit(8);
		bad += churn_walk(&b, 1);
		setrlimit(RLIMIT_NPROC, &(struct rlimit){ 0, 0 });
		for (int i = 0; i < 10; i++) {
			pid_t child = fork();

			if (!child)
				_exit(9);
			bad += child >= 0 || errno != EAGAIN;
			bad += churn_walk(&b, i % 3 == 0);
		}
		_exit(bad != 0);
	}
	wrong += waitpid(pid, &status, 0) != pid || status;
	printf("as an ordinary user: %s\n", status ? "WRONG" : "ok");
	wrong += churn_walk(&b, 2);
	return churn_say("memory", wrong);
}
