/* SPDX-License-Identifier: Apache-2.0 */
/* core_victims.c - victims: asking the policy for them, and what becomes of them. */
#include "core/core_internal.h"
#include "core/mmu.h"

#include <errno.h>

/* Pages whose bit the policy has cleared since the last look, except those that leave anyway. */
static void cleared_collect(struct vmm *v, struct plan *plan)
{
	struct frame_table *t = &v->frames;

	for (uint32_t i = 0; i < t->cleared_count; i++) {
		uint32_t f = t->cleared[i];

		if ((t->bits[f] & (FRAME_USED | FRAME_REF)) == FRAME_USED &&
		    v->pages[t->page[f]].state == PAGE_MAPPED)
			page_idle(v, t->page[f], plan);
	}
	t->cleared_count = 0;
}

/* Pages whose probation ended in this very plan and that leave at once: the driver still has them mapped. */
static void idle_drop_victims(struct vmm *v, struct plan *plan)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < plan->n_idle; i++) {
		struct page *p = &v->pages[v->idle[i]];

		if (p->state == PAGE_IDLE) {
			v->idle[n++] = v->idle[i];
			continue;
		}
		p->flags &= (uint8_t)~PAGE_WAS_IDLE;
		if (may_write(v, p->frame))
			p->flags |= PAGE_WRITABLE;
		v->stats.references_cleared--;
	}
	plan->n_idle = n;
}

/* The policy's choice is of no use for the plan, or has nowhere to go: physical.h, page_slots.h. */
static bool victim_refused(struct vmm *v, const struct plan *plan, uint32_t f)
{
	if (v->physical && plan->n_evict == 0 && !physical_suits(v, plan->page, f))
		return true;
	return v->slots && frame_dirty(&v->frames, f) &&
	       !(v->pages[v->frames.page[f]].sharing & PAGE_FILE) &&
	       !slots_reserve(v, v->frames.page[f]);
}

/* False when f cannot be a victim, and there is no other. One that is refused is passed over: the policy is to choose again. */
static bool victim_take(struct vmm *v, struct plan *plan, uint32_t f)
{
	struct page *p;

	if (f >= v->frames.fresh || !frame_evictable(&v->frames, f))
		return false;
	if ((v->physical || v->slots) && victim_refused(v, plan, f)) {
		v->frames.bits[f] |= FRAME_REJECTED;
		v->n_rejected++;
		return true;
	}
	p = &v->pages[v->frames.page[f]];
	if (v->large && p->order && v->large->splits && !plan->n_evict) {
		v->large->victim = v->frames.page[f];
		return false;
	}
	__builtin_prefetch(p, 1); /* for victims_mark */
	v->evict[plan->n_evict++] = v->frames.page[f];
	frame_lift(&v->frames, f);
	return true;
}

/* After all choices, because no page is near the processor and the choices do not depend on them. */
static void victims_mark(struct vmm *v, const struct plan *plan)
{
	v->n_evict = plan->n_evict;
	for (uint32_t i = 0; i < v->n_evict; i++) {
		struct page *p = &v->pages[v->evict[i]];

		if (p->state == PAGE_IDLE)
			p->flags |= PAGE_WAS_IDLE;
		p->state = PAGE_EVICTING;
	}
	if (v->mmu)
		mmu_evicting(v, v->evict, v->n_evict);
}

/* Up to `batch` victims, but never more than half of what is used. -ENOMEM when there is none. */
int victims_choose(struct vmm *v, struct plan *plan)
{
	uint32_t n_max = min_u32(v->batch, max_u32(1, v->frames.used / 2));

	if (v->writebacks)
		writebacks_advance(v);
	do
		while (plan->n_evict < n_max &&
		       victim_take(v, plan, v->ops->victim(v->policy, plan->page)))
			;
	while (plan->n_evict == 0 && share_source_release(v));
	victims_mark(v, plan);
	idle_drop_victims(v, plan);
	cleared_collect(v, plan);
	return plan->n_evict ? 0 : -ENOMEM;
}

void victim_none(struct vmm *v)
{
	struct plan plan = { .n_idle = 0 };

	cleared_collect(v, &plan);
	while (plan.n_idle)
		core_idle_failed(v, v->idle[--plan.n_idle]);
}

bool core_has_room(struct vmm *v, const struct plan *plan)
{
	return room_for(v, plan->page) != 0;
}

int core_room(struct vmm *v, struct plan *plan)
{
	evict_list_settle(v);
	plan->n_idle = plan->n_evict = 0;
	if (plan->page != VMM_NONE && v->pages[plan->page].order) {
		int err = large_shrink(v, plan->page);

		if (err || room_for(v, plan->page))
			return err;
	}
	return victims_choose(v, plan);
}

int core_room_begin(struct vmm *v, struct plan *plan)
{
	plan_open(v, plan, FAULT_ROOM, VMM_NONE, VMM_NONE, false);
	return room_for(v, VMM_NONE) ? 0 : victims_choose(v, plan);
}

void core_shrink(struct vmm *v, struct plan *plan)
{
	plan_open(v, plan, FAULT_ROOM, VMM_NONE, VMM_NONE, false);
	plan->needs_frame = false;
	if (v->writebacks)
		writebacks_advance(v);
	while (v->ops->surplus && plan->n_evict < v->batch &&
	       victim_take(v, plan, v->ops->surplus(v->policy)))
		;
	victims_mark(v, plan);
	cleared_collect(v, plan);
}

/* The page of a victim leaves its frame. */
static void evicted(struct vmm *v, uint32_t page, int dirty)
{
	struct page *p = &v->pages[page];
	uint32_t f = p->frame;

	eviction_count(v, p, dirty < 0 ? frame_dirty(&v->frames, f) : dirty);
	if (p->sharing)
		share_absent(v, page);
	list_leave(v, f);
	frame_back(v, f);
	page_out(v, p);
	if (p->prefetched)
		prefetcher_wasted(v, page);
	if (v->slots && !p->flags)
		slots_release(v, page);
}

void core_evicted(struct vmm *v, uint32_t page, int dirty)
{
	struct page *p = &v->pages[page];

	if (p->state != PAGE_EVICTING)
		return;
	v->ops->remove(v->policy, p->frame, page, REMOVE_EVICT);
	evicted(v, page, dirty);
	debug_check(v);
}

bool victim_replace(struct vmm *v, const struct plan *plan)
{
	uint32_t page = plan->n_evict ? plan->evict[0] : VMM_NONE;

	if (!v->ops->replace || v->physical || plan->n_evict != 1 || !plan->needs_frame ||
	    plan->kind == FAULT_PREFETCH || frames_free(&v->frames))
		return false;
	v->replaced = v->pages[page].frame;
	v->replaced_page = page;
	evicted(v, page, -1);
	return true;
}

void core_evict_failed(struct vmm *v, uint32_t page)
{
	struct page *p = &v->pages[page];

	if (p->state != PAGE_EVICTING)
		return;
	v->stats.evictions_rejected++;
	evict_undo(v, p);
	v->ops->reject(v->policy, p->frame);
}
