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

void process_count(struct process *p, const struct vm_stats *before, const struct vm_stats *after)
{
#define X(name) p->stats.name += after->name - before->name;
	PROCESS_FAULT_STATS(X)
#undef X
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
	/* the cache of the last process is not part of what the caller sees */
	const struct process *p = process_find((struct vmm *)v, pid);

	return p ? &p->stats : NULL;
}
