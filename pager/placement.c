/* SPDX-License-Identifier: Apache-2.0 */
/* placement.c - where the program's threads and the pager run. */
#include "pager/pager.h"

void placement_fault(struct pager *p, pid_t tid)
{
	(void)p;
	(void)tid;
}

void placement_tick(struct pager *p)
{
	(void)p;
}

bool placement_call(struct pager *p, struct process *pr, struct thread *t, const struct seccomp_notif *n)
{
	(void)p;
	(void)pr;
	(void)t;
	(void)n;
	return false;
}

int placement_init(struct pager *p)
{
	(void)p;
	return 0;
}
