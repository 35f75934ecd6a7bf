/* SPDX-License-Identifier: Apache-2.0 */
/* proc.c - see proc.h. */
#include "pager/proc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

char proc_state(pid_t pid, pid_t tid, pid_t *ppid)
{
	char path[64], buf[256], *p, state = 0;
	int parent = 0;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT || errno == ESRCH ? 0 : '?';
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[n] = 0;
	p = strrchr(buf, ')'); /* the name before it may hold anything */
	if (p && sscanf(p + 1, " %c %d", &state, &parent) == 2 && ppid)
		*ppid = parent;
	return state;
}
