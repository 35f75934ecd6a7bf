/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.c - the pager's end of the ring: one command at a time, each wait bounded.
 *
 * The agent answers within microseconds unless its process is stopped (signal, debugger, freezer) or gone. So the wait sleeps on
 * the futex in short slices; after the first ones it looks whether the agent's task still exists, and meanwhile serves the other
 * spaces by running the loop again (H5, H13). The busy space's own faults and calls are queued until the wait ends.
 */
#include "pager/pager.h"
#include "pager/proc.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLICE_NS 2000000 /* of the futex wait */
#define REMAP_NS 30000   /* the same during mremap */
#define SLICES_QUIET 3   /* before the loop runs again */

static int lost(struct space *s)
{
	s->agent.ready = false;
	s->agent.busy = false;
	return -ESRCH;
}

/* Whatever the program's memory says: only these two values mean that the command is under way. */
static bool finished(struct vmm_ring *r)
{
	uint32_t state = __atomic_load_n(&r->state, __ATOMIC_ACQUIRE);

	return state != RING_COMMAND && state != RING_WAITED;
}

static int await(struct space *s)
{
	struct vmm_ring *r = s->agent.ring;
	bool remap = r->op == RING_SYSCALL && r->nr == SYS_mremap;
	struct timespec slice = { .tv_nsec = remap ? REMAP_NS : SLICE_NS };
	uint32_t slices = 0;

	if (placement_together(s->pager) && !remap && !finished(r))
		sched_yield(); /* mostly enough: the agent runs until it sleeps again */
	while (!finished(r)) {
		uint32_t command = RING_COMMAND;

		__atomic_compare_exchange_n(&r->state, &command, RING_WAITED, false,
					    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
		if (syscall(SYS_futex, &r->state, FUTEX_WAIT, RING_WAITED, &slice, NULL, 0) == 0 ||
		    errno != ETIMEDOUT)
			continue;
		if (finished(r))
			break;
		if (remap) /* the agent sleeps until its event is read */
			faults_read(s);
		if (remap && ++slices < SLICE_NS / REMAP_NS)
			continue;
		switch (proc_state(s->agent.pid, s->agent.tid, NULL)) {
		case 0:
		case 'X':
		case 'Z':
			return lost(s);
		}
		if (++slices >= SLICES_QUIET)
			loop_once(s->pager, 1);
	}
	return 0;
}

int agent_run(struct space *s, enum ring_op op)
{
	struct vmm_ring *r = s->agent.ring;
	int rc;

	if (!s->agent.ready)
		return -ESRCH;
	s->agent.busy = true;
	r->op = op;
	__atomic_store_n(&r->state, RING_COMMAND, __ATOMIC_RELEASE);
	syscall(SYS_futex, &r->state, FUTEX_WAKE, 1, NULL, NULL, 0);
	rc = await(s);
	__atomic_store_n(&r->state, RING_IDLE, __ATOMIC_RELEASE);
	s->agent.busy = false;
	if (!rc && op == RING_EVICT && r->staging_status)
		fatal(s->pager, "the agent of process %d cannot empty its staging area: %s",
		      s->agent.pid, strerror(-r->staging_status));
	return rc;
}

int agent_syscall(struct space *s, long nr, const uint64_t arg[6], int64_t *result)
{
	struct vmm_ring *r = s->agent.ring;
	int rc;

	if (!s->agent.ready)
		return -ESRCH;
	r->nr = (uint64_t)nr;
	memcpy(r->arg, arg, sizeof(r->arg));
	rc = agent_run(s, RING_SYSCALL);
	*result = rc ? rc : r->result;
	return rc;
}

void agent_retire(struct space *s, int exit_code)
{
	struct timespec pause = { .tv_nsec = 50000 };
	int i;

	if (!s->agent.ready)
		return;
	s->agent.ring->arg[0] = (uint64_t)exit_code;
	agent_run(s, RING_RETIRE);
	s->agent.ready = false;
	for (i = 0; i < 2000 && proc_state(s->agent.pid, s->agent.tid, NULL); i++)
		nanosleep(&pause, NULL);
}
