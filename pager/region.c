/* SPDX-License-Identifier: Apache-2.0 */
/* region.c - see region.h. A sorted array: programs have tens to a few thousand ranges, and lookups repeat. */
#include "pager/region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Index of the first region that ends behind addr. */
static uint32_t lower(const struct regions *r, uint64_t addr)
{
	uint32_t lo = 0, hi = r->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (r->v[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct region *regions_find(struct regions *r, uint64_t addr)
{
	uint32_t i = r->last;

	if (i >= r->n || addr < r->v[i].start || addr >= r->v[i].end) {
		i = lower(r, addr);
		if (i == r->n || addr < r->v[i].start)
			return NULL;
		r->last = i;
	}
	return &r->v[i];
}

bool regions_overlap(struct regions *r, uint64_t start, uint64_t end)
{
	uint32_t i = lower(r, start);

	return start < end && i < r->n && r->v[i].start < end;
}

bool regions_next(const struct regions *r, uint64_t start, uint64_t end, uint32_t *i,
		  struct region *part)
{
	if (*i < r->n && r->v[*i].end <= start)
		*i = lower(r, start);
	if (*i >= r->n || r->v[*i].start >= end)
		return false;
	*part = r->v[*i];
	if (part->start < start)
		part->start = start;
	if (part->end > end)
		part->end = end;
	(*i)++;
	return true;
}

static int reserve(struct regions *r, uint32_t more)
{
	if (r->n + more > r->cap) {
		uint32_t cap = r->cap ? r->cap * 2 : 32;
		struct region *v = realloc(r->v, cap * sizeof(*v));

		if (!v)
			return -ENOMEM;
		r->v = v;
		r->cap = cap;
	}
	return 0;
}

/* Cuts so that no region crosses addr. */
static int split(struct regions *r, uint64_t addr)
{
	uint32_t i = lower(r, addr);

	if (i == r->n || r->v[i].start >= addr)
		return 0;
	if (reserve(r, 1) < 0)
		return -ENOMEM;
	memmove(&r->v[i + 1], &r->v[i], (r->n - i) * sizeof(*r->v));
	r->n++;
	r->v[i].end = addr;
	r->v[i + 1].start = addr;
	r->v[i + 1].faults = 0;
	return 0;
}

static bool alike(const struct region *a, const struct region *b)
{
	return a->end == b->start && a->prot == b->prot && a->kind == b->kind &&
	       a->flags == b->flags;
}

/* Merges neighbours that touch [start, end]. */
static void merge(struct regions *r, uint64_t start, uint64_t end)
{
	uint32_t i = lower(r, start ? start - 1 : 0);

	while (i + 1 < r->n && r->v[i].start <= end) {
		if (alike(&r->v[i], &r->v[i + 1])) {
			r->v[i].end = r->v[i + 1].end;
			r->v[i].faults += r->v[i + 1].faults;
			memmove(&r->v[i + 1], &r->v[i + 2], (r->n - i - 2) * sizeof(*r->v));
			r->n--;
		} else {
			i++;
		}
	}
}

int regions_remove(struct regions *r, uint64_t start, uint64_t end)
{
	uint32_t i, j;

	if (split(r, start) < 0 || split(r, end) < 0)
		return -ENOMEM;
	i = lower(r, start);
	for (j = i; j < r->n && r->v[j].start < end; j++)
		;
	memmove(&r->v[i], &r->v[j], (r->n - j) * sizeof(*r->v));
	r->n -= j - i;
	return 0;
}

int regions_add(struct regions *r, struct region region)
{
	uint32_t i;

	if (regions_remove(r, region.start, region.end) < 0 || reserve(r, 1) < 0)
		return -ENOMEM;
	i = lower(r, region.start);
	memmove(&r->v[i + 1], &r->v[i], (r->n - i) * sizeof(*r->v));
	r->v[i] = region;
	r->n++;
	merge(r, region.start, region.end);
	return 0;
}

static int change(struct regions *r, uint64_t start, uint64_t end, int prot, unsigned set,
		  unsigned clear)
{
	uint32_t i;

	if (split(r, start) < 0 || split(r, end) < 0)
		return -ENOMEM;
	for (i = lower(r, start); i < r->n && r->v[i].start < end; i++) {
		if (prot >= 0)
			r->v[i].prot = (uint8_t)prot;
		r->v[i].flags = (uint8_t)((r->v[i].flags | set) & ~clear);
	}
	merge(r, start, end);
	return 0;
}

int regions_protect(struct regions *r, uint64_t start, uint64_t end, int prot)
{
	return change(r, start, end, prot & 7, 0, 0);
}

int regions_flag(struct regions *r, uint64_t start, uint64_t end, unsigned set, unsigned clear)
{
	return change(r, start, end, -1, set, clear);
}

int regions_copy(struct regions *to, const struct regions *from)
{
	to->v = malloc((from->n + 1) * sizeof(*to->v));
	if (!to->v)
		return -ENOMEM;
	if (from->n)
		memcpy(to->v, from->v, from->n * sizeof(*to->v));
	to->n = from->n;
	to->cap = from->n + 1;
	to->last = 0;
	return 0;
}

void regions_destroy(struct regions *r)
{
	free(r->v);
	memset(r, 0, sizeof(*r));
}
