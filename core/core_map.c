/* SPDX-License-Identifier: Apache-2.0 */
/* core_map.c - mappings of files and shared memory as drivers ask for them: core.h. */
#include "core/core_internal.h"
#include "core/region.h"

#include <errno.h>

static bool backing_ok(enum vmm_backing b)
{
	return b == VMM_ANON || b == VMM_SHARED || b == VMM_FILE_PRIVATE || b == VMM_FILE_SHARED;
}

int core_map(struct vmm *v, uint32_t space, uint64_t vpn, uint64_t n, const struct vmm_mapping *m,
	     bool attached, core_gone_fn gone, void *arg)
{
	struct region r = { .first = vpn,
			    .last = vpn + (n - 1),
			    .object_page = m->backing == VMM_ANON ? 0 : m->object_page,
			    .backing = m->backing,
			    .read_only = m->read_only != 0,
			    .attached = attached };

	if (!backing_ok(m->backing) || n == 0 || n - 1 > UINT64_MAX - vpn ||
	    n - 1 > UINT64_MAX - r.object_page)
		return -EINVAL;
	if (m->backing == VMM_ANON && !m->read_only)
		return core_unmap(v, space, vpn, n, REMOVE_UNMAP, gone, arg);
	if (space_regions_reserve(v, space, 2))
		return -ENOMEM;
	if (m->backing != VMM_ANON) {
		r.object = object_get(v, m->object, m->backing != VMM_SHARED);
		if (!r.object)
			return -ENOMEM;
	}
	range_unmap(v, space, vpn, n, REMOVE_UNMAP, gone, arg); /* there is room */
	space_region_add(v, space, &r);
	debug_check(v);
	return 0;
}

uint64_t core_attached(struct vmm *v, uint32_t space, uint64_t vpn)
{
	const struct region *r = space_region_find(v, space, vpn);

	return r && r->attached && r->first == vpn ? r->last - r->first + 1 : 0;
}

void core_sync(struct vmm *v, uint32_t space, uint64_t vpn, uint64_t n)
{
	struct page_map_iter i;
	uint64_t at;
	uint32_t value;

	plan_close(v);
	page_map_iter_init(&i, &v->map, space, vpn, n);
	while ((value = page_map_next(&i, &at)) != VMM_NONE)
		if (value & MAPPER_BIT &&
		    v->share.mappers[value & ~MAPPER_BIT].flags & MAPPER_SHARED)
			v->stats.file_synced += file_page_clean(v, map_page(v, value));
	debug_check(v);
}

void core_on_write_back(struct vmm *v, core_gone_fn fn, void *arg)
{
	v->write_back = fn;
	v->write_back_arg = arg;
}

bool core_object_of(const struct vmm *v, uint32_t page, uint32_t *object, uint64_t *object_page)
{
	const struct page_share *row = &v->share.rows[page];

	if (!(v->pages[page].sharing & PAGE_OBJECT))
		return false;
	*object_page = row->object_page;
	*object = object_at(v, row->object)->key.id;
	return true;
}

bool core_hits(const struct vmm *v, uint32_t space, uint64_t vpn, bool write)
{
	/* the map's cache of the last node is not part of what the caller sees */
	uint32_t value = page_map_get((struct page_map *)&v->map, space, vpn);
	const struct page *p;

	if (value == VMM_NONE)
		return false;
	p = &v->pages[map_page(v, value)];
	return p->state == PAGE_MAPPED && (!write || p->flags & PAGE_WRITABLE) &&
	       (!(value & MAPPER_BIT) || share_hits(v, value, write));
}
