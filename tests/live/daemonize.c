/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemonize.c - becomes a daemon as they do, and goes on working on the memory it brought along.
 *
 *   daemonize RESULT MILLISECONDS
 *
 * The first process exits with status 3 at once. The daemon walks its memory for that time and writes the
 * outcome to RESULT.
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <fcntl.h>
#include <time.h>

int main(int argc, char **argv)
{
	struct block b = churn_make(1200);
	struct timespec start, now;
	size_t wrong = 0;

	if (argc != 3)
		return 2;
	churn_write(&b);
	if (fork())
		_exit(3);
	setsid();
	if (fork())
		_exit(0);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	open("/dev/null", O_RDWR);
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		wrong += churn_walk(&b, 1);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 <
		 atol(argv[2]));

	FILE *f = fopen(argv[1], "w");

	if (!f)
		return 1;
	fprintf(f, "memory: %s\n", wrong ? "WRONG" : "ok");
	return fclose(f) != 0 || wrong;
}
