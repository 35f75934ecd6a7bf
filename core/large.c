/* SPDX-License-Identifier: Apache-2.0 */
/* large.c - making pages large, and small again. */
#include "core/large.h"
#include "core/core_internal.h"
#include "core/mmu.h"
#include "core/region.h"
#include "core/spec.h"

#include <errno.h>
#include <stdlib.h>

#define ORDER_2M 9u
#define ORDER_1G 18u
#define WORD_BITS 64u

static uint64_t pages_of(uint32_t order)
{
	return 1ull << order;
}

static bool bit_get(const uint64_t *bits, uint64_t i)
{
	return bits[i / WORD_BITS] >> i % WORD_BITS & 1;
}

static void bit_set(uint64_t *bits, uint64_t i)
{
	bits[i / WORD_BITS] |= 1ull << i % WORD_BITS;
}

/* A room for the bits of a page of this order; after it large->touched has a place for the page. NULL: no memory. */
static uint64_t *touched_make(struct vmm *v, uint32_t page, uint32_t order)
{
	struct large *l = v->large;
	uint64_t **touched;

	if (page >= l->allocated) {
		/* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
		touched = realloc(l->touched, v->page_capacity * sizeof(*touched));
		if (!touched)
			return NULL;
		l->touched = touched;
		while (l->allocated < v->page_capacity)
			l->touched[l->allocated++] = NULL;
	}
	return calloc(pages_of(order) / WORD_BITS, sizeof(uint64_t));
}

void large_forget(struct vmm *v, uint32_t page)
{
	struct large *l = v->large;

	if (page >= l->allocated)
		return;
	free(l->touched[page]);
	l->touched[page] = NULL;
}

/* --- making ------------------------------------------------------------------------------------------------------- */

static bool range_seen(struct vmm *v, uint32_t space, uint64_t vpn, uint64_t n)
{
	struct page_map_iter i;
	uint64_t at, seen = 0;

	page_map_iter_init(&i, &v->map, space, vpn, n);
	while (page_map_next(&i, &at) != VMM_NONE)
		seen++;
	return seen != 0;
}

static void range_unset(struct vmm *v, uint32_t space, uint64_t vpn, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		page_map_remove(&v->map, space, vpn + i);
}

/* VMM_NONE: the range has pages, or there is no memory. */
static uint32_t page_make_large(struct vmm *v, uint32_t space, uint64_t vpn, uint32_t order)
{
	uint64_t n = pages_of(order), first = vpn & ~(n - 1), *touched;
	uint32_t id;

	if (n > v->frames.capacity || (v->spaces && space_regions_any(v, space)) ||
	    range_seen(v, space, first, n))
		return VMM_NONE;
	id = page_id_take(v);
	if (id == VMM_NONE)
		return VMM_NONE;
	touched = touched_make(v, id, order);
	if (!touched) {
		page_id_drop(v, id);
		return VMM_NONE;
	}
	for (uint64_t i = 0; i < n; i++)
		if (page_map_set(&v->map, space, first + i, id)) {
			range_unset(v, space, first, i);
			free(touched);
			page_id_drop(v, id);
			return VMM_NONE;
		}
	v->pages[id].space = space;
	v->pages[id].vpn = first;
	v->pages[id].order = (uint8_t)order;
	v->large->touched[id] = touched;
	return id;
}

uint32_t large_page(struct vmm *v, uint32_t space, uint64_t vpn)
{
	struct large *l = v->large;
	uint32_t id = VMM_NONE;

	for (uint32_t order = l->config.order_max; id == VMM_NONE && order >= ORDER_2M;
	     order -= ORDER_2M)
		if (l->config.mode == LARGE_ALWAYS)
			id = page_make_large(v, space, vpn, order);
	return id != VMM_NONE ? id : page_make(v, space, vpn);
}

void large_touched(struct vmm *v, uint32_t page, uint64_t vpn, bool fault)
{
	const struct page *p = &v->pages[page];
	uint64_t *touched = p->order ? v->large->touched[page] : NULL;

	if (!touched || bit_get(touched, vpn - p->vpn))
		return;
	bit_set(touched, vpn - p->vpn);
	v->stats.large_faults_saved += !fault;
}

/* --- splitting ---------------------------------------------------------------------------------------------------- */

/* Base pages of the large page that hold something, but for the one at vpn `but`, if it is in there. */
static uint32_t touched_count(const struct vmm *v, uint32_t page, uint64_t but)
{
	const struct page *p = &v->pages[page];
	uint32_t n = 0;

	for (uint64_t i = 0; i < pages_of(p->order); i++)
		n += p->vpn + i != but && bit_get(v->large->touched[page], i);
	return n;
}

/* A page of its own for the base page, which the map leads to the large one so far: it cannot fail after pages_reserve. */
static uint32_t page_part(struct vmm *v, uint32_t space, uint64_t vpn)
{
	uint32_t id = page_id_take(v);

	page_map_set(&v->map, space, vpn, id);
	v->pages[id].space = space;
	v->pages[id].vpn = vpn;
	return id;
}

static void part_stored(struct vmm *v, uint32_t id)
{
	v->pages[id].state = PAGE_STORED;
	v->pages[id].flags = PAGE_HAS_COPY;
	v->footprint++;
}

int large_shrink(struct vmm *v, uint32_t page)
{
	struct page whole = v->pages[page], *p;
	uint64_t n = pages_of(whole.order), but = v->large->fault_vpn;
	bool stored = whole.flags & PAGE_HAS_COPY;
	int err = stored ? pages_reserve(v, touched_count(v, page, but)) : 0;

	if (err)
		return err;
	if (v->mmu)
		mmu_forget(v, page);
	for (uint64_t i = 0; i < n; i++) {
		if (whole.vpn + i == but)
			continue;
		if (stored && bit_get(v->large->touched[page], i))
			part_stored(v, page_part(v, whole.space, whole.vpn + i));
		else
			page_map_remove(&v->map, whole.space, whole.vpn + i);
	}
	large_forget(v, page);
	p = &v->pages[page];
	p->vpn = but;
	p->order = 0;
	v->footprint -= n - 1;
	return 0;
}

/* A base page of a large one that was resident: in its place, unreferenced. */
static void part_resident(struct vmm *v, uint32_t id, uint32_t place, const struct page *whole,
			  bool dirty)
{
	uint32_t f = physical_settle(v, place);
	struct page *p = &v->pages[id];

	if (v->ops->fault)
		v->ops->fault(v->policy, id);
	frame_settle(&v->frames, f, id);
	if (dirty)
		v->frames.bits[f] |= FRAME_DIRTY;
	p->frame = f;
	p->flags = whole->flags & PAGE_HAS_COPY;
	p->state = class_has_bits(v) ? PAGE_IDLE : PAGE_MAPPED;
	if (p->state == PAGE_MAPPED && (dirty || !(v->flags & VMM_FLAG_TRACK_DIRTY)))
		p->flags |= PAGE_WRITABLE;
	v->footprint++;
	mmu_sync(v, id);
	v->ops->insert(v->policy, f, id);
}

int large_split(struct vmm *v, uint32_t page)
{
	struct page whole = v->pages[page];
	uint64_t n = pages_of(whole.order), *touched = v->large->touched[page];
	uint32_t place = VMM_NONE;
	bool dirty = false;

	if (pages_reserve(v, touched_count(v, page, VMM_NONE) + 1))
		return -ENOMEM;
	v->large->touched[page] = NULL;
	if (whole.frame != VMM_NONE) {
		dirty = frame_dirty(&v->frames, whole.frame);
		place = page_place(v, &whole);
		physical_keep(v, whole.frame);
	}
	page_forget(v, page, REMOVE_EXIT);
	for (uint64_t i = 0; i < n; i++) {
		bool holds = bit_get(touched, i) && whole.state != PAGE_ABSENT;
		uint32_t id = holds ? page_part(v, whole.space, whole.vpn + i) : VMM_NONE;

		if (!holds)
			page_map_remove(&v->map, whole.space, whole.vpn + i);
		if (place == VMM_NONE && holds)
			part_stored(v, id);
		else if (holds)
			part_resident(v, id, place + (uint32_t)i, &whole, dirty);
		else if (place != VMM_NONE)
			physical_drop(v, place + (uint32_t)i);
	}
	free(touched);
	v->stats.large_split++;
	return 0;
}

void large_unset(struct vmm *v, uint32_t page, uint64_t but)
{
	const struct page *p = &v->pages[page];

	for (uint64_t i = 0; i < pages_of(p->order); i++)
		if (p->vpn + i != but)
			page_map_remove(&v->map, p->space, p->vpn + i);
}

static void cut_at(struct vmm *v, uint32_t space, uint64_t vpn)
{
	uint32_t id = core_find(v, space, vpn);

	/* without memory: core_unmap forgets the whole page */
	if (id != VMM_NONE && v->pages[id].order)
		large_split(v, id);
}

void large_cut(struct vmm *v, uint32_t space, uint64_t vpn, uint64_t n)
{
	uint64_t last = n - 1 > UINT64_MAX - vpn ? UINT64_MAX : vpn + n - 1;
	uint32_t id = core_find(v, space, vpn);

	if (id != VMM_NONE && v->pages[id].order && v->pages[id].vpn != vpn)
		cut_at(v, space, vpn);
	id = core_find(v, space, last);
	if (id != VMM_NONE && v->pages[id].order &&
	    v->pages[id].vpn + pages_of(v->pages[id].order) - 1 != last)
		cut_at(v, space, last);
}

int large_split_space(struct vmm *v, uint32_t space)
{
	uint32_t ids = v->page_count;
	int err = 0;

	for (uint32_t id = 0; id < ids && !err; id++)
		if (!(v->pages[id].flags & PAGE_GONE) && v->pages[id].order &&
		    v->pages[id].space == space)
			err = large_split(v, id);
	return err;
}

/* --- promoting ---------------------------------------------------------------------------------------------------- */

struct range {
	uint32_t resident, referenced;
	bool dirty;
};

/* What is in the 512 pages from `first` on. False when they cannot become one. */
static bool range_look(struct vmm *v, uint32_t space, uint64_t first, struct range *r)
{
	*r = (struct range){ 0 };
	for (uint64_t i = 0; i < pages_of(ORDER_2M); i++) {
		uint32_t id = core_find(v, space, first + i);
		const struct page *p = id != VMM_NONE ? &v->pages[id] : NULL;

		if (!p || (p->state == PAGE_ABSENT && !p->sharing))
			continue;
		if (!page_resident(p) || p->sharing || p->order || p->prefetched ||
		    frame_pinned(&v->frames, p->frame))
			return false;
		r->resident++;
		r->referenced += !class_has_bits(v) || frame_referenced(&v->frames, p->frame);
		r->dirty |= frame_dirty(&v->frames, p->frame) || p->flags & PAGE_HAS_COPY;
	}
	return true;
}

/* The pages go, what they hold is noted, and the map leads to the large page. */
static void range_merge(struct vmm *v, uint32_t large, uint64_t *touched)
{
	const struct page whole = v->pages[large];

	for (uint64_t i = 0; i < pages_of(whole.order); i++) {
		uint32_t id = core_find(v, whole.space, whole.vpn + i);

		if (id != VMM_NONE) {
			if (page_resident(&v->pages[id]))
				bit_set(touched, i);
			page_forget(v, id, REMOVE_EXIT);
		}
		/* the range has a page already, so its leaf is there: no memory is needed */
		page_map_set(&v->map, whole.space, whole.vpn + i, large);
	}
}

void large_promote(struct vmm *v, uint32_t space, uint64_t vpn)
{
	struct large_config *c = &v->large->config;
	uint64_t n = pages_of(ORDER_2M), first = vpn & ~(n - 1), *touched;
	struct range r;
	struct page *p;
	uint32_t id, f;

	if (c->mode != LARGE_AUTO || !range_look(v, space, first, &r) ||
	    r.resident * 100ull < c->dense * n || r.referenced * 100ull < c->hot * r.resident)
		return;
	id = page_id_take(v);
	if (id == VMM_NONE)
		return;
	touched = touched_make(v, id, ORDER_2M);
	f = touched ? physical_take(v, space, first, ORDER_2M) : VMM_NONE;
	if (f == VMM_NONE) {
		free(touched);
		page_id_drop(v, id);
		return;
	}
	v->pages[id].space = space;
	v->pages[id].vpn = first;
	v->pages[id].order = ORDER_2M;
	range_merge(v, id, touched);
	p = &v->pages[id];
	v->large->touched[id] = touched;
	frame_settle(&v->frames, f, id);
	if (v->ops->fault)
		v->ops->fault(v->policy, id);
	v->frames.bits[f] |= r.dirty ? FRAME_DIRTY : 0;
	v->frames.bits[f] |= class_has_bits(v) ? FRAME_REF : 0;
	p->frame = f;
	p->state = PAGE_MAPPED;
	if (r.dirty || !(v->flags & VMM_FLAG_TRACK_DIRTY))
		p->flags |= PAGE_WRITABLE;
	v->footprint += n;
	mmu_sync(v, id);
	v->ops->insert(v->policy, f, id);
	v->stats.large_mapped++;
	peaks_note(v);
}

/* --- configuration, check ----------------------------------------------------------------------------------------- */

/* "dense=P,hot=P" in any order. */
static int auto_parse(const char *at, struct large_config *c, const char **bad)
{
	static const char *const keys[] = { "dense", "hot", NULL };

	for (;;) {
		const char *end = strchrnul(at, '=');
		int key = spec_choice(keys, at, end);

		*bad = at;
		if (key < 0 || !*end)
			return -EINVAL;
		*bad = ++end;
		if (spec_number(&end, 100, key ? &c->hot : &c->dense))
			return -EINVAL;
		if (!*end)
			return 0;
		*bad = end;
		if (*end != ',')
			return -EINVAL;
		at = end + 1;
	}
}

int large_parse(const char *spec, struct large_config *c, const char **bad)
{
	static const char *const modes[] = { "always", "auto", NULL }; /* as the enum */
	const char *end = strchrnul(spec, ':');
	int mode = spec_choice(modes, spec, end);

	*bad = spec;
	if (mode < 0)
		return -EINVAL;
	*c = (struct large_config){ (enum large_mode)mode, ORDER_2M, LARGE_DENSE, LARGE_HOT };
	if (!*end)
		return 0;
	*bad = ++end;
	if (c->mode == LARGE_AUTO)
		return auto_parse(end, c, bad);
	if (strcasecmp(end, "1g"))
		return -EINVAL;
	c->order_max = ORDER_1G;
	return 0;
}

int large_create(struct vmm *v, const char *spec)
{
	struct large_config c;
	const char *bad;
	int err;

	if (!spec_wanted(spec))
		return 0;
	err = large_parse(spec, &c, &bad);
	if (err)
		return err;
	if (v->mmu && v->mmu->has_table &&
	    !(v->mmu->table.ops->sizes >> (c.order_max / ORDER_2M) & 1))
		return -ENOTSUP;
	v->large = calloc(1, sizeof(*v->large));
	if (!v->large)
		return -ENOMEM;
	v->large->config = c;
	v->large->victim = VMM_NONE;
	return 0;
}

void large_destroy(struct vmm *v)
{
	if (!v->large)
		return;
	for (uint32_t id = 0; id < v->large->allocated; id++)
		free(v->large->touched[id]);
	free(v->large->touched);
	free(v->large);
	v->large = NULL;
}

int large_check(const struct vmm *v)
{
	const struct large *l = v->large;

	for (uint32_t id = 0; id < v->page_count; id++) {
		const struct page *p = &v->pages[id];
		bool gone = p->flags & PAGE_GONE, large = !gone && p->order;

		if (large != (id < l->allocated && l->touched[id]))
			return -EINVAL;
		if (!gone && page_resident(p) && v->physical->order[p->frame] != p->order)
			return -EINVAL;
		if (!large)
			continue;
		if (p->vpn & (pages_of(p->order) - 1))
			return -EINVAL;
		for (uint64_t i = 0; i < pages_of(p->order); i++)
			if (core_find(v, p->space, p->vpn + i) != id)
				return -EINVAL;
	}
	return 0;
}
