/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block_signals.c - blocks and ignores all signals there are, then works, with a thread and a child that
 * inherit it.
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void *work(void *arg)
{
	return (void *)churn_walk(arg, 2);
}

int main(void)
{
	struct block a = churn_make(700), b = churn_make(700);
	uint64_t all = ~0ull;
	pthread_t id;
	void *result;
	int status = 0;
	pid_t pid;

	for (int n = 1; n <= SIGRTMAX; n++)
		if (n != SIGCHLD)
			signal(n, SIG_IGN);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all));

	size_t wrong = churn_walk(&a, 2);

	if (pthread_create(&id, NULL, work, &b))
		return 2;
	wrong += churn_walk(&a, 2);
	pthread_join(id, &result);
	wrong += (size_t)result;
	pid = fork();
	if (!pid)
		_exit(churn_walk(&a, 2) || churn_walk(&b, 2));
	wrong += waitpid(pid, &status, 0) != pid || status;
	wrong += churn_walk(&b, 1);
	return churn_say("memory", wrong);
}
