/* SPDX-License-Identifier: Apache-2.0 */
/* core_fill.c - the end of a fault: its page is mapped, counted, and known to the policy; the window moves on. */
#include "core/core_internal.h"

/*
 * The window is first in, first out; with a batch several leave at once, so that it is rarely full. A page that a thread
 * holds enters anew instead: one step a page and a turn.
 */
void window_enter(struct vmm *v, uint32_t f, struct plan *plan)
{
	struct frame_list *l = &v->window_fifo;
	uint32_t n;

	list_enter(v, l, f);
	if (l->count <= v->window)
		return;
	n = max_u32(l->count - v->window, min_u32(v->batch, max_u32(1, v->window / 4)));
	while (n && l->head != f) {
		uint32_t oldest = l->head, id = v->frames.page[oldest];

		if (v->pages[id].flags & PAGE_HELD) {
			list_leave(v, oldest);
			list_enter(v, l, oldest);
			continue;
		}
		page_idle(v, id, plan);
		n--;
	}
}

/* The page is in its frame and mapped, for this thread (VMM_NONE: for none). */
void page_enter(struct vmm *v, struct page *p, uint32_t f, uint32_t thread)
{
	if (v->class == POLICY_R1)
		v->frames.bits[f] |= FRAME_REF;
	p->frame = f;
	page_map_in(v, p);
	if (v->class == POLICY_R0) {
		struct thread *t = v->probation ? thread_find(v, thread) : NULL;

		if (v->probation) {
			p->flags |= PAGE_PROBATION;
			list_enter(v, t ? &t->probation : &v->orphans, f);
		} else {
			p->state = PAGE_IDLE;
			p->flags &= (uint8_t)~PAGE_WRITABLE;
		}
	}
}

/* The page of a ZERO or MAJOR plan becomes resident. Without a frame (the driver did not make room) nothing happens. */
static void fill_page(struct vmm *v, struct plan *plan)
{
	struct page *p = &v->pages[plan->page];
	uint32_t f = frame_for(v, p);

	if (f == VMM_NONE)
		return;
	frame_settle(&v->frames, f, plan->page);
	if (plan->write)
		v->frames.bits[f] |= FRAME_DIRTY;
	page_enter(v, p, f, plan->thread);
	share_fill_count(v, plan);
	if (v->open_mapper != VMM_NONE)
		share_fill(v, plan);
	mmu_sync(v, plan->page);
	if (f == v->replaced)
		v->ops->replace(v->policy, f, v->replaced_page, plan->page);
	else
		v->ops->insert(v->policy, f, plan->page);
	v->replaced = VMM_NONE;
	if (v->flags & VMM_FLAG_TIME_FAULTS)
		v->now++;
	peaks_note(v);
}

/* A fault on a resident page: it is mapped with what the fault has shown. Returns the prefetched pages of which it tells. */
static uint32_t touch_page(struct vmm *v, struct plan *plan)
{
	struct page *p = &v->pages[plan->page];
	bool was_idle = p->state == PAGE_IDLE;
	uint32_t hits = 0;

	if (plan->write)
		v->frames.bits[p->frame] |= FRAME_DIRTY;
	if (v->open_mapper != VMM_NONE)
		share_touched(v, v->open_mapper, plan->write);
	page_map_in(v, p);
	mmu_sync(v, plan->page);
	v->stats.faults_write += plan->kind == FAULT_WRITE;
	v->stats.faults_soft += plan->kind == FAULT_SOFT && !p->prefetched;
	v->stats.faults_cow += plan->kind == FAULT_COW;
	v->stats.faults_minor += plan->kind == FAULT_MINOR && !p->prefetched;
	if (p->prefetched)
		hits = prefetcher_used(v, plan->page);
	if (plan->kind == FAULT_WRITE)
		return hits;
	if (was_idle && class_has_bits(v))
		v->frames.bits[p->frame] |= FRAME_REF;
	if (v->class == POLICY_T && (v->flags & VMM_FLAG_LIVE))
		v->ops->touch(v->policy, p->frame, plan->write);
	return hits;
}

void core_fill(struct vmm *v, struct plan *plan)
{
	struct thread *t;
	struct page *p;
	bool becomes_mapped;
	uint32_t hits = 0;

	plan->n_idle = plan->n_evict = plan->n_prefetch = plan->n_map_ahead = 0;
	if (plan->kind == FAULT_ROOM || plan->kind == FAULT_PREFETCH) {
		if (plan->kind == FAULT_PREFETCH)
			prefetcher_fill(v, plan);
		plan_close(v);
		debug_check(v);
		return;
	}
	becomes_mapped = v->pages[plan->page].state != PAGE_MAPPED;
	if (plan->kind == FAULT_SPURIOUS)
		v->stats.faults_spurious++;
	else if (plan->needs_frame)
		fill_page(v, plan);
	else
		hits = touch_page(v, plan);
	p = &v->pages[plan->page];
	if (p->frame != VMM_NONE) {
		if (v->prefetcher)
			prefetcher_event(v, plan, hits);
		t = v->alone ? NULL : thread_find(v, plan->thread);
		if (t)
			hold_take(v, t, plan->page);
		if (v->use_window && becomes_mapped)
			window_enter(v, p->frame, plan);
	}
	plan_close(v);
	debug_check(v);
}
