/* SPDX-License-Identifier: Apache-2.0 */
/* mmu_check.c - the invariants in mmu.h; and which counters mean anything. */
#include "core/core_internal.h"
#include "core/mmu.h"

#include <errno.h>
#include <string.h>

int vmm_counter_applies(const struct vmm *v, const struct vm_stat_info *counter)
{
	if (!strncmp(counter->name, "tlb_", 4))
		return v->mmu && v->mmu->has_tlb;
	if (!strncmp(counter->name, "pt_", 3))
		return v->mmu && v->mmu->has_table;
	if (!strncmp(counter->name, "numa_", 5) || !strcmp(counter->name, "node_balance"))
		return v->physical && v->physical->has_numa;
	if (!strncmp(counter->name, "large_", 6) || !strcmp(counter->name, "small_mapped"))
		return v->large != NULL;
	if (!strncmp(counter->name, "prefetch_", 9))
		return v->prefetcher != NULL;
	if (!strcmp(counter->name, "writebacks"))
		return v->writebacks != NULL;
	if (!strcmp(counter->name, "swap_used"))
		return v->slots != NULL;
	return events_counter_applies(v, counter->name);
}

/* The page's entry is what it should be, and so is what the TLB knows of it. *held counts pages that it knows. */
static bool entry_ok(const struct vmm *v, uint32_t id, const struct mapping *at, uint64_t *held)
{
	struct mmu *m = v->mmu; /* a look into a table may change what was looked up last */
	const struct page *p = &v->pages[id];
	pte_t now = mmu_wanted(v, id, at), *e, pte;

	if (m->has_table) {
		e = page_table_find(&m->table, at->space, at->vpn);
		if (p->frame != VMM_NONE && !p->sharing && m->entry_of[p->frame] &&
		    m->entry_of[p->frame] != e)
			return false;
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
	*held += base_pages(p);
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
