/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch.c - references in a row (vmm_access_many). What each of them will read is brought near some references before:
 * with more pages than a cache holds, waiting for memory is most of what a reference costs.
 *
 *   i + FAR    the id of the page and the entry of the page table
 *   i + NEAR   the page
 *   i          vmm_access; after a fault, what the next victim's eviction will read
 */
#include "core/core_internal.h"
#include "core/mmu.h"

#define FAR 24u
#define NEAR 12u

static void far_prefetch(struct vmm *v, const struct vmm_reference *r)
{
	uint64_t vpn = r->addr >> v->page_shift;

	page_map_prefetch(&v->map, r->pid, vpn);
	if (v->mmu && v->mmu->has_table)
		page_table_prefetch(&v->mmu->table, r->pid, vpn);
}

static void near_prefetch(struct vmm *v, const struct vmm_reference *r)
{
	uint32_t id = core_find(v, r->pid, r->addr >> v->page_shift);

	if (id != VMM_NONE)
		__builtin_prefetch(&v->pages[id], 1);
}

/* The page that will probably be evicted next, VMM_NONE when there is no guess. */
static uint32_t next_victim(const struct vmm *v)
{
	uint32_t f = v->ops->peek ? v->ops->peek(v->policy) : VMM_NONE;

	return f < v->frames.fresh ? v->frames.page[f] : VMM_NONE;
}

int vmm_access_many(struct vmm *v, const struct vmm_reference *refs, size_t n, size_t *done)
{
	uint32_t victim = VMM_NONE;

	for (*done = 0; *done < n; ++*done) {
		const struct vmm_reference *r = &refs[*done];
		size_t left = n - *done;
		int rc;

		if (left > FAR)
			far_prefetch(v, r + FAR);
		if (left > NEAR)
			near_prefetch(v, r + NEAR);
		if (victim != VMM_NONE && v->mmu && v->mmu->has_table)
			page_table_prefetch(&v->mmu->table, v->pages[victim].space,
					    v->pages[victim].vpn);
		victim = VMM_NONE;
		rc = vmm_access(v, r->pid, r->addr, (int)r->is_write);
		if (rc < 0)
			return rc;
		if (rc == 1)
			victim = next_victim(v);
		if (victim != VMM_NONE)
			__builtin_prefetch(&v->pages[victim], 1);
	}
	return 0;
}
