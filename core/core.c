/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.c - faults and plans: what a fault needs, which pages leave for it, which reference bits end.
 *
 * A plan is open from core_fault or core_room_begin to core_fill. While it is open
 *  - its page is FILLING, or resident and pinned once by the plan (open_pinned);
 *  - victims that were chosen and not reported are EVICTING: their frames are in transit, hence not FRAME_USED, hence
 *    not evictable, and the policy passes over them;
 *  - frames whose eviction failed are FRAME_REJECTED.
 * plan_close undoes all three; core_fault calls it too, for plans that were given up.
 */
#include "core/core_internal.h"
#include "core/mmu.h"

#include <errno.h>
#ifdef VMM_DEBUG
#include <assert.h>
#endif

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

void list_enter(struct vmm *v, struct frame_list *l, uint32_t f)
{
	frame_list_push_tail(&v->links, l, f);
	v->in_list[f] = l;
}

void list_leave(struct vmm *v, uint32_t f)
{
	if (!v->in_list || !v->in_list[f])
		return;
	frame_list_remove(&v->links, v->in_list[f], f);
	v->in_list[f] = NULL;
}

void peaks_note(struct vmm *v)
{
	uint64_t frames = frames_taken(v);

	if (v->stats.resident_peak_frames < frames)
		v->stats.resident_peak_frames = frames;
	if (v->stats.footprint_pages < v->footprint)
		v->stats.footprint_pages = v->footprint;
}

#ifdef VMM_DEBUG
/* The law of frames always; everything (linear in pages) at each early step of a small run, else rarely. */
void debug_check(struct vmm *v)
{
	const struct frame_table *t = &v->frames;
	bool small = t->capacity <= 256 && v->page_count <= 1024 && v->debug_full < 1024;

	assert((uint64_t)t->used + t->in_transit + t->free_count + (t->capacity - t->fresh) ==
	       t->capacity);
	if (!small && ++v->debug_tick < max_u32(1024, v->page_count))
		return;
	v->debug_tick = 0;
	v->debug_full++;
	assert(core_check(v) == 0);
}
#endif

/* Mapped pages are writable exactly when they are dirty, if writes are tracked. */
static bool may_write(const struct vmm *v, uint32_t f)
{
	return !(v->flags & VMM_FLAG_TRACK_DIRTY) || frame_dirty(&v->frames, f);
}

static void page_map_in(struct vmm *v, struct page *p)
{
	p->state = PAGE_MAPPED;
	p->flags &= (uint8_t)~PAGE_WRITABLE;
	if (may_write(v, p->frame))
		p->flags |= PAGE_WRITABLE;
}

/* MAPPED -> IDLE; the driver unmaps the page because it is in plan->idle. */
static void page_idle(struct vmm *v, uint32_t id, struct plan *plan)
{
	struct page *p = &v->pages[id];

	p->state = PAGE_IDLE;
	p->flags &= (uint8_t) ~(PAGE_PROBATION | PAGE_WRITABLE);
	v->frames.bits[p->frame] &= (uint8_t)~FRAME_REF;
	list_leave(v, p->frame);
	v->idle[plan->n_idle++] = id;
	v->stats.references_cleared++;
	mmu_sync(v, id);
}

/* An eviction or an unmapping did not happen: the page is still mapped, and in use. */
static void page_stays(struct vmm *v, struct page *p)
{
	p->state = PAGE_MAPPED;
	if (class_has_bits(v) && !(p->flags & PAGE_PROBATION))
		v->frames.bits[p->frame] |= FRAME_REF;
}

static void evict_undo(struct vmm *v, struct page *p)
{
	frame_unlift(&v->frames, p->frame);
	v->frames.bits[p->frame] |= FRAME_REJECTED;
	v->n_rejected++;
	if (p->flags & PAGE_WAS_IDLE)
		p->state = PAGE_IDLE;
	else
		page_stays(v, p);
	p->flags &= (uint8_t)~PAGE_WAS_IDLE;
	if (v->slots)
		slots_stays(v, v->frames.page[p->frame]);
	mmu_sync(v, v->frames.page[p->frame]);
}

/* Victims of the open plan that the driver never reported stay where they are. */
static void evict_list_settle(struct vmm *v)
{
	for (uint32_t i = 0; i < v->n_evict; i++) {
		struct page *p = &v->pages[v->evict[i]];

		if (p->state == PAGE_EVICTING)
			evict_undo(v, p);
	}
	v->n_evict = 0;
}

static void plan_close(struct vmm *v)
{
	struct page *p;

	evict_list_settle(v);
	if (v->n_rejected) {
		for (uint32_t f = 0; f < v->frames.fresh; f++)
			v->frames.bits[f] &= (uint8_t)~FRAME_REJECTED;
		v->n_rejected = 0;
	}
	share_source_release(v);
	v->open_mapper = VMM_NONE;
	if (v->open_page == VMM_NONE)
		return;
	p = &v->pages[v->open_page];
	if (v->open_pinned) {
		frame_unpin(&v->frames, p->frame);
	} else if (p->state == PAGE_FILLING) {
		p->state = page_has_store(p) ? PAGE_STORED : PAGE_ABSENT;
		v->footprint -= p->state == PAGE_ABSENT ? base_pages(p) : 0;
		if (v->open_source != VMM_NONE)
			share_copy_abandon(v, v->open_page);
	}
	v->open_page = v->open_source = VMM_NONE;
	v->open_pinned = false;
}

void plan_abandon(struct vmm *v)
{
	plan_close(v);
}

static void plan_open(struct vmm *v, struct plan *plan, enum fault_kind kind, uint32_t page,
		      uint32_t thread, bool write)
{
	plan_close(v);
	plan->page = page;
	plan->thread = thread;
	plan->kind = kind;
	plan->write = write;
	plan->writable = true;
	plan->needs_frame = page == VMM_NONE || !page_resident(&v->pages[page]);
	plan->source = VMM_NONE;
	plan->n_idle = plan->n_evict = plan->n_prefetch = plan->n_map_ahead = 0;
	plan->map = false;
	plan->idle = v->idle;
	plan->evict = v->evict;
	v->open_page = page;
	if (page == VMM_NONE)
		return;
	if (plan->needs_frame) {
		if (v->pages[page].state == PAGE_ABSENT)
			v->footprint += base_pages(&v->pages[page]);
		v->pages[page].state = PAGE_FILLING;
		plan->writable = write || !(v->flags & VMM_FLAG_TRACK_DIRTY);
	} else {
		v->open_pinned = true;
		frame_pin(&v->frames, v->pages[page].frame);
		plan->writable = write || may_write(v, v->pages[page].frame);
	}
}

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
static int victims_choose(struct vmm *v, struct plan *plan)
{
	uint32_t n_max = min_u32(v->batch, max_u32(1, v->frames.used / 2));

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

/* The policy learns of the plan's page and, when no frame is free for it, makes room. */
static int frame_plan(struct vmm *v, struct plan *plan)
{
	bool evict = room_for(v, plan->page) == 0;
	int err;

	if (evict && v->pages[plan->page].order && frames_taken(v) < v->frames.capacity) {
		if (large_shrink(v, plan->page)) {
			plan_close(v);
			return -ENOMEM;
		}
		evict = room_for(v, plan->page) == 0;
	}
	if (v->ops->fault)
		v->ops->fault(v->policy, plan->page);
	if (v->large)
		v->large->splits = v->large->config.mode == LARGE_AUTO;
	err = evict ? victims_choose(v, plan) : 0;
	if (v->large)
		v->large->splits = false;
	if (!err)
		return 0;
	if (v->large && v->large->victim != VMM_NONE && victim_split(v, plan) == 0)
		return frame_plan(v, plan);
	while (plan->n_idle)
		core_idle_failed(v, v->idle[--plan->n_idle]);
	plan_close(v);
	return -ENOMEM;
}

int core_fault(struct vmm *v, uint32_t space, uint64_t vpn, bool write, uint32_t thread,
	       struct plan *plan)
{
	uint32_t id, mapper, source = VMM_NONE;
	enum fault_kind kind;
	struct thread *t;
	bool evict, copy;
	int err;

	*plan = (struct plan){ .page = VMM_NONE, .source = VMM_NONE, .thread = thread };
	plan_close(v);
	t = thread_make(v, thread);
	if (v->large)
		v->large->fault_vpn = vpn;
	err = t ? share_at(v, space, vpn, write, &id, &mapper) : -ENOMEM;
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
	hold_advance(v, t, id);
	plan_open(v, plan, kind, id, thread, write);
	if (mapper != VMM_NONE)
		share_plan(v, plan, mapper, source);
	if (plan->kind == FAULT_SPURIOUS)
		return 0;
	evict = plan->needs_frame && room_for(v, id) == 0;
	if (v->probation) {
		if (evict || probation_over(v, t) >= v->batch)
			probation_end(v, &t->probation, plan);
		probation_end(v, &v->orphans, plan);
	}
	return plan->needs_frame ? frame_plan(v, plan) : 0;
}

int core_prefetch(struct vmm *v, uint32_t page, bool map, struct plan *plan)
{
	if (v->pages[page].state != PAGE_STORED)
		return -EALREADY;
	plan_open(v, plan, FAULT_PREFETCH, page, VMM_NONE, false);
	plan->map = map;
	return frame_plan(v, plan);
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
	while (v->ops->surplus && plan->n_evict < v->batch &&
	       victim_take(v, plan, v->ops->surplus(v->policy)))
		;
	victims_mark(v, plan);
	cleared_collect(v, plan);
}

void core_evicted(struct vmm *v, uint32_t page, int dirty)
{
	struct page *p = &v->pages[page];
	uint32_t f = p->frame;

	if (p->state != PAGE_EVICTING)
		return;
	if (dirty < 0 ? frame_dirty(&v->frames, f) : dirty) {
		if (p->sharing & PAGE_FILE) {
			v->stats.file_writes++;
			v->stats.file_evictions_dirty++;
		} else {
			p->flags |= PAGE_HAS_COPY;
			v->stats.store_writes += base_pages(p);
		}
		v->stats.evictions_dirty++;
	} else {
		v->stats.evictions_clean++;
		v->stats.file_evictions_clean += !!(p->sharing & PAGE_FILE);
	}
	v->stats.evictions++;
	if (p->sharing)
		share_absent(v, page);
	v->ops->remove(v->policy, f, page, REMOVE_EVICT);
	list_leave(v, f);
	frame_back(v, f);
	p->frame = VMM_NONE;
	p->flags &= PAGE_HAS_COPY;
	if (p->prefetched)
		prefetcher_wasted(v, page);
	if (v->slots && !p->flags)
		slots_release(v, page);
	p->state = page_has_store(p) ? PAGE_STORED : PAGE_ABSENT;
	v->footprint -= p->state == PAGE_ABSENT ? base_pages(p) : 0;
	debug_check(v);
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

void core_idle_failed(struct vmm *v, uint32_t page)
{
	struct page *p = &v->pages[page];

	if (p->state != PAGE_IDLE)
		return;
	v->stats.references_cleared--;
	page_map_in(v, p);
	page_stays(v, p);
	if (v->use_window)
		list_enter(v, &v->window_fifo, p->frame);
	mmu_sync(v, page);
}

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
	v->ops->insert(v->policy, f, plan->page);
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
		t = thread_find(v, plan->thread);
		if (t)
			hold_take(v, t, plan->page);
		if (v->use_window && becomes_mapped)
			window_enter(v, p->frame, plan);
	}
	plan_close(v);
	debug_check(v);
}
