/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execs.c - works on its memory and becomes another program.
 *
 *   execs PROGRAM [ARG...]      after a fork: the child works and execs first, then the parent
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <sys/wait.h>

int main(int argc, char **argv)
{
	struct block b = churn_make(800);
	size_t wrong = churn_walk(&b, 2);
	int status = 0;
	pid_t pid;

	if (argc < 2)
		return 2;
	churn_say("before exec", wrong);
	pid = fork();
	if (!pid) {
		if (churn_walk(&b, 1))
			_exit(1);
		execv(argv[1], argv + 1);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	if (churn_say("parent of an exec", churn_walk(&b, 1)) || status)
		return 1;
	execv(argv[1], argv + 1);
	return 127;
}
