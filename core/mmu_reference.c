/* SPDX-License-Identifier: Apache-2.0 */
/* mmu_reference.c - what a reference has shown goes into the TLB; what was counted. See mmu.h, and reference.c for what comes before. */
#include "core/core_internal.h"
#include "core/mmu.h"

#include <errno.h>

/* The entry as it is when the reference has been served. 0: it could not be made. */
static pte_t entry_served(struct vmm *v, const struct mmu_access *a, uint32_t id)
{
	struct mmu *m = v->mmu;
	struct mapping at;
	pte_t *e;

	if (!m->has_table) {
		mapping_at(v, a->space, a->vpn, id, &at);
		return mmu_wanted(v, id, &at);
	}
	e = mmu_known(m, a->space, a->vpn);
	if (!e)
		e = page_table_find(&m->table, a->space, a->vpn);
	if (e && *e & PTE_PRESENT)
		return *e;
	mmu_changed(v, id);
	e = page_table_find(&m->table, a->space, a->vpn);
	return e ? *e : 0;
}

/* A walk, if anything is known of its end from there. */
static pte_t walk(struct mmu *m, const struct mmu_access *a, bool write)
{
	pte_t *known = mmu_known(m, a->space, a->vpn);

	return page_table_reference(page_table_walk_to(&m->table, a->space, a->vpn, known), write);
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
		pte = walk(m, a, write);
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

void mmu_reach_note(struct mmu *m)
{
	uint64_t bytes = tlb_reach_bytes(&m->tlb);

	m->tick = 0;
	if (m->reach_bytes < bytes)
		m->reach_bytes = bytes;
}

int mmu_end(struct vmm *v, const struct mmu_access *a, uint32_t id, bool write, bool fault)
{
	int err = load(v, a, id, write, fault);

	if (!err)
		mmu_count(v, a->hit);
	return err;
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
		mmu_reach_note(v->mmu);
		s->tlb_shootdowns = m->tlb.stats.shootdowns;
		s->tlb_reach_bytes = m->reach_bytes;
	}
}
