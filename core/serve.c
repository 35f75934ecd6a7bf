/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c - the simulator as a driver: it executes plans in nothing. See serve.h. */
#include "core/serve.h"
#include "core/core_internal.h"

#include <errno.h>

/* The plan's victims leave; more are asked for while its page has no frame. The store is the counters. */
static int make_room(struct vmm *v, struct plan *plan)
{
	if (victim_replace(v, plan))
		return 0;
	for (;;) {
		int err;

		for (uint32_t i = 0; i < plan->n_evict; i++)
			core_evicted(v, plan->evict[i], -1);
		if (!plan->needs_frame || core_has_room(v, plan))
			return 0;
		err = core_room(v, plan);
		if (err)
			return err;
	}
}

/* Pages that the fault made worth reading. Its own page is held meanwhile. */
static void prefetch(struct vmm *v, const struct plan *fault)
{
	struct plan plan;
	int err = 0;

	for (uint32_t i = 0; i < fault->n_prefetch && err != -ENOMEM; i++) {
		err = core_prefetch(v, fault->prefetch[i], i < fault->n_map_ahead, &plan);
		if (!err)
			err = make_room(v, &plan);
		if (!err)
			core_fill(v, &plan);
	}
}

static int fault_serve(struct vmm *v, uint32_t pid, uint64_t vpn, uint32_t value, bool write,
		       struct plan *plan)
{
	int err = fault_begin(v, pid, vpn, value, write, pid, plan);

	if (!err)
		err = make_room(v, plan);
	if (!err)
		core_fill(v, plan);
	return err;
}

int serve(struct vmm *v, uint32_t pid, uint64_t vpn, uint32_t value, bool write, struct plan *plan)
{
	int err;

	/* while pages are prefetched that of the fault must stay */
	v->alone = !(v->flags & VMM_FLAG_LIVE) && !v->prefetcher && !v->probation;
	err = fault_serve(v, pid, vpn, value, write, plan);
	v->alone = false;
	if (err)
		return err;
	if (plan->kind == FAULT_SOFT)
		return RESULT_SOFT;
	return plan->needs_frame ? RESULT_FRAME : RESULT_MAPPED;
}

void serve_end(struct vmm *v, uint32_t pid, const struct plan *plan)
{
	struct thread *t;

	if (v->prefetcher)
		prefetch(v, plan);
	t = !v->threads || v->flags & VMM_FLAG_LIVE ? NULL : thread_find(v, pid);
	if (t)
		hold_release(v, t);
	if (v->large && plan->needs_frame)
		large_promote(v, pid, v->large->fault_vpn);
}

void serve_shrink(struct vmm *v)
{
	struct plan plan;

	do {
		core_shrink(v, &plan);
		for (uint32_t i = 0; i < plan.n_evict; i++)
			core_evicted(v, plan.evict[i], -1);
	} while (plan.n_evict);
	core_fill(v, &plan);
	v->stats.resident_sum += frames_taken(v);
}
