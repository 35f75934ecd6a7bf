/* SPDX-License-Identifier: Apache-2.0 */
/* proc.h - what /proc says of a task. */
#ifndef PAGER_PROC_H
#define PAGER_PROC_H

#include <sys/types.h>

/* Letter of the state of a thread (tid == pid: the leader), 0 when it does not exist, '?' when that cannot be told. Its parent
 * goes to *ppid unless that is NULL. */
char proc_state(pid_t pid, pid_t tid, pid_t *ppid);

/* Why the shim cannot start in the program that a process runs, in words; what is left if there is no other reason; NULL when the
 * program's file cannot be looked at. */
const char *proc_why_native(pid_t pid);

#endif
