/* SPDX-License-Identifier: Apache-2.0 */
/* core_fault.c - faults: what a fault is, whose probation it ends, and its plan. */
#include "core/core_internal.h"

#include <errno.h>

/* Ends the probation of every page in the list except the one that is faulted on and those that threads hold. */
static void probation_end(struct vmm *v, struct frame_list *l, struct plan *plan)
{
	uint32_t f = l->head;

	while (f != VMM_NONE) {
		uint32_t next = v->links.at[f].next;

		uint32_t id = v->frames.page[f];

		if (id != plan->page && !(v->pages[id].flags & PAGE_HELD))
			page_idle(v, id, plan);
		f = next;
	}
}

/* Pages whose probation the thread could end now: those that it does not hold. */
static uint32_t probation_over(const struct vmm *v, const struct thread *t)
{
	uint32_t n = t->probation.count;

	for (uint32_t i = 0; i < t->n_held; i++)
		n -= v->in_list[v->pages[t->held[i]].frame] == &t->probation;
	return n;
}

/* *copy: a COW fault that needs a page of its own. */
static enum fault_kind kind_of(const struct vmm *v, uint32_t id, uint32_t mapper, bool write,
			       bool *copy)
{
	const struct page *p = &v->pages[id];

	*copy = false;
	if (mapper != VMM_NONE) {
		if (write && share_must_break(v, mapper, copy))
			return FAULT_COW;
		if (page_resident(p) && !(v->share.mappers[mapper].flags & MAPPER_PRESENT))
			return FAULT_MINOR;
	}
	switch (p->state) {
	case PAGE_IDLE:
		return FAULT_SOFT;
	case PAGE_MAPPED:
		if (write && (v->flags & VMM_FLAG_TRACK_DIRTY) && !(p->flags & PAGE_WRITABLE))
			return FAULT_WRITE;
		return FAULT_SPURIOUS;
	default:
		if (p->sharing & PAGE_FILE)
			return FAULT_FILE;
		return p->flags & PAGE_HAS_COPY ? FAULT_MAJOR : FAULT_ZERO;
	}
}

/* The policy's choice was a large page: base pages instead. What was unmapped for the choice stays so. */
static int victim_split(struct vmm *v, struct plan *plan)
{
	uint32_t large = v->large->victim, n = 0;

	v->large->victim = VMM_NONE;
	for (uint32_t i = 0; i < plan->n_idle; i++)
		if (v->idle[i] != large)
			v->idle[n++] = v->idle[i];
	plan->n_idle = n;
	return large_split(v, large);
}

/* Is a frame free for the plan's page, maybe after it has been made small? 1, 0; -ENOMEM. */
static int room_make_small(struct vmm *v, const struct plan *plan)
{
	int err;

	if (room_for(v, plan->page))
		return 1;
	if (!v->pages[plan->page].order || frames_taken(v) == v->frames.capacity)
		return 0;
	err = large_shrink(v, plan->page);
	return err ? err : room_for(v, plan->page) != 0;
}

/* Victims for the plan. -ENOMEM: none; large->victim may be one that is to be split. */
static int victims_or_large(struct vmm *v, struct plan *plan)
{
	int err;

	if (v->large)
		v->large->splits = v->large->config.mode == LARGE_AUTO;
	err = victims_choose(v, plan);
	if (v->large)
		v->large->splits = false;
	return err;
}

/* The policy learns of the plan's page, once, and when no frame is free for it makes room. */
static int frame_plan(struct vmm *v, struct plan *plan)
{
	int room = room_make_small(v, plan);

	if (room >= 0 && v->ops->fault)
		v->ops->fault(v->policy, plan->page);
	while (room == 0 && victims_or_large(v, plan)) {
		if (v->large && v->large->victim != VMM_NONE && victim_split(v, plan) == 0)
			room = room_make_small(v, plan);
		else
			room = -ENOMEM;
	}
	if (room >= 0)
		return 0;
	while (plan->n_idle)
		core_idle_failed(v, v->idle[--plan->n_idle]);
	plan_close(v);
	return -ENOMEM;
}

int fault_begin(struct vmm *v, uint32_t space, uint64_t vpn, uint32_t value, bool write,
		uint32_t thread, struct plan *plan)
{
	uint32_t id, mapper, source = VMM_NONE;
	enum fault_kind kind;
	struct thread *t = NULL;
	bool evict, copy;
	int err;

	*plan = (struct plan){ .page = VMM_NONE, .source = VMM_NONE, .thread = thread };
	plan_close(v);
	if (!v->alone) {
		t = thread_make(v, thread);
		if (!t)
			return -ENOMEM;
	}
	if (v->large)
		v->large->fault_vpn = vpn;
	err = share_at(v, space, vpn, value, write, &id, &mapper);
	if (err)
		return err;
	v->open_space = space;
	v->open_vpn = vpn;
	kind = kind_of(v, id, mapper, write, &copy);
	if (copy) {
		source = id;
		id = share_copy_begin(v, mapper);
		if (id == VMM_NONE)
			return -ENOMEM;
	}
	if (t)
		hold_advance(v, t, id);
	plan_open(v, plan, kind, id, thread, write);
	if (mapper != VMM_NONE)
		share_plan(v, plan, mapper, source);
	if (plan->kind == FAULT_SPURIOUS)
		return 0;
	evict = plan->needs_frame && room_for(v, id) == 0;
	if (t && v->probation) {
		if (evict || probation_over(v, t) >= v->batch)
			probation_end(v, &t->probation, plan);
		probation_end(v, &v->orphans, plan);
	}
	return plan->needs_frame ? frame_plan(v, plan) : 0;
}

int core_fault(struct vmm *v, uint32_t space, uint64_t vpn, bool write, uint32_t thread,
	       struct plan *plan)
{
	return fault_begin(v, space, vpn, page_map_get(&v->map, space, vpn), write, thread, plan);
}

int core_prefetch(struct vmm *v, uint32_t page, bool map, struct plan *plan)
{
	if (v->pages[page].state != PAGE_STORED)
		return -EALREADY;
	plan_open(v, plan, FAULT_PREFETCH, page, VMM_NONE, false);
	plan->map = map;
	return frame_plan(v, plan);
}
