/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_in_place.c - the usual fault of the simulator, in one go: one page leaves its frame, and another takes its place.
 *
 * It is core_fault, core_evicted and core_fill, and the MMU's part of each, as far as they apply when nothing is there that they
 * provide for otherwise: a struct vmm that is `plain`, every frame taken, no page with several addresses, no region, no plan
 * left open. What is done, and in which order the policy hears of it, is theirs; only nobody looks between the steps.
 */
#include "core/fault_in_place.h"

#include <errno.h>

bool plain_setup(const struct vmm *v)
{
	const struct mmu *m = v->mmu;

	return v->direct && m->has_tlb && m->table.ops->levels && !m->table.walk_cache &&
	       !v->slots && !v->large && !v->writebacks && !v->ops->surplus && v->batch == 1 &&
	       !(v->flags & VMM_FLAG_TRACK_DIRTY);
}

/* A page of which nothing is in memory, and a full memory in which nothing is shared or half done. */
static bool applies(const struct vmm *v, uint32_t value)
{
	if (frames_free(&v->frames) || v->share.made || v->spaces || v->threads ||
	    v->open_page != VMM_NONE || v->n_evict || v->n_rejected)
		return false;
	return value == VMM_NONE || v->pages[value].state == PAGE_ABSENT ||
	       v->pages[value].state == PAGE_STORED;
}

/* The entry of the page in the frame; NULL: not known. */
static pte_t *entry_at(const struct vmm *v, uint32_t f)
{
	return v->mmu->entry_of[f];
}

/* The pages whose bits the policy has cleared are idle now, but for the victim, which is not FRAME_USED any more. */
static void cleared_idle(struct vmm *v)
{
	struct frame_table *t = &v->frames;

	for (uint32_t i = 0; i < t->cleared_count; i++) {
		uint32_t f = t->cleared[i];
		struct page *p = &v->pages[t->page[f]];
		pte_t *e = entry_at(v, f);

		if ((t->bits[f] & (FRAME_USED | FRAME_REF)) != FRAME_USED ||
		    p->state != PAGE_MAPPED)
			continue;
		p->state = PAGE_IDLE;
		p->flags &= (uint8_t)~PAGE_WRITABLE;
		v->stats.references_cleared++;
		if (!e) {
			mmu_changed(v, t->page[f]);
			continue;
		}
		*e &= ~(pte_t)PTE_ACCESSED;
		tlb_invalidate(&v->mmu->tlb, p->space, p->vpn);
	}
	t->cleared_count = 0;
}

/* The page in frame f, which is lifted, leaves for good. */
static void victim_leave(struct vmm *v, uint32_t f)
{
	uint32_t id = v->frames.page[f];
	struct page *p = &v->pages[id];
	pte_t *e = entry_at(v, f);
	pte_t before = e ? *e : 0;

	p->state = PAGE_EVICTING;
	if (e)
		*e = pte_absent(before);
	else
		mmu_changed(v, id);
	v->mmu->entry_of[f] = NULL;
	if (before & PTE_ACCESSED)
		tlb_invalidate(&v->mmu->tlb, p->space, p->vpn);
	cleared_idle(v);
	if (!v->ops->replace)
		v->ops->remove(v->policy, f, id, REMOVE_EVICT);
	eviction_count(v, p, frame_dirty(&v->frames, f));
	page_out(v, p);
}

/* The page has an entry, which is returned. NULL: none could be made. */
static pte_t *entry_enter(struct vmm *v, const struct mmu_access *a, const struct page *p,
			  bool write)
{
	uint32_t flags = PTE_PRESENT | PTE_WRITABLE | (write ? PTE_DIRTY : 0) |
			 (p->state == PAGE_MAPPED ? PTE_ACCESSED : 0);
	struct mmu *m = v->mmu;
	pte_t *e = a->entry;

	if (e)
		*e = pte_make(p->frame, PAGE_4K, flags);
	else if (page_table_make(&m->table, a->space, a->vpn, PAGE_4K, p->frame, flags, &e))
		m->incomplete = true;
	return m->entry_of[p->frame] = e;
}

/* The page is in its frame f, and the policy knows: old is the page that was there. */
static pte_t *page_replace(struct vmm *v, const struct mmu_access *a, uint32_t id, uint32_t f,
			   uint32_t old, bool write)
{
	struct frame_table *t = &v->frames;
	struct page *p = &v->pages[id];
	pte_t *e;

	fill_count(v, p->state == PAGE_STORED, 1);
	v->footprint += p->state == PAGE_ABSENT;
	t->pins[f] = 0;
	frame_settle(t, f, id);
	if (write)
		t->bits[f] |= FRAME_DIRTY;
	page_enter(v, p, f, VMM_NONE);
	e = entry_enter(v, a, p, write);
	if (v->ops->replace)
		v->ops->replace(v->policy, f, old, id);
	else
		v->ops->insert(v->policy, f, id);
	if (v->flags & VMM_FLAG_TIME_FAULTS)
		v->now++;
	peaks_note(v);
	debug_check(v);
	return e;
}

int fault_in_place(struct vmm *v, const struct mmu_access *a, uint32_t value, bool write)
{
	struct frame_table *t = &v->frames;
	uint32_t id = value, old, f;
	pte_t *e;

	if (a->hit || !applies(v, value))
		return -EAGAIN;
	if (id == VMM_NONE)
		id = page_new(v, a->space, a->vpn);
	if (id == VMM_NONE)
		return -ENOMEM;
	if (v->ops->fault)
		v->ops->fault(v->policy, id);
	f = v->ops->victim(v->policy, id);
	if (f >= t->fresh || !frame_evictable(t, f)) {
		victim_none(v);
		return -ENOMEM;
	}
	old = t->page[f];
	frame_lift(t, f);
	victim_leave(v, f);
	e = page_replace(v, a, id, f, old, write);
	if (!e || v->pages[id].state != PAGE_MAPPED)
		return mmu_end(v, a, id, write, true) ? -ENOMEM : RESULT_FRAME;
	page_table_walk_to(&v->mmu->table, a->space, a->vpn, e); /* the instruction starts again */
	tlb_fill(&v->mmu->tlb, a->vpn, *e);
	mmu_count(v, false);
	return RESULT_FRAME;
}
