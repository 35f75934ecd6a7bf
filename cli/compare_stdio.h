/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare_stdio.h - what the runs of a comparison read and write: each gets the same standard input from its beginning, its output
 * goes into a temporary file, and its messages nowhere.
 */
#ifndef CLI_COMPARE_STDIO_H
#define CLI_COMPARE_STDIO_H

#include <stdbool.h>

struct compare_stdio {
	int in, out, null; /* what a run has as its 0, 1 and 2 */
	int saved[3];      /* ours, while a run has them */
};

/* Reads a pipe on stdin to its end; a terminal there is not for the program. 0 or -errno. */
int compare_stdio_open(struct compare_stdio *io);
void compare_stdio_close(struct compare_stdio *io);

/* Between the two this process has a run's descriptors; `messages`: but its own stderr. 0 or -errno. */
int compare_stdio_enter(struct compare_stdio *io, bool messages);
void compare_stdio_leave(struct compare_stdio *io);

/* SHA-256 of the last run's output. */
void compare_stdio_digest(const struct compare_stdio *io, char hex[65]);

#endif
