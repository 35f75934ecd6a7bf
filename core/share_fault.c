/* SPDX-License-Identifier: Apache-2.0 */
/* share_fault.c - faults at addresses of pages that have several: where they lead, COW, and what is counted. See share.h. */
#include "core/core_internal.h"
#include "core/object.h"
#include "core/region.h"

#include <errno.h>

/* What the region says of a page of it. */
static uint8_t region_flags(const struct region *r)
{
	uint8_t flags = r->read_only ? MAPPER_READ_ONLY : 0;

	if (r->backing == VMM_SHARED || r->backing == VMM_FILE_SHARED)
		flags |= MAPPER_SHARED;
	return flags;
}

/* The page behind vpn of the region; made on first sight, and without a mapper then. VMM_NONE: no memory. */
static uint32_t region_page(struct vmm *v, const struct region *r, uint64_t vpn)
{
	uint64_t object_page = r->object_page + (vpn - r->first);
	uint32_t id;

	if (r->object) {
		id = object_page_find(v, r->object, object_page);
		if (id != VMM_NONE)
			return id;
	}
	id = page_id_take(v);
	if (id == VMM_NONE)
		return VMM_NONE;
	if (share_reserve(v, 1) || (r->object && object_page_set(v, r->object, object_page, id))) {
		page_id_drop(v, id);
		return VMM_NONE;
	}
	share_row_make(v, id, r->object ? r->object->index : VMM_NONE, object_page);
	if (r->object)
		v->pages[id].sharing |= PAGE_OBJECT;
	if (r->object && r->object->key.is_file) {
		v->pages[id].sharing |= PAGE_FILE;
		v->pages[id].state = PAGE_STORED;
		v->footprint++;
	}
	return id;
}

static int region_at(struct vmm *v, const struct region *r, uint32_t space, uint64_t vpn,
		     uint32_t *page, uint32_t *mapper)
{
	uint32_t id;

	if (share_reserve(v, 1) || page_map_reserve(&v->map, space, vpn))
		return -ENOMEM;
	id = region_page(v, r, vpn);
	if (id == VMM_NONE)
		return -ENOMEM;
	*page = id;
	*mapper = mapper_add(v, id, space, vpn, region_flags(r));
	return 0;
}

int share_at(struct vmm *v, uint32_t space, uint64_t vpn, uint32_t value, bool write,
	     uint32_t *page, uint32_t *mapper)
{
	const struct region *r;

	if (value == VMM_NONE) {
		r = v->spaces ? space_region_find(v, space, vpn) : NULL;
		if (r && write && r->read_only)
			return -EACCES;
		if (r && (r->object || r->read_only))
			return region_at(v, r, space, vpn, page, mapper);
		*mapper = VMM_NONE;
		*page = v->large && !r ? large_page(v, space, vpn) : page_new(v, space, vpn);
		return *page == VMM_NONE ? -ENOMEM : 0;
	}
	if (!(value & MAPPER_BIT)) {
		*mapper = VMM_NONE;
		*page = value;
		return 0;
	}
	*mapper = value & ~MAPPER_BIT;
	*page = v->share.mappers[*mapper].page;
	return write && v->share.mappers[*mapper].flags & MAPPER_READ_ONLY ? -EACCES : 0;
}

bool share_must_break(const struct vmm *v, uint32_t mapper, bool *copy)
{
	const struct mapper *m = &v->share.mappers[mapper];
	const struct page *p = &v->pages[m->page];

	*copy = false;
	if (share_may_write(p, m->flags))
		return false;
	*copy = p->sharing & PAGE_OBJECT || v->share.rows[m->page].count > 1;
	return *copy || page_resident(p);
}

uint32_t share_copy_begin(struct vmm *v, uint32_t mapper)
{
	uint32_t id = page_id_take(v);

	if (id == VMM_NONE)
		return VMM_NONE;
	v->pages[id].space = v->share.mappers[mapper].space;
	v->pages[id].vpn = v->share.mappers[mapper].vpn;
	return id;
}

void share_copy_abandon(struct vmm *v, uint32_t page)
{
	v->ops->remove(v->policy, VMM_NONE, page, REMOVE_UNMAP);
	page_id_drop(v, page);
}

/* The copy is in its frame. */
static void copy_end(struct vmm *v, uint32_t page, uint32_t mapper)
{
	const struct page *source = &v->pages[v->share.mappers[mapper].page];

	v->stats.faults_cow++;
	v->stats.faults_cow_alloc++;
	if (page_resident(source))
		v->stats.cow_copies++;
	else if (source->sharing & PAGE_FILE)
		v->stats.file_reads++;
	else if (source->state == PAGE_STORED)
		v->stats.store_reads++;
	if (source->sharing & PAGE_FILE)
		v->stats.file_faults++;
	else
		v->stats.anon_faults++;
	mapper_remove(v, mapper);
	page_map_set(&v->map, v->pages[page].space, v->pages[page].vpn, page);
}

/* The only mapper of an anonymous page that may write: the page is like any other again. */
static void page_own(struct vmm *v, uint32_t mapper)
{
	struct mapper m = v->share.mappers[mapper];
	struct page *p = &v->pages[m.page];

	mapper_remove(v, mapper);
	p->sharing = 0;
	p->space = m.space;
	p->vpn = m.vpn;
	page_map_set(&v->map, m.space, m.vpn, m.page);
}

void share_touched(struct vmm *v, uint32_t mapper, bool write)
{
	const struct mapper *m = &v->share.mappers[mapper];

	mapper_set_present(v, mapper, true);
	if (write && !share_may_write(&v->pages[m->page], m->flags))
		page_own(v, mapper);
}

/* The source of a copy may be evicted. True when it was pinned until now. */
bool share_source_release(struct vmm *v)
{
	bool pinned = v->source_pinned;

	if (pinned)
		frame_unpin(&v->frames, v->pages[v->open_source].frame);
	v->source_pinned = false;
	return pinned;
}

/* The part of a new plan that is about an address of a page that may have several. */
void share_plan(struct vmm *v, struct plan *plan, uint32_t mapper, uint32_t source)
{
	v->open_mapper = mapper;
	v->open_source = plan->source = source;
	if (!plan->write && !share_may_write(&v->pages[plan->page], v->share.mappers[mapper].flags))
		plan->writable = false;
	if (source == VMM_NONE || !page_resident(&v->pages[source]))
		return;
	v->source_pinned = true;
	frame_pin(&v->frames, v->pages[source].frame);
}

void share_fill_count(struct vmm *v, const struct plan *plan)
{
	if (v->large)
		*(v->pages[plan->page].order ? &v->stats.large_mapped : &v->stats.small_mapped) +=
			1;
	if (plan->kind == FAULT_COW) { /* copy_end has the rest */
		v->stats.faults++;
	} else if (plan->kind == FAULT_FILE) {
		v->stats.faults++;
		v->stats.faults_file++;
		v->stats.file_reads++;
		v->stats.file_faults++;
	} else {
		fill_count(v, plan->kind == FAULT_MAJOR, base_pages(&v->pages[plan->page]));
	}
}

/* The address that was faulted on leads to the page. */
void share_fill(struct vmm *v, const struct plan *plan)
{
	if (v->open_source == VMM_NONE) {
		share_touched(v, v->open_mapper, plan->write);
		return;
	}
	share_source_release(v);
	copy_end(v, plan->page, v->open_mapper);
	v->open_source = VMM_NONE;
}
