/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - keeps the shared result: processes that ended, the threads and mappings that faulted most, the sums at the end. */
#include "pager/pager.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void report_process(struct pager *p, const struct process *pr)
{
	struct run_result *r = p->result;
	struct run_process *out;

	vm_stats_add(&r->stats, &pr->stats);
	if (r->processes == RUN_PROCESSES_MAX)
		return;
	out = &r->process[r->processes++];
	out->pid = pr->pid;
	out->paged = pr->paged_ever;
	out->stats = pr->stats;
	memcpy(out->comm, pr->comm, sizeof(out->comm));
	memcpy(out->reason, pr->reason, sizeof(out->reason));
}

void report_thread(struct pager *p, pid_t pid, const struct thread *t)
{
	struct run_result *r = p->result;
	struct run_thread *out;
	uint32_t i, least = 0;

	if (!t->faults)
		return;
	for (i = 1; i < r->threads; i++)
		if (r->thread[i].faults < r->thread[least].faults)
			least = i;
	if (r->threads < RUN_THREADS_MAX)
		out = &r->thread[r->threads++];
	else if (r->thread[least].faults < t->faults)
		out = &r->thread[least];
	else
		return;
	*out = (struct run_thread){ pid, t->tid, t->faults };
}

void report_region(struct pager *p, const struct region *g)
{
	static const char *const name[] = { "anonymous", "[heap]", "[stack]" };
	struct run_result *r = p->result;
	struct run_mapping *out;
	uint32_t i, least = 0;

	if (!g->faults)
		return;
	for (i = 1; i < r->mappings; i++)
		if (r->mapping[i].faults < r->mapping[least].faults)
			least = i;
	if (r->mappings < RUN_MAPPINGS_MAX)
		out = &r->mapping[r->mappings++];
	else if (r->mapping[least].faults < g->faults)
		out = &r->mapping[least];
	else
		return;
	*out = (struct run_mapping){ .start = g->start, .end = g->end, .faults = g->faults };
	snprintf(out->name, sizeof(out->name), "%s", name[g->kind]);
}

static int more_faults(const void *a, const void *b)
{
	const struct run_mapping *x = a, *y = b;

	return x->faults < y->faults ? 1 : x->faults > y->faults ? -1 : 0;
}

static int more_thread_faults(const void *a, const void *b)
{
	const struct run_thread *x = a, *y = b;

	return x->faults < y->faults ? 1 : x->faults > y->faults ? -1 : 0;
}

/* The end as the front sees it: what still runs is added without ending it. */
void snapshot(struct pager *p)
{
	struct process *pr, *next;
	struct thread *t, *tnext;
	struct space *s;
	uint32_t i;

	p->result->processes_running = 0;
	HASH_ITER(hh, p->threads, t, tnext)
	report_thread(p, t->process->pid, t);
	for (s = p->spaces; s; s = s->next) {
		for (i = 0; i < s->regions.n; i++)
			report_region(p, &s->regions.v[i]);
		HASH_FIND_INT(p->processes, &s->stats_pid, pr);
		if (pr)
			vm_stats_add(&pr->stats, core_stats(s->core));
	}
	HASH_ITER(hh, p->processes, pr, next)
	{
		if (pr->pid != p->first)
			p->result->processes_running++;
		process_not_paged(pr);
		report_process(p, pr);
	}
	qsort(p->result->mapping, p->result->mappings, sizeof(p->result->mapping[0]), more_faults);
	qsort(p->result->thread, p->result->threads, sizeof(p->result->thread[0]),
	      more_thread_faults);
	p->store_ops->stats(p->store, &p->result->store);
}
