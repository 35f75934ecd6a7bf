/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.c - plans: opening and closing one, and the steps between the states of a page. What a fault needs is in core_fault.c, which
 * pages leave for it in core_victims.c, and how it ends in core_fill.c.
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

#ifdef VMM_DEBUG
#include <assert.h>
#endif

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

void page_map_in(struct vmm *v, struct page *p)
{
	p->state = PAGE_MAPPED;
	p->flags &= (uint8_t)~PAGE_WRITABLE;
	if (may_write(v, p->frame))
		p->flags |= PAGE_WRITABLE;
}

/* MAPPED -> IDLE; the driver unmaps the page because it is in plan->idle. */
void page_idle(struct vmm *v, uint32_t id, struct plan *plan)
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
void page_stays(struct vmm *v, struct page *p)
{
	p->state = PAGE_MAPPED;
	if (class_has_bits(v) && !(p->flags & PAGE_PROBATION))
		v->frames.bits[p->frame] |= FRAME_REF;
}

void evict_undo(struct vmm *v, struct page *p)
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
void evict_list_settle(struct vmm *v)
{
	for (uint32_t i = 0; i < v->n_evict; i++) {
		struct page *p = &v->pages[v->evict[i]];

		if (p->state == PAGE_EVICTING)
			evict_undo(v, p);
	}
	v->n_evict = 0;
}

void plan_undo(struct vmm *v)
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

void plan_open(struct vmm *v, struct plan *plan, enum fault_kind kind, uint32_t page,
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
