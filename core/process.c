/* SPDX-License-Identifier: Apache-2.0 */
/* process.c - see process.h. */
#define HASH_NONFATAL_OOM 1
#include "core/process.h"
#include "core/core_internal.h"

#include <stdlib.h>

/* A process that could not be entered does not exist. */
#undef uthash_nonfatal_oom
#define uthash_nonfatal_oom(e) ((e)->exists = false)

struct process *process_find(struct vmm *v, uint32_t pid)
{
	struct process *p = v->process_last;

	if (p && p->pid == pid)
		return p;
	HASH_FIND(hh, v->processes, &pid, sizeof(pid), p);
	if (p)
		v->process_last = p;
	return p;
}

struct process *process_make(struct vmm *v, uint32_t pid)
{
	struct process *p = process_find(v, pid);

	if (p) {
		p->exists = true;
		return p;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->pid = pid;
	p->exists = true;
	HASH_ADD(hh, v->processes, pid, sizeof(p->pid), p);
	if (!p->exists) {
		free(p);
		return NULL;
	}
	v->process_last = p;
	return p;
}

void processes_destroy(struct vmm *v)
{
	struct process *p, *next;

	HASH_ITER(hh, v->processes, p, next)
	{
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it loses track inside */
		HASH_DEL(v->processes, p);
		free(p);
	}
}

void process_settle(struct vmm *v)
{
	struct vm_stats *now = &v->stats, *then = &v->settled;
	struct process *p = v->charged;

	if (p) {
#define X(name) p->stats.name += now->name - then->name;
		PROCESS_REFERENCE_STATS(X)
		PROCESS_FAULT_STATS(X)
#undef X
	}
#define X(name) then->name = now->name;
	PROCESS_REFERENCE_STATS(X)
	PROCESS_FAULT_STATS(X)
#undef X
}

struct process *process_charge(struct vmm *v, uint32_t pid)
{
	struct process *p = process_make(v, pid);

	if (!p)
		return NULL;
	process_settle(v);
	v->charged = p;
	return p;
}

uint32_t vmm_processes(const struct vmm *v, uint32_t *pids, uint32_t max)
{
	uint32_t n = 0;

	for (const struct process *p = v->processes; p; p = p->hh.next, n++)
		if (n < max)
			pids[n] = p->pid;
	return n;
}

const struct vm_stats *vmm_process_stats(const struct vmm *v, uint32_t pid)
{
	/* the cache of the last process, and when counts are added up, are not part of what the caller sees */
	const struct process *p = process_find((struct vmm *)v, pid);

	process_settle((struct vmm *)v);
	return p ? &p->stats : NULL;
}
