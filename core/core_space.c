/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core_space.c - what exists: page ids, and pages that appear, move and go without a fault.
 *
 * Page ids are dense; those of unmapped pages are reused, last freed first.
 */
#include "core/core_internal.h"
#include "core/mmu.h"
#include "core/region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGES_FIRST 1024u
#define CACHE_LINE 64u

_Static_assert(CACHE_LINE % sizeof(struct page) == 0, "a page is in one cache line");

static int pages_grow(struct vmm *v)
{
	uint64_t n = v->page_capacity ? (uint64_t)v->page_capacity * 2 : PAGES_FIRST;
	struct page *p;

	if (n > MAPPER_BIT)
		n = MAPPER_BIT;
	if (n == v->page_capacity)
		return -ENOMEM;
	if (v->share.rows && share_rows_grow(v, n))
		return -ENOMEM;
	/* aligned, so that no page is in two cache lines */
	p = aligned_alloc(CACHE_LINE, n * sizeof(*p));
	if (!p)
		return -ENOMEM;
	if (v->page_count)
		memcpy(p, v->pages, v->page_count * sizeof(*p));
	free(v->pages);
	v->pages = p;
	v->notes.base = (unsigned char *)&p->note;
	v->page_capacity = (uint32_t)n;
	return 0;
}

uint32_t page_id_take(struct vmm *v)
{
	uint32_t id = v->page_free;
	bool reuse = id != VMM_NONE;

	if (!reuse && v->page_count == v->page_capacity && pages_grow(v))
		return VMM_NONE;
	if (!reuse)
		id = v->page_count;
	if (v->slots && slots_page(v, id))
		return VMM_NONE;
	if (reuse)
		v->page_free = v->pages[id].frame;
	else
		v->page_count++;
	v->pages[id] = (struct page){ .frame = VMM_NONE };
	return id;
}

void page_id_drop(struct vmm *v, uint32_t id)
{
	v->pages[id] = (struct page){ .flags = PAGE_GONE, .frame = v->page_free };
	v->page_free = id;
}

int pages_reserve(struct vmm *v, uint32_t n)
{
	int err = 0;

	while (!err && v->page_capacity - v->page_count < n)
		err = pages_grow(v);
	return err;
}

uint32_t page_make(struct vmm *v, uint32_t space, uint64_t vpn)
{
	uint32_t id = map_page(v, page_map_get(&v->map, space, vpn));

	return id != VMM_NONE ? id : page_new(v, space, vpn);
}

uint32_t page_new(struct vmm *v, uint32_t space, uint64_t vpn)
{
	uint32_t id = page_id_take(v);

	if (id == VMM_NONE)
		return VMM_NONE;
	if (page_map_set(&v->map, space, vpn, id)) {
		page_id_drop(v, id);
		return VMM_NONE;
	}
	v->pages[id].vpn = vpn;
	v->pages[id].space = space;
	return id;
}

int core_adopt(struct vmm *v, uint32_t space, uint64_t vpn, uint8_t flags, uint8_t bits,
	       uint32_t *page)
{
	uint32_t id = page_make(v, space, vpn), f;
	struct page *p;

	if (id == VMM_NONE)
		return -ENOMEM;
	p = &v->pages[id];
	if ((p->state != PAGE_ABSENT && p->state != PAGE_STORED) || p->sharing)
		return -EEXIST;
	if (room_for(v, id) == 0 || (v->slots && flags & PAGE_HAS_COPY && !slots_reserve(v, id)))
		return -ENOSPC;
	if (v->ops->fault)
		v->ops->fault(v->policy, id);
	f = frame_for(v, p);
	frame_settle(&v->frames, f, id);
	v->frames.bits[f] |= bits & FRAME_DIRTY;
	if (v->class == POLICY_R1 || (v->class == POLICY_R0 && (bits & FRAME_REF)))
		v->frames.bits[f] |= FRAME_REF;
	v->footprint += p->state == PAGE_ABSENT ? base_pages(p) : 0;
	p->frame = f;
	p->state = PAGE_MAPPED;
	p->flags = (uint8_t)((p->flags | flags) & PAGE_HAS_COPY) | PAGE_WRITABLE;
	mmu_sync(v, id);
	v->ops->insert(v->policy, f, id);
	if (v->use_window)
		list_enter(v, &v->window_fifo, f);
	v->stats.adopted++;
	peaks_note(v);
	*page = id;
	return 0;
}

int core_add_stored(struct vmm *v, uint32_t space, uint64_t vpn, uint32_t *page)
{
	uint32_t id = page_make(v, space, vpn);

	if (id == VMM_NONE)
		return -ENOMEM;
	if (v->pages[id].state != PAGE_ABSENT)
		return -EEXIST;
	if (v->slots && !slots_reserve(v, id))
		return -ENOSPC;
	v->pages[id].state = PAGE_STORED;
	v->pages[id].flags = PAGE_HAS_COPY;
	v->footprint++;
	peaks_note(v);
	*page = id;
	return 0;
}

void page_forget(struct vmm *v, uint32_t id, enum remove_why why)
{
	struct page *p = &v->pages[id];
	uint32_t f = p->frame;

	if (v->mmu)
		mmu_forget(v, id);
	holders_forget(v, id);
	v->ops->remove(v->policy, f, id, why);
	if (f != VMM_NONE) {
		list_leave(v, f);
		if (v->frames.bits[f] & FRAME_USED)
			frame_lift(&v->frames, f);
		frame_back(v, f);
	}
	if (p->prefetched)
		prefetcher_wasted(v, id);
	if (v->slots)
		slots_release(v, id);
	if (v->open_page == id) {
		v->open_page = VMM_NONE;
		v->open_pinned = false;
	}
	if (p->state != PAGE_ABSENT)
		v->footprint -= base_pages(p);
	if (p->order)
		large_forget(v, id);
	v->stats.unmapped += why == REMOVE_UNMAP && p->state != PAGE_ABSENT;
	if (p->sharing & PAGE_OBJECT)
		object_page_forget(v, &v->share.rows[id]);
	page_id_drop(v, id);
}

/* One address of the range goes. */
static void address_forget(struct vmm *v, uint32_t space, uint64_t vpn, uint32_t value,
			   enum remove_why why, core_gone_fn gone, void *arg)
{
	uint32_t id = map_page(v, value);

	if (value & MAPPER_BIT) {
		struct page_share *row = &v->share.rows[id];

		if (v->mmu)
			mmu_leave(v, value & ~MAPPER_BIT);
		page_map_remove(&v->map, space, vpn);
		mapper_remove(v, value & ~MAPPER_BIT);
		if (row->count == 0 && v->pages[id].sharing & PAGE_OBJECT)
			file_page_clean(v, id);
		if (row->count || v->pages[id].sharing & PAGE_OBJECT)
			return;
	}
	if (gone)
		gone(arg, id, &v->pages[id]);
	if (!(value & MAPPER_BIT))
		page_map_remove(&v->map, space, vpn);
	page_forget(v, id, why);
}

static void addresses_forget(struct vmm *v, uint32_t space, uint64_t vpn, uint64_t n,
			     enum remove_why why, core_gone_fn gone, void *arg)
{
	struct page_map_iter i;
	uint64_t at;
	uint32_t value;

	if (v->open_source != VMM_NONE)
		plan_close(v);
	if (v->large)
		large_cut(v, space, vpn, n);
	page_map_iter_init(&i, &v->map, space, vpn, n);
	while ((value = page_map_next(&i, &at)) != VMM_NONE) {
		if (!(value & MAPPER_BIT) && v->pages[value].order)
			large_unset(v, value, at);
		address_forget(v, space, at, value, why, gone, arg);
	}
}

void core_discard(struct vmm *v, uint32_t space, uint64_t vpn, uint64_t n, core_gone_fn gone,
		  void *arg)
{
	addresses_forget(v, space, vpn, n, REMOVE_UNMAP, gone, arg);
	debug_check(v);
}

int range_unmap(struct vmm *v, uint32_t space, uint64_t vpn, uint64_t n, enum remove_why why,
		core_gone_fn gone, void *arg)
{
	bool cut = n && v->spaces && space_regions_any(v, space);

	if (cut && space_regions_reserve(v, space, 1))
		return -ENOMEM;
	addresses_forget(v, space, vpn, n, why, gone, arg);
	if (cut)
		space_regions_cut(v, space, vpn,
				  n - 1 > UINT64_MAX - vpn ? UINT64_MAX : vpn + (n - 1), gone, arg);
	return 0;
}

int core_unmap(struct vmm *v, uint32_t space, uint64_t vpn, uint64_t n, enum remove_why why,
	       core_gone_fn gone, void *arg)
{
	int err = range_unmap(v, space, vpn, n, why, gone, arg);

	debug_check(v);
	return err;
}

void core_exit(struct vmm *v, uint32_t space, core_gone_fn gone, void *arg)
{
	const uint64_t half = 1ull << 63;

	addresses_forget(v, space, 0, half, REMOVE_EXIT, gone, arg);
	addresses_forget(v, space, half, half, REMOVE_EXIT, gone, arg);
	space_regions_end(v, space, gone, arg);
	debug_check(v);
}

int core_remap(struct vmm *v, uint32_t space, uint64_t from, uint64_t to, uint64_t n)
{
	struct page_map_iter i;
	uint64_t at;
	uint32_t value;
	int err = 0;

	page_map_iter_init(&i, &v->map, space, from, n);
	while (page_map_next(&i, &at) != VMM_NONE)
		if (!err)
			err = page_map_reserve(&v->map, space, to + (at - from));
	if (err)
		return err;
	page_map_iter_init(&i, &v->map, space, from, n);
	while ((value = page_map_next(&i, &at)) != VMM_NONE) {
		uint32_t id = map_page(v, value);
		struct page *p = &v->pages[id];

		if (v->mmu)
			mmu_forget(v, id);
		page_map_remove(&v->map, space, at);
		if (p->space == space && p->vpn == at)
			p->vpn = to + (at - from);
		if (value & MAPPER_BIT)
			v->share.mappers[value & ~MAPPER_BIT].vpn = to + (at - from);
		page_map_set(&v->map, space, to + (at - from), value);
		mmu_sync(v, id);
	}
	return 0;
}

/* A pinned page stays MAPPED too: neither the window nor probation may unmap it. */
void core_pin(struct vmm *v, uint32_t page)
{
	list_leave(v, v->pages[page].frame);
	v->pages[page].flags &= (uint8_t)~PAGE_PROBATION;
	frame_pin(&v->frames, v->pages[page].frame);
}

void core_unpin(struct vmm *v, uint32_t page)
{
	frame_unpin(&v->frames, v->pages[page].frame);
}

uint32_t core_find(const struct vmm *v, uint32_t space, uint64_t vpn)
{
	/* the map's cache of the last node is not part of what the caller sees */
	return map_page(v, page_map_get((struct page_map *)&v->map, space, vpn));
}

const struct page *core_page(const struct vmm *v, uint32_t page)
{
	return &v->pages[page];
}

struct frame_table *core_frames(struct vmm *v)
{
	return &v->frames;
}

struct vm_stats *core_stats(struct vmm *v)
{
	return &v->stats;
}

const struct policy_ops *core_policy(const struct vmm *v)
{
	return v->ops;
}

enum policy_class core_class(const struct vmm *v)
{
	return v->class;
}

void core_next_use(struct vmm *v, uint64_t next_use)
{
	v->next_use = next_use;
}

uint32_t core_page_ids(const struct vmm *v)
{
	return v->page_count;
}

struct loaded {
	uint64_t seq;
	uint32_t id;
};

static int by_load(const void *a, const void *b)
{
	const struct loaded *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

int core_each(struct vmm *v, int (*fn)(void *arg, uint32_t id, const struct page *page), void *arg)
{
	struct frame_table *t = &v->frames;
	struct loaded *l = malloc((t->used + 1) * sizeof(*l));
	uint32_t n = 0;
	int err = 0;

	if (!l)
		return -ENOMEM;
	for (uint32_t f = 0; f < t->fresh; f++)
		if (t->bits[f] & FRAME_USED)
			l[n++] = (struct loaded){ t->load_seq[f], t->page[f] };
	qsort(l, n, sizeof(*l), by_load);
	for (uint32_t i = 0; i < n && !err; i++)
		err = fn(arg, l[i].id, &v->pages[l[i].id]);
	for (uint32_t id = 0; id < v->page_count && !err; id++)
		if (!page_resident(&v->pages[id]) && !(v->pages[id].flags & PAGE_GONE))
			err = fn(arg, id, &v->pages[id]);
	free(l);
	return err;
}
