/* SPDX-License-Identifier: Apache-2.0 */
/* page_table.c - the kinds of page tables, and what is the same for all of them: ranges, replacing, walks. */
#include "core/page_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

extern const struct page_table_ops page_table_single, page_table_two, page_table_three,
	page_table_four, page_table_five, page_table_hashed, page_table_inverted;

static const struct page_table_ops *const kinds[] = {
	&page_table_single, &page_table_two,    &page_table_three,    &page_table_four,
	&page_table_five,   &page_table_hashed, &page_table_inverted, NULL,
};

#define BASE_SHIFT_DEFAULT 12u

const struct page_table_ops *const *page_table_kinds(void)
{
	return kinds;
}

const struct page_table_ops *page_table_find_kind(const char *kind)
{
	for (uint32_t i = 0; kinds[i]; i++)
		if (!strcasecmp(kinds[i]->name, kind))
			return kinds[i];
	return NULL;
}

int page_table_init(struct page_table *t, const struct page_table_config *c)
{
	int err;

	memset(t, 0, sizeof(*t));
	t->ops = page_table_find_kind(c->kind);
	if (!t->ops)
		return -ENOENT;
	if (c->frames == 0 || c->frames == VMM_NONE || c->walk_cache > PAGE_TABLE_CACHE_MAX)
		return -EINVAL;
	if (c->page_shift &&
	    (c->page_shift < PAGE_TABLE_SHIFT_MIN || c->page_shift > PAGE_TABLE_SHIFT_MAX))
		return -EINVAL;
	t->frames = c->frames;
	t->page_shift = c->page_shift ? c->page_shift : BASE_SHIFT_DEFAULT;
	t->walk_cache = c->walk_cache;
	err = t->ops->create(t);
	if (!err && t->ops->slot) {
		t->slots = calloc(1, sizeof(*t->slots));
		err = t->slots ? 0 : -ENOMEM;
	}
	if (err)
		page_table_destroy(t);
	return err;
}

void page_table_destroy(struct page_table *t)
{
	if (t->ops)
		t->ops->destroy(t);
	free(t->slots);
	memset(t, 0, sizeof(*t));
}

bool page_table_fits(const struct page_table *t, uint64_t vpn)
{
	uint32_t bits = t->ops->vpn_bits;
	int64_t top;

	if (bits == 0)
		return true;
	if (!page_table_canonical(t))
		return vpn >> bits == 0;
	/* the bits above, and the highest one below, are all 0 or all 1 */
	top = (int64_t)(vpn << t->page_shift) >> (t->page_shift + bits - 1);
	return vpn >> (64 - t->page_shift) == 0 && (top == 0 || top == -1);
}

pte_t *page_table_slot_find(struct page_table *t, uint32_t space, uint64_t vpn, uint32_t i)
{
	struct page_table_slots *c = t->slots;
	pte_t *slot = page_table_fits(t, vpn) ? t->ops->slot(t, space, vpn) : NULL;

	if (c->drops != t->drops)
		memset(c, 0, sizeof(*c));
	c->drops = t->drops;
	if (!slot)
		return NULL;
	c->table[i].prefix = vpn >> t->ops->slot_bits;
	c->table[i].space = space;
	c->table[i].first = slot - (vpn & ((1u << t->ops->slot_bits) - 1));
	return slot;
}

pte_t *page_table_find(struct page_table *t, uint32_t space, uint64_t vpn)
{
	return page_table_fits(t, vpn) ? t->ops->find(t, space, vpn, NULL) : NULL;
}

static int map_check(const struct page_table *t, uint64_t vpn, enum page_size size, uint32_t frame,
		     uint32_t flags)
{
	uint64_t pages = page_size_pages(size);

	if (size >= PAGE_SIZES || !(t->ops->sizes & (1u << size)))
		return -EOPNOTSUPP;
	if ((vpn | frame) & (pages - 1) || flags & ~PTE_FLAGS)
		return -EINVAL;
	if (!page_table_fits(t, vpn) || frame >= t->frames || pages > t->frames - frame)
		return -ERANGE;
	return 0;
}

int page_table_make(struct page_table *t, uint32_t space, uint64_t vpn, enum page_size size,
		    uint32_t frame, uint32_t flags, pte_t **entry)
{
	int err = map_check(t, vpn, size, frame, flags);

	if (!err)
		err = t->ops->make(t, space, vpn, size, frame, entry);
	if (!err)
		**entry = pte_make(frame, size, flags);
	return err;
}

int page_table_map(struct page_table *t, uint32_t space, uint64_t vpn, enum page_size size,
		   uint32_t frame, uint32_t flags)
{
	int err = map_check(t, vpn, size, frame, flags);
	pte_t *e;

	if (err)
		return err;
	e = t->ops->find(t, space, vpn, NULL);
	if (e && pte_size(*e) != size)
		return -EEXIST;
	if (e && t->ops->by_frame && pte_frame(*e) != frame) {
		t->drops++;
		t->ops->drop(t, space, vpn, size);
		e = NULL;
	}
	if (!e) {
		err = t->ops->make(t, space, vpn, size, frame, &e);
		if (err)
			return err;
	}
	*e = pte_make(frame, size, flags);
	return 0;
}

bool page_table_unmap(struct page_table *t, uint32_t space, uint64_t vpn)
{
	pte_t *e = page_table_find(t, space, vpn);
	enum page_size size;

	if (!e)
		return false;
	size = pte_size(*e);
	t->drops++;
	t->ops->drop(t, space, vpn & ~(page_size_pages(size) - 1), size);
	return true;
}

void page_table_absent(struct page_table *t, uint32_t space, uint64_t vpn)
{
	pte_t *e;

	if (t->ops->by_frame) {
		page_table_unmap(t, space, vpn);
		return;
	}
	e = page_table_find(t, space, vpn);
	if (e)
		*e = pte_absent(*e);
}

void page_table_drop_space(struct page_table *t, uint32_t space)
{
	t->drops++;
	t->ops->drop_space(t, space);
}

pte_t page_table_walk(struct page_table *t, uint32_t space, uint64_t vpn, bool write,
		      uint32_t *accesses)
{
	uint64_t before = t->stats.walk_accesses;
	pte_t *e = page_table_walk_to(t, space, vpn, NULL);

	if (accesses)
		*accesses = (uint32_t)(t->stats.walk_accesses - before);
	return page_table_reference(e, write);
}

struct range {
	uint64_t first, last;
};

static int in_range(void *arg, uint64_t vpn, pte_t *entry)
{
	const struct range *r = arg;

	return vpn <= r->last && vpn + (page_size_pages(pte_size(*entry)) - 1) >= r->first;
}

bool page_table_covered(struct page_table *t, uint32_t space, uint64_t vpn, enum page_size size)
{
	struct range r = { vpn, vpn + (page_size_pages(size) - 1) };

	if (t->stats.entries < page_size_pages(size))
		return t->ops->each(t, space, in_range, &r);
	for (uint64_t at = r.first; at <= r.last; at++)
		if (t->ops->find(t, space, at, NULL))
			return true;
	return false;
}

int page_table_each(struct page_table *t, uint32_t space, page_table_fn fn, void *arg)
{
	return t->ops->each(t, space, fn, arg);
}

void page_table_flush_cache(struct page_table *t)
{
	if (t->ops->flush)
		t->ops->flush(t);
}

int page_table_chains(const struct page_table *t, struct page_table_chains *out)
{
	memset(out, 0, sizeof(*out));
	if (!t->ops->chains)
		return -EOPNOTSUPP;
	t->ops->chains(t, out);
	return 0;
}

int page_table_check(const struct page_table *t)
{
	if (t->stats.bytes > t->stats.bytes_peak)
		return -EINVAL;
	return t->ops->check(t);
}
