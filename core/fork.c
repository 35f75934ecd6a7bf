/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork.c - a space that begins as another's copy. Everything that can fail comes first: after an error the parent is as it was.
 *
 * The child gets an address for each page that the parent knows, present where the parent's is, and the parent's regions.
 * Pages without content (ABSENT) are left out: both would read zeros anyway.
 */
#include "core/core_internal.h"
#include "core/mmu.h"
#include "core/region.h"

#include <errno.h>

#define HALF (1ull << 63) /* of a space's page numbers: an iterator takes less than all of them */

typedef int (*page_fn)(struct vmm *v, uint32_t value, uint64_t vpn, void *arg);

/* fn for each page of the space that has content or an object; non-zero stops it. */
static int each_page(struct vmm *v, uint32_t space, page_fn fn, void *arg)
{
	struct page_map_iter i;
	uint64_t at;
	uint32_t value;
	int err = 0;

	for (int upper = 0; upper < 2; upper++) {
		page_map_iter_init(&i, &v->map, space, upper ? HALF : 0, HALF);
		while ((value = page_map_next(&i, &at)) != VMM_NONE)
			if (!err && v->pages[map_page(v, value)].state != PAGE_ABSENT)
				err = fn(v, value, at, arg);
	}
	return err;
}

static int any(struct vmm *v, uint32_t value, uint64_t vpn, void *arg)
{
	(void)v, (void)value, (void)vpn, (void)arg;
	return -EEXIST;
}

struct fork {
	uint32_t parent, child;
	uint64_t mappers; /* needed */
	bool stale;       /* the TLB may hold entries of the parent that were writable */
};

static int reserve(struct vmm *v, uint32_t value, uint64_t vpn, void *arg)
{
	struct fork *f = arg;

	f->mappers += value & MAPPER_BIT ? 1 : 2;
	return page_map_reserve(&v->map, f->child, vpn);
}

static int duplicate(struct vmm *v, uint32_t value, uint64_t vpn, void *arg)
{
	struct fork *f = arg;
	uint32_t id = map_page(v, value);
	struct page *p = &v->pages[id];
	uint8_t flags = page_resident(p) ? MAPPER_PRESENT : 0;

	if (value & MAPPER_BIT) {
		flags = v->share.mappers[value & ~MAPPER_BIT].flags;
	} else {
		share_row_make(v, id, VMM_NONE, 0);
		mapper_add(v, id, f->parent, vpn, flags);
	}
	if (!(p->sharing & PAGE_OBJECT))
		p->sharing |= PAGE_COW;
	mapper_add(v, id, f->child, vpn, flags);
	if (v->mmu)
		f->stale |= mmu_forked(v, id);
	return 0;
}

int core_fork(struct vmm *v, uint32_t parent, uint32_t child)
{
	struct fork f = { .parent = parent, .child = child };
	int err = parent == child ? -EINVAL : 0;

	plan_close(v);
	if (!err)
		err = each_page(v, child, any, NULL);
	if (!err && v->spaces && space_regions_any(v, child))
		err = -EEXIST;
	if (err)
		return err;
	core_exit(v, child, NULL, NULL); /* pages without content may be left of it */
	err = each_page(v, parent, reserve, &f);
	if (!err)
		err = share_reserve(v, f.mappers);
	if (!err)
		err = space_regions_copy(v, parent, child);
	if (err)
		return err;
	each_page(v, parent, duplicate, &f);
	if (f.stale)
		tlb_invalidate_space(&v->mmu->tlb, parent);
	debug_check(v);
	return 0;
}
