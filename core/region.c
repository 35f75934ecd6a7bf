/* SPDX-License-Identifier: Apache-2.0 */
/* region.c - see region.h. */
#define HASH_NONFATAL_OOM 1
#include "core/region.h"
#include "core/core_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#undef uthash_nonfatal_oom
#define uthash_nonfatal_oom(e) ((e)->in_hash = false)

#define REGIONS_FIRST 4u

static struct space *space_find(struct vmm *v, uint32_t id)
{
	struct space *s = v->space_last;

	if (s && s->id == id)
		return s;
	HASH_FIND(hh, v->spaces, &id, sizeof(id), s);
	if (s)
		v->space_last = s;
	return s;
}

static struct space *space_make(struct vmm *v, uint32_t id)
{
	struct space *s = space_find(v, id);

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->id = id;
	s->in_hash = true;
	HASH_ADD(hh, v->spaces, id, sizeof(s->id), s);
	if (!s->in_hash) {
		free(s);
		return NULL;
	}
	return s;
}

static void space_drop(struct vmm *v, struct space *s)
{
	if (v->space_last == s)
		v->space_last = NULL;
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it loses track inside */
	HASH_DEL(v->spaces, s);
	free(s->regions);
	free(s);
}

/* How many regions begin at or before vpn: the last of them is the one that may contain it. */
static uint32_t regions_before(const struct space *s, uint64_t vpn)
{
	uint32_t low = 0, high = s->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (s->regions[middle].first <= vpn)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct region *space_region_find(struct vmm *v, uint32_t space, uint64_t vpn)
{
	struct space *s = v->spaces ? space_find(v, space) : NULL;
	uint32_t n = s ? regions_before(s, vpn) : 0;

	return n && s->regions[n - 1].last >= vpn ? &s->regions[n - 1] : NULL;
}

int space_regions_reserve(struct vmm *v, uint32_t space, uint32_t n)
{
	struct space *s = space_make(v, space);
	uint64_t room = s && s->capacity ? s->capacity : REGIONS_FIRST;
	struct region *more;

	if (!s)
		return -ENOMEM;
	if (n <= s->capacity - s->n)
		return 0;
	while (room < (uint64_t)s->n + n)
		room *= 2;
	more = room > VMM_NONE ? NULL : realloc(s->regions, room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->regions = more;
	s->capacity = (uint32_t)room;
	return 0;
}

static void region_insert(struct space *s, uint32_t at, const struct region *r)
{
	memmove(&s->regions[at + 1], &s->regions[at], (s->n - at) * sizeof(*r));
	s->regions[at] = *r;
	s->n++;
}

void space_region_add(struct vmm *v, uint32_t space, const struct region *r)
{
	struct space *s = space_find(v, space);

	region_insert(s, regions_before(s, r->first), r);
}

/* What is left of the region from vpn on. */
static void region_begin_at(struct region *r, uint64_t vpn)
{
	r->object_page += vpn - r->first;
	r->first = vpn;
	r->attached = false;
}

void space_regions_cut(struct vmm *v, uint32_t space, uint64_t first, uint64_t last,
		       core_gone_fn gone, void *arg)
{
	struct space *s = v->spaces ? space_find(v, space) : NULL;
	uint32_t at = s ? regions_before(s, first) : 0;

	if (at && s->regions[at - 1].last >= first)
		at--;
	while (s && at < s->n && s->regions[at].first <= last) {
		struct region *r = &s->regions[at];

		if (r->first < first && r->last > last) {
			struct region rest = *r;

			region_begin_at(&rest, last + 1);
			r->last = first - 1;
			if (rest.object)
				rest.object->refs++;
			region_insert(s, at + 1, &rest);
		} else if (r->first < first) {
			r->last = first - 1;
		} else if (r->last > last) {
			region_begin_at(r, last + 1);
		} else {
			struct object *o = r->object;

			memmove(r, r + 1, (--s->n - at) * sizeof(*r));
			if (o)
				object_put(v, o, gone, arg);
			continue;
		}
		at++;
	}
}

void space_regions_end(struct vmm *v, uint32_t space, core_gone_fn gone, void *arg)
{
	struct space *s = v->spaces ? space_find(v, space) : NULL;

	if (!s)
		return;
	space_regions_cut(v, space, 0, UINT64_MAX, gone, arg);
	space_drop(v, s);
}

bool space_regions_any(struct vmm *v, uint32_t space)
{
	const struct space *s = v->spaces ? space_find(v, space) : NULL;

	return s && s->n;
}

int space_regions_copy(struct vmm *v, uint32_t parent, uint32_t child)
{
	struct space *from = v->spaces ? space_find(v, parent) : NULL, *to;

	if (!from)
		return 0;
	if (space_regions_reserve(v, child, from->n)) {
		to = space_find(v, child);
		if (to && to->n == 0)
			space_drop(v, to);
		return -ENOMEM;
	}
	to = space_find(v, child);
	for (uint32_t i = 0; i < from->n; i++) {
		to->regions[i] = from->regions[i];
		if (to->regions[i].object)
			to->regions[i].object->refs++;
	}
	to->n = from->n;
	return 0;
}

void space_regions_destroy(struct vmm *v)
{
	struct space *s, *next;

	HASH_ITER(hh, v->spaces, s, next)
	space_drop(v, s);
}

bool space_regions_check(const struct vmm *v)
{
	uint64_t refs = 0;

	for (const struct object *o = v->objects; o; o = o->hh.next)
		refs += o->refs - (o->pages != 0);
	for (const struct space *s = v->spaces; s; s = s->hh.next)
		for (uint32_t i = 0; i < s->n; i++) {
			const struct region *r = &s->regions[i];

			if (r->first > r->last || (i && r[-1].last >= r->first))
				return false;
			if (r->object && !refs--)
				return false;
		}
	return refs == 0;
}
