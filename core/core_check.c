/* SPDX-License-Identifier: Apache-2.0 */
/* core_check.c - every invariant of core.h, core_internal.h and frame.h, and the policy's own, looked at from outside. */
#include "core/core_internal.h"
#include "core/mmu.h"
#include "core/region.h"

#include <errno.h>

/* State, flags and frame of one page agree. */
static bool page_ok(const struct vmm *v, uint32_t id)
{
	const struct page *p = &v->pages[id];
	const struct frame_table *t = &v->frames;
	bool taken = page_resident(p) || p->state == PAGE_EVICTING;
	bool ref;

	if (!(p->sharing & PAGE_MAPPERS) && !page_is_copy(v, id) &&
	    core_find(v, p->space, p->vpn) != id)
		return false;
	if (!taken)
		return p->frame == VMM_NONE && !p->prefetched && !(p->flags & ~PAGE_HAS_COPY) &&
		       (p->state != PAGE_STORED || page_has_store(p)) &&
		       (p->state != PAGE_ABSENT || !page_has_store(p)) &&
		       (p->state != PAGE_FILLING || v->open_page == id);
	if (p->frame >= t->fresh || t->page[p->frame] != id)
		return false;
	if (page_resident(p) != !!(t->bits[p->frame] & FRAME_USED))
		return false;
	if (!!(p->flags & PAGE_HELD) != (v->holds[p->frame] != 0) ||
	    t->pins[p->frame] < v->holds[p->frame])
		return false;
	ref = frame_referenced(t, p->frame);
	if (p->prefetched && p->state != PAGE_IDLE && !v->prefetcher->windows &&
	    !(p->state == PAGE_EVICTING && p->flags & PAGE_WAS_IDLE))
		return false;
	if (p->state == PAGE_IDLE && (ref || (v->class == POLICY_F && !p->prefetched)))
		return false;
	if (p->state == PAGE_MAPPED && v->class == POLICY_R1 && !ref)
		return false;
	if ((p->flags & PAGE_PROBATION) && (ref || p->state == PAGE_IDLE))
		return false;
	if (!(p->flags & PAGE_WAS_IDLE))
		return true;
	return p->state == PAGE_EVICTING;
}

static bool pages_ok(const struct vmm *v)
{
	uint64_t footprint = 0, taken = 0;
	uint32_t gone = 0;

	for (uint32_t id = 0; id < v->page_count; id++) {
		const struct page *p = &v->pages[id];

		if (p->flags & PAGE_GONE) {
			gone++;
			continue;
		}
		if (!page_ok(v, id))
			return false;
		footprint += p->state != PAGE_ABSENT ? base_pages(p) : 0;
		taken += p->frame != VMM_NONE;
	}
	for (uint32_t id = v->page_free; id != VMM_NONE; id = v->pages[id].frame)
		if (id >= v->page_count || !(v->pages[id].flags & PAGE_GONE) || !gone--)
			return false;
	return gone == 0 && footprint == v->footprint &&
	       taken == (uint64_t)v->frames.used + v->frames.in_transit;
}

/* Members know their list and are in a state that may be in it. */
static bool list_ok(const struct vmm *v, const struct frame_list *l, bool probation)
{
	if (!v->in_list)
		return l->count == 0;
	if (frame_list_check(&v->frames, &v->links, l))
		return false;
	for (uint32_t f = l->head; f != VMM_NONE; f = v->links.at[f].next) {
		const struct page *p = &v->pages[v->frames.page[f]];

		if (v->in_list[f] != l || probation != !!(p->flags & PAGE_PROBATION))
			return false;
		if (p->state != PAGE_MAPPED && p->state != PAGE_EVICTING)
			return false;
	}
	return true;
}

/* A thread holds few enough pages, each once, and they are there for it. */
static bool held_ok(const struct vmm *v, const struct thread *t)
{
	enum page_state held_state = v->class == POLICY_R0 && !v->probation ? PAGE_IDLE
									    : PAGE_MAPPED;

	if (t->n_held > v->hold_depth)
		return false;
	for (uint32_t i = 0; i < t->n_held; i++) {
		const struct page *p = &v->pages[t->held[i]];

		if (!(p->flags & PAGE_HELD) || (p->state != PAGE_MAPPED && p->state != held_state))
			return false;
		for (uint32_t k = 0; k < i; k++)
			if (t->held[i] == t->held[k])
				return false;
	}
	return true;
}

static uint32_t holders(const struct vmm *v, uint32_t page)
{
	uint32_t n = 0;

	for (const struct thread *t = v->threads; t; t = t->hh.next)
		for (uint32_t i = 0; i < t->n_held; i++)
			n += t->held[i] == page;
	return n;
}

static bool threads_ok(const struct vmm *v)
{
	uint64_t held = 0, holds = 0, probation = v->orphans.count, flagged = 0;
	uint32_t threads = HASH_COUNT(v->threads), half = v->frames.capacity / 2;

	if (!list_ok(v, &v->orphans, true) || !list_ok(v, &v->window_fifo, false))
		return false;
	for (const struct thread *t = v->threads; t; t = t->hh.next) {
		held += t->n_held;
		probation += t->probation.count;
		if (!held_ok(v, t) || !list_ok(v, &t->probation, true))
			return false;
	}
	if (v->hold_depth != hold_depth(v) || held > (half > threads ? half : threads))
		return false;
	for (uint32_t f = 0; f < v->frames.fresh; f++) {
		holds += v->holds[f];
		if (v->holds[f] && v->holds[f] != holders(v, v->frames.page[f]))
			return false;
		if (v->frames.page[f] != VMM_NONE)
			flagged += !!(v->pages[v->frames.page[f]].flags & PAGE_PROBATION);
	}
	return held == holds && flagged == probation;
}

int core_check(const struct vmm *v)
{
	if (frame_table_check(&v->frames) || v->frames.cleared_count)
		return -EINVAL;
	if (!pages_ok(v) || !threads_ok(v) || vm_stats_check(&v->stats))
		return -EINVAL;
	if (!share_check(v) || !space_regions_check(v))
		return -EINVAL;
	if (v->mmu && mmu_check(v))
		return -EINVAL;
	if (v->physical && physical_check(v))
		return -EINVAL;
	if (v->slots && slots_check(v))
		return -EINVAL;
	if (!writebacks_check(v) || prefetcher_check(v) || (v->large && large_check(v)))
		return -EINVAL;
	return v->ops->check(v->policy);
}
