/* SPDX-License-Identifier: Apache-2.0 */
/*
 * close_fds.c - closes every descriptor but stdout, by one call (range) or one by one (each), or fills every
 * number with a descriptor of its own (reuse), then works on its memory, forks, and works on.
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "range";
	struct block b = churn_make(900);
	size_t wrong = churn_walk(&b, 1);
	int status = 0;

	if (!strcmp(how, "range")) {
		close(0);
		syscall(SYS_close_range, 2, ~0u, 0);
	} else if (!strcmp(how, "each")) {
		close(0);
		for (int fd = 2; fd < 20000; fd++)
			close(fd);
	} else {
		for (int fd = 3; fd < 200; fd++)
			dup2(1, fd);
	}
	wrong += churn_walk(&b, 3);

	pid_t pid = fork();

	if (!pid) {
		syscall(SYS_close_range, 2, ~0u, 0);
		_exit(churn_walk(&b, 2) != 0);
	}
	wrong += pid < 0 || waitpid(pid, &status, 0) != pid || status;
	wrong += churn_walk(&b, 1);

	int fd = open("/dev/null", O_RDONLY);

	printf("next descriptor: %d\n", fd);
	return churn_say("memory", wrong);
}
