/* SPDX-License-Identifier: Apache-2.0 */
/* mmu.c - page tables and TLB of a struct vmm: making them, and following the core. See mmu.h. */
#include "core/mmu.h"
#include "core/core_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SHOOTDOWN_PAGES 64u /* addresses of one round of requests on the stack */

/* An address whose translation the TLB must not use any more. */
struct stale {
	uint64_t vpn;
	uint32_t space;
};

static int tlb_make(struct mmu *m, const char *spec, uint32_t page_shift, uint64_t seed)
{
	struct tlb_config c;
	const char *bad;
	int err = tlb_parse(spec, &c, &bad);

	if (!err)
		err = tlb_init(&m->tlb, &c, page_shift, seed);
	m->has_tlb = !err;
	return err;
}

int mmu_create(struct vmm *v, const struct vmm_mmu *c, uint64_t seed)
{
	struct page_table_config table = { .kind = c->page_table,
					   .frames = v->frames.capacity,
					   .page_shift = v->page_shift,
					   .walk_cache = c->walk_cache };
	struct mmu *m;
	int err = 0;

	if (!c->page_table && !c->tlb)
		return 0;
	if (v->page_shift < PAGE_TABLE_SHIFT_MIN || (c->walk_cache && !c->page_table))
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	v->mmu = m;
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
	m->entry_of = calloc(v->frames.capacity, sizeof(*m->entry_of));
	if (!m->entry_of)
		return -ENOMEM;
	if (c->page_table) {
		err = page_table_init(&m->table, &table);
		m->has_table = !err;
	}
	if (!err && c->tlb)
		err = tlb_make(m, c->tlb, v->page_shift, seed);
	return err;
}

void mmu_destroy(struct vmm *v)
{
	if (!v->mmu)
		return;
	if (v->mmu->has_table)
		page_table_destroy(&v->mmu->table);
	if (v->mmu->has_tlb)
		tlb_destroy(&v->mmu->tlb);
	free(v->mmu->entry_of);
	free(v->mmu);
	v->mmu = NULL;
}

static enum page_size page_size(const struct page *p)
{
	return (enum page_size)(p->order / PAGE_SIZE_BITS);
}

pte_t mmu_wanted(const struct vmm *v, uint32_t id, const struct mapping *m)
{
	const struct page *p = &v->pages[id];
	bool mapped = p->state == PAGE_MAPPED, dirty;
	uint32_t flags = PTE_PRESENT;

	if (!page_resident(p) || !(m->flags & MAPPER_PRESENT))
		return 0;
	dirty = frame_dirty(&v->frames, p->frame);
	if (mapped)
		flags |= PTE_ACCESSED;
	if (dirty && !p->sharing)
		flags |= PTE_DIRTY;
	/* an idle page has lost its reference bit only */
	if (mapped ? p->flags & PAGE_WRITABLE : !(v->flags & VMM_FLAG_TRACK_DIRTY) || dirty)
		flags |= PTE_WRITABLE;
	if (p->sharing) {
		if (!share_may_write(p, m->flags) || m->flags & MAPPER_READ_ONLY)
			flags &= ~PTE_WRITABLE;
		if (!share_may_write(p, m->flags) && !(m->flags & MAPPER_READ_ONLY))
			flags |= PTE_COW;
		if (p->sharing & PAGE_FILE)
			flags |= PTE_FILE;
	}
	return pte_make(page_place(v, p), page_size(p), flags);
}

/* The page's entry at one of its addresses, or NULL. */
static pte_t *entry_find(struct vmm *v, const struct page *p, const struct mapping *at)
{
	struct mmu *m = v->mmu;
	pte_t *e = p->frame != VMM_NONE && !p->sharing ? m->entry_of[p->frame] : NULL;

	if (!e)
		e = mmu_known(m, at->space, at->vpn);
	return e ? e : page_table_find(&m->table, at->space, at->vpn);
}

/* There was none at this address. NULL: no memory. */
static pte_t *entry_make(struct mmu *m, const struct page *p, const struct mapping *at, pte_t now)
{
	pte_t *e;

	if (page_table_make(&m->table, at->space, at->vpn, page_size(p), pte_frame(now),
			    (uint32_t)now & PTE_FLAGS, &e)) {
		m->incomplete = true;
		return NULL;
	}
	mmu_walked(m, at->space, at->vpn, e);
	return e;
}

/* Writes one of the page's entries. True when the TLB may hold what was there before. */
static bool entry_write(struct vmm *v, uint32_t id, const struct mapping *at)
{
	struct mmu *m = v->mmu;
	const struct page *p = &v->pages[id];
	pte_t now = mmu_wanted(v, id, at), before = 0, *e;

	if (!m->has_table)
		return m->has_tlb && tlb_holds(&m->tlb, at->space, at->vpn, &before) &&
		       before != now;
	e = entry_find(v, p, at);
	before = e ? *e : 0;
	if (now && p->sharing && frame_dirty(&v->frames, p->frame))
		now |= before & PTE_PRESENT ? before & PTE_DIRTY : 0;
	if (!now && !e)
		return false;
	if (e && !m->table.ops->by_frame)
		*e = now ? now : pte_absent(*e);
	else if (!now)
		page_table_absent(&m->table, at->space, at->vpn);
	else if (e)
		m->incomplete |= page_table_map(&m->table, at->space, at->vpn, page_size(p),
						pte_frame(now), (uint32_t)now & PTE_FLAGS) != 0;
	else
		e = entry_make(m, p, at, now);
	if (p->frame != VMM_NONE && !m->table.ops->by_frame)
		m->entry_of[p->frame] = now && !p->sharing ? e : NULL;
	return m->has_tlb && before & PTE_PRESENT && before & PTE_ACCESSED && before != now;
}

void mmu_changed(struct vmm *v, uint32_t id)
{
	struct mapping at;

	for (bool more = mapping_first(v, id, &at); more; more = mapping_next(v, id, &at))
		if (entry_write(v, id, &at))
			tlb_invalidate(&v->mmu->tlb, at.space, at.vpn);
}

static void entry_forget(struct vmm *v, uint32_t id, const struct mapping *at)
{
	struct mmu *m = v->mmu;

	if (v->pages[id].frame != VMM_NONE)
		m->entry_of[v->pages[id].frame] = NULL;
	if (m->has_tlb && v->pages[id].state == PAGE_MAPPED && at->flags & MAPPER_PRESENT)
		tlb_invalidate(&m->tlb, at->space, at->vpn);
	if (m->has_table)
		page_table_unmap(&m->table, at->space, at->vpn);
}

void mmu_forget(struct vmm *v, uint32_t id)
{
	struct mapping at;

	for (bool more = mapping_first(v, id, &at); more; more = mapping_next(v, id, &at))
		entry_forget(v, id, &at);
}

void mmu_leave(struct vmm *v, uint32_t mapper)
{
	const struct mapper *m = &v->share.mappers[mapper];
	struct mapping at = { .vpn = m->vpn, .space = m->space, .flags = m->flags };

	entry_forget(v, m->page, &at);
}

bool mmu_forked(struct vmm *v, uint32_t id)
{
	struct mapping at;
	bool stale = false;

	for (bool more = mapping_first(v, id, &at); more; more = mapping_next(v, id, &at))
		stale |= entry_write(v, id, &at);
	return stale;
}

static int by_space(const void *a, const void *b)
{
	const struct stale *x = a, *y = b;

	if (x->space != y->space)
		return x->space < y->space ? -1 : 1;
	return x->vpn < y->vpn ? -1 : x->vpn > y->vpn;
}

/* One request a space. */
static void shoot_down(struct vmm *v, struct stale *s, uint32_t n)
{
	uint64_t vpns[SHOOTDOWN_PAGES];

	qsort(s, n, sizeof(*s), by_space);
	for (uint32_t i = 0, held; i < n; i += held) {
		for (held = 0; i + held < n && s[i + held].space == s[i].space; held++)
			vpns[held] = s[i + held].vpn;
		if (held == 1)
			tlb_invalidate(&v->mmu->tlb, s[i].space, vpns[0]);
		else
			tlb_invalidate_batch(&v->mmu->tlb, s[i].space, vpns, held);
	}
}

void mmu_evicting(struct vmm *v, const uint32_t *ids, uint32_t n)
{
	struct stale s[SHOOTDOWN_PAGES];
	struct mapping at;
	uint32_t held = 0;

	if (n == 1 && !v->pages[ids[0]].sharing) {
		mmu_changed(v, ids[0]);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		for (bool more = mapping_first(v, ids[i], &at); more;
		     more = mapping_next(v, ids[i], &at)) {
			if (!entry_write(v, ids[i], &at))
				continue;
			if (held == SHOOTDOWN_PAGES) {
				shoot_down(v, s, held);
				held = 0;
			}
			s[held++] = (struct stale){ at.vpn, at.space };
		}
	if (held)
		shoot_down(v, s, held);
}
