/* SPDX-License-Identifier: Apache-2.0 */
/* live.h - the runs of this user, and what they answer (pager/monitor.h). */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include <jansson.h>
#include <sys/types.h>

/* fn(arg, pid of the run's vmm) for each run. Stops at the first non-zero, which is returned. */
int live_each(int (*fn)(void *arg, pid_t run), void *arg);

/* The run's answer; NULL with errno set when there is none. */
json_t *live_ask(pid_t run, const char *request);

/*
 * The run that has this number, or a process with it; word NULL: the only one there is. Complains itself. 0 when there is none, or
 * more than one to choose from.
 */
pid_t live_find(const char *command, const char *word);

#endif
