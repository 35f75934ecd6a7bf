/* SPDX-License-Identifier: Apache-2.0 */
/* mmu.c - page tables and TLB of a struct vmm: following the core, translating references, the check. */
#include "core/mmu.h"
#include "core/core_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REACH_TICKS 65536u  /* references between looks at the TLB's reach: linear in its entries */
#define SHOOTDOWN_PAGES 64u /* vpns of one request on the stack */

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

/* The entry that the page should have; 0: none that is present. */
static pte_t wanted(const struct vmm *v, const struct page *p)
{
	bool mapped = p->state == PAGE_MAPPED, dirty;
	uint32_t flags = PTE_PRESENT;

	if (!page_resident(p))
		return 0;
	dirty = frame_dirty(&v->frames, p->frame);
	if (mapped)
		flags |= PTE_ACCESSED;
	if (dirty)
		flags |= PTE_DIRTY;
	/* an idle page has lost its reference bit only */
	if (mapped ? p->flags & PAGE_WRITABLE : !(v->flags & VMM_FLAG_TRACK_DIRTY) || dirty)
		flags |= PTE_WRITABLE;
	return pte_make(page_place(v, p), PAGE_4K, flags);
}

/* Writes the page's entry. True when the TLB may hold what was there before. */
static bool entry_write(struct vmm *v, const struct page *p)
{
	struct mmu *m = v->mmu;
	pte_t now = wanted(v, p), before = 0, *e;

	if (!m->has_table)
		return m->has_tlb && tlb_holds(&m->tlb, p->space, p->vpn, &before) && before != now;
	e = page_table_find(&m->table, p->space, p->vpn);
	before = e ? *e : 0;
	if (!now && !e)
		return false;
	if (e && !m->table.ops->by_frame)
		*e = now ? now : pte_absent(*e);
	else if (!now)
		page_table_absent(&m->table, p->space, p->vpn);
	else if (page_table_map(&m->table, p->space, p->vpn, PAGE_4K, pte_frame(now),
				(uint32_t)now & PTE_FLAGS))
		m->incomplete = true;
	return m->has_tlb && before & PTE_PRESENT && before & PTE_ACCESSED && before != now;
}

void mmu_changed(struct vmm *v, uint32_t id)
{
	const struct page *p = &v->pages[id];

	if (entry_write(v, p))
		tlb_invalidate(&v->mmu->tlb, p->space, p->vpn);
}

void mmu_forget(struct vmm *v, uint32_t id)
{
	const struct page *p = &v->pages[id];
	struct mmu *m = v->mmu;

	if (m->has_tlb && page_resident(p) && p->state == PAGE_MAPPED)
		tlb_invalidate(&m->tlb, p->space, p->vpn);
	if (m->has_table)
		page_table_unmap(&m->table, p->space, p->vpn);
}

void mmu_evicting(struct vmm *v, const uint32_t *ids, uint32_t n)
{
	uint64_t vpns[SHOOTDOWN_PAGES];
	uint32_t space = 0, held = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct page *p = &v->pages[ids[i]];

		if (!entry_write(v, p))
			continue;
		if (held && (p->space != space || held == SHOOTDOWN_PAGES)) {
			tlb_invalidate_batch(&v->mmu->tlb, space, vpns, held);
			held = 0;
		}
		space = p->space;
		vpns[held++] = p->vpn;
	}
	if (held == 1)
		tlb_invalidate(&v->mmu->tlb, space, vpns[0]);
	else if (held)
		tlb_invalidate_batch(&v->mmu->tlb, space, vpns, held);
}

int mmu_begin(struct vmm *v, struct mmu_access *a, uint32_t space, uint64_t vpn, bool write)
{
	struct mmu *m = v->mmu;

	*a = (struct mmu_access){ false, 0 };
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
static pte_t entry_served(struct vmm *v, const struct page *p, uint32_t id)
{
	struct mmu *m = v->mmu;
	pte_t *e;

	if (!m->has_table)
		return wanted(v, p);
	e = page_table_find(&m->table, p->space, p->vpn);
	if (e && *e & PTE_PRESENT)
		return *e;
	mmu_changed(v, id);
	e = page_table_find(&m->table, p->space, p->vpn);
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
		pte = page_table_walk(&m->table, p->space, p->vpn, write, NULL);
	else if (!m->has_tlb && a->pte)
		return 0;
	if (!pte)
		pte = entry_served(v, p, id);
	if (!pte)
		return -ENOMEM;
	if (!m->has_tlb)
		return 0;
	if (a->hit && !fault)
		tlb_update(&m->tlb, p->space, p->vpn, pte);
	else
		tlb_insert(&m->tlb, p->space, p->vpn, pte);
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
	return true;
}

/* The page's entry is what it should be, and so is what the TLB knows of it. *held counts pages that it knows. */
static bool page_ok(const struct vmm *v, const struct page *p, uint64_t *held)
{
	struct mmu *m = v->mmu; /* a look into a table may change what was looked up last */
	pte_t now = wanted(v, p), *e, pte;

	if (m->has_table) {
		e = page_table_find(&m->table, p->space, p->vpn);
		if (now ? !e || *e != now : e && *e & PTE_PRESENT)
			return m->incomplete;
	}
	if (!m->has_tlb || !tlb_holds(&m->tlb, p->space, p->vpn, &pte))
		return true;
	++*held;
	return p->state == PAGE_MAPPED && pte_frame(pte) == pte_frame(now) &&
	       !(pte & PTE_WRITABLE) == !(now & PTE_WRITABLE) &&
	       (now & PTE_DIRTY || !(pte & PTE_DIRTY));
}

int mmu_check(const struct vmm *v)
{
	const struct mmu *m = v->mmu;
	uint64_t held = 0;

	if ((m->has_table && page_table_check(&m->table)) || (m->has_tlb && tlb_check(&m->tlb)))
		return -EINVAL;
	for (uint32_t id = 0; id < v->page_count; id++)
		if (!(v->pages[id].flags & PAGE_GONE) && !page_ok(v, &v->pages[id], &held))
			return -EINVAL;
	if (m->has_tlb && (tlb_reach_bytes(&m->tlb) >> v->page_shift != held ||
			   v->stats.tlb_hits + v->stats.tlb_misses != v->stats.accesses))
		return -EINVAL;
	return 0;
}
