/* SPDX-License-Identifier: Apache-2.0 */
/* mmu.c - page tables and TLB of a struct vmm: following the core, translating references, the check. */
#include "core/mmu.h"
#include "core/core_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REACH_TICKS 65536u  /* references between looks at the TLB's reach: linear in its entries */
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
	free(v->mmu);
	v->mmu = NULL;
}

/*
 * The entry that the page should have at one of its addresses; 0: none that is present. The dirty bits of pages with
 * several addresses are left out: each address has its own, set by walks, and none outlives the frame's.
 */
static pte_t wanted(const struct vmm *v, uint32_t id, const struct mapping *m)
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
	return pte_make(page_place(v, p), PAGE_4K, flags);
}

/* Writes one of the page's entries. True when the TLB may hold what was there before. */
static bool entry_write(struct vmm *v, uint32_t id, const struct mapping *at)
{
	struct mmu *m = v->mmu;
	pte_t now = wanted(v, id, at), before = 0, *e;

	if (!m->has_table)
		return m->has_tlb && tlb_holds(&m->tlb, at->space, at->vpn, &before) &&
		       before != now;
	e = page_table_find(&m->table, at->space, at->vpn);
	before = e ? *e : 0;
	if (now && v->pages[id].sharing && frame_dirty(&v->frames, v->pages[id].frame))
		now |= before & PTE_PRESENT ? before & PTE_DIRTY : 0;
	if (!now && !e)
		return false;
	if (e && !m->table.ops->by_frame)
		*e = now ? now : pte_absent(*e);
	else if (!now)
		page_table_absent(&m->table, at->space, at->vpn);
	else if (page_table_map(&m->table, at->space, at->vpn, PAGE_4K, pte_frame(now),
				(uint32_t)now & PTE_FLAGS))
		m->incomplete = true;
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

int mmu_begin(struct vmm *v, struct mmu_access *a, uint32_t space, uint64_t vpn, bool write)
{
	struct mmu *m = v->mmu;

	*a = (struct mmu_access){ .space = space, .vpn = vpn };
	if (m->has_table && !page_table_fits(&m->table, vpn))
		return -ERANGE;
	if (m->has_table && m->has_tlb && m->space != space && !m->tlb.asids)
		page_table_flush_cache(&m->table);
	m->space = space;
	a->hit = m->has_tlb && tlb_lookup(&m->tlb, space, vpn, &a->pte) != TLB_MISS;
	if (!a->hit && m->has_table)
		a->pte = page_table_walk(&m->table, space, vpn, write, NULL);
	return 0;
}

/* The entry as it is when the reference has been served. 0: it could not be made. */
static pte_t entry_served(struct vmm *v, const struct mmu_access *a, uint32_t id)
{
	struct mmu *m = v->mmu;
	struct mapping at;
	pte_t *e;

	if (!m->has_table) {
		mapping_at(v, a->space, a->vpn, id, &at);
		return wanted(v, id, &at);
	}
	e = page_table_find(&m->table, a->space, a->vpn);
	if (e && *e & PTE_PRESENT)
		return *e;
	mmu_changed(v, id);
	e = page_table_find(&m->table, a->space, a->vpn);
	return e ? *e : 0;
}

/* The TLB learns what the reference has shown. 0, -ENOMEM. */
static int load(struct vmm *v, const struct mmu_access *a, uint32_t id, bool write, bool fault)
{
	const struct page *p = &v->pages[id];
	struct mmu *m = v->mmu;
	bool sets_dirty = a->hit && write && !(a->pte & PTE_DIRTY);
	pte_t pte = 0;

	if (p->state != PAGE_MAPPED || (a->hit && !fault && !sets_dirty))
		return 0;
	if (m->has_table && (fault || sets_dirty))
		pte = page_table_walk(&m->table, a->space, a->vpn, write, NULL);
	else if (!m->has_tlb && a->pte)
		return 0;
	if (!pte)
		pte = entry_served(v, a, id);
	if (!pte)
		return -ENOMEM;
	if (write && !m->has_table)
		pte |= PTE_DIRTY;
	if (!m->has_tlb)
		return 0;
	if (a->hit && !fault)
		tlb_update(&m->tlb, a->space, a->vpn, pte);
	else
		tlb_insert(&m->tlb, a->space, a->vpn, pte);
	return 0;
}

static void reach_note(struct mmu *m)
{
	uint64_t bytes = tlb_reach_bytes(&m->tlb);

	m->tick = 0;
	if (m->reach_bytes < bytes)
		m->reach_bytes = bytes;
}

int mmu_end(struct vmm *v, const struct mmu_access *a, uint32_t id, bool write, bool fault)
{
	struct mmu *m = v->mmu;
	int err = load(v, a, id, write, fault);

	if (err || !m->has_tlb)
		return err;
	v->stats.tlb_hits += a->hit;
	v->stats.tlb_misses += !a->hit;
	if (++m->tick == REACH_TICKS)
		reach_note(m);
	return 0;
}

void mmu_walks(const struct vmm *v, struct vm_stats *s)
{
	if (v->mmu->has_table)
		s->pt_walk_accesses = v->mmu->table.stats.walk_accesses;
}

void mmu_stats(const struct vmm *v, struct vm_stats *s)
{
	const struct mmu *m = v->mmu;

	if (m->has_table) {
		mmu_walks(v, s);
		s->pt_bytes = m->table.stats.bytes_peak;
	}
	if (m->has_tlb) {
		reach_note(v->mmu);
		s->tlb_shootdowns = m->tlb.stats.shootdowns;
		s->tlb_reach_bytes = m->reach_bytes;
	}
}

int vmm_counter_applies(const struct vmm *v, const struct vm_stat_info *counter)
{
	if (!strncmp(counter->name, "tlb_", 4))
		return v->mmu && v->mmu->has_tlb;
	if (!strncmp(counter->name, "pt_", 3))
		return v->mmu && v->mmu->has_table;
	if (!strncmp(counter->name, "numa_", 5) || !strcmp(counter->name, "node_balance"))
		return v->physical && v->physical->has_numa;
	if (!strncmp(counter->name, "prefetch_", 9))
		return v->prefetcher != NULL;
	if (!strcmp(counter->name, "swap_used"))
		return v->slots != NULL;
	return events_counter_applies(v, counter->name);
}

/* The page's entry is what it should be, and so is what the TLB knows of it. *held counts pages that it knows. */
static bool entry_ok(const struct vmm *v, uint32_t id, const struct mapping *at, uint64_t *held)
{
	struct mmu *m = v->mmu; /* a look into a table may change what was looked up last */
	const struct page *p = &v->pages[id];
	pte_t now = wanted(v, id, at), *e, pte;

	if (m->has_table) {
		e = page_table_find(&m->table, at->space, at->vpn);
		/* the walk for a write to an idle page has set a bit that goes when the copy takes its place */
		if (now && id == v->open_source)
			now |= e ? *e & PTE_ACCESSED : 0;
		if (now && p->sharing && frame_dirty(&v->frames, p->frame))
			now |= e ? *e & PTE_DIRTY : 0;
		if (now ? !e || *e != now : e && *e & PTE_PRESENT)
			return m->incomplete;
	}
	if (!m->has_tlb || !tlb_holds(&m->tlb, at->space, at->vpn, &pte))
		return true;
	++*held;
	return p->state == PAGE_MAPPED && now && pte_frame(pte) == pte_frame(now) &&
	       !(pte & PTE_WRITABLE) == !(now & PTE_WRITABLE) &&
	       (frame_dirty(&v->frames, p->frame) || !(pte & PTE_DIRTY));
}

static bool page_ok(const struct vmm *v, uint32_t id, uint64_t *held)
{
	struct mapping at;

	if (v->pages[id].flags & PAGE_GONE || page_is_copy(v, id))
		return true;
	for (bool more = mapping_first(v, id, &at); more; more = mapping_next(v, id, &at))
		if (!entry_ok(v, id, &at, held))
			return false;
	return true;
}

int mmu_check(const struct vmm *v)
{
	const struct mmu *m = v->mmu;
	uint64_t held = 0;

	if ((m->has_table && page_table_check(&m->table)) || (m->has_tlb && tlb_check(&m->tlb)))
		return -EINVAL;
	for (uint32_t id = 0; id < v->page_count; id++)
		if (!page_ok(v, id, &held))
			return -EINVAL;
	if (m->has_tlb && (tlb_reach_bytes(&m->tlb) >> v->page_shift != held ||
			   v->stats.tlb_hits + v->stats.tlb_misses != v->stats.accesses))
		return -EINVAL;
	return 0;
}
