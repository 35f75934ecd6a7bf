/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - the seccomp filter of the program: which syscalls the supervisor hears of.
 *
 * Everything else is allowed. Calls from the gate page (the agent's own) pass by their instruction pointer (H4). 64-bit
 * rules name what supervisor.c handles; the same VM calls made with int 0x80 or as x32 are notified too, so that a paged
 * process that uses them is stopped with a message (H15) while 32-bit programs, unpaged, go on.
 */
#ifndef PAGER_FILTER_H
#define PAGER_FILTER_H

#include <linux/filter.h>

/* Builds the program; 0 or -errno. Free prog->filter with free(). */
int filter_build(struct sock_fprog *prog);

/* Loads it into the calling process: the listener descriptor (close-on-exec), or -errno. */
int filter_load(const struct sock_fprog *prog);

#endif
