/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inverted.c - one table for all spaces with one slot a frame: who is in it. A hash anchor table begins the chains.
 *
 *       hash(space, vpn)          slot = frame
 *      +---------+               +------------------------------+
 *      | anchor  |--------------►| space, vpn, flags, next slot |--► ...
 *      +---------+               +------------------------------+
 *
 * A walk reads the anchor, then one slot after the other of its chain; both are accesses. Each page size that has entries
 * is probed, the smallest first. There are as many anchors as frames, rounded up to a power of two.
 *
 * A frame that several pages share needs more than its own slot: *aliases*, numbered from `frames` on and chained the
 * same way. A page without a frame has no entry.
 *
 * Modelled bytes: 16 a slot (the frame is its number), 4 an anchor, 24 an alias.
 */
#include "core/page_table.h"

#include <errno.h>
#include <stdlib.h>

#define SLOT_BYTES 16
#define ANCHOR_BYTES 4
#define ALIAS_BYTES 24
#define ALIASES_FIRST 64u

struct slot {
	uint64_t vpn;
	pte_t entry;          /* 0: not used */
	uint32_t space, next; /* next: of the chain, or of the free aliases */
};

struct inverted {
	struct slot *slots; /* by frame */
	struct slot *alias; /* made when first needed */
	uint32_t alias_made, alias_capacity, alias_free, aliases;
	uint32_t *anchor; /* slot number, VMM_NONE: empty */
	uint32_t anchors;
	uint64_t count[PAGE_SIZES]; /* entries of each size */
};

static struct slot *slot_at(const struct page_table *t, uint32_t n)
{
	const struct inverted *v = t->state;

	return n < t->frames ? &v->slots[n] : &v->alias[n - t->frames];
}

/* The finalizer of splitmix64 spreads neighbouring page numbers. */
static uint32_t *anchor_of(const struct inverted *v, uint32_t space, uint64_t vpn,
			   enum page_size size)
{
	struct rng mix = { .state = vpn ^ (uint64_t)space << 40 ^ (uint64_t)size << 62 };

	return &v->anchor[rng_next(&mix) & (v->anchors - 1)];
}

/* The link that leads to the page's slot; *link is VMM_NONE when there is none. */
static uint32_t *probe(const struct page_table *t, uint32_t space, uint64_t vpn,
		       enum page_size size, uint32_t *accesses)
{
	uint32_t *link = anchor_of(t->state, space, vpn, size);

	++*accesses;
	while (*link != VMM_NONE) {
		struct slot *s = slot_at(t, *link);

		++*accesses;
		if (s->vpn == vpn && s->space == space && pte_size(s->entry) == size)
			break;
		link = &s->next;
	}
	return link;
}

/* The walk. */
static pte_t *inverted_find(struct page_table *t, uint32_t space, uint64_t vpn, uint32_t *accesses)
{
	const struct inverted *v = t->state;
	uint32_t uncounted = 0, *n = accesses ? accesses : &uncounted;

	for (enum page_size size = PAGE_4K; size < PAGE_SIZES; size++) {
		uint32_t *link;

		if (!v->count[size])
			continue;
		link = probe(t, space, vpn & ~(page_size_pages(size) - 1), size, n);
		if (*link != VMM_NONE)
			return &slot_at(t, *link)->entry;
	}
	return NULL;
}

static uint32_t alias_take(struct page_table *t)
{
	struct inverted *v = t->state;
	uint32_t n = v->alias_free;

	if (n != VMM_NONE) {
		v->alias_free = v->alias[n].next;
	} else {
		if (v->alias_made == v->alias_capacity) {
			uint32_t capacity = v->alias_capacity ? v->alias_capacity * 2
							      : ALIASES_FIRST;
			struct slot *more;

			if (capacity >= VMM_NONE - t->frames)
				return VMM_NONE;
			more = realloc(v->alias, capacity * sizeof(*more));
			if (!more)
				return VMM_NONE;
			v->alias = more;
			v->alias_capacity = capacity;
		}
		n = v->alias_made++;
	}
	v->aliases++;
	page_table_account(t, 0, ALIAS_BYTES);
	return t->frames + n;
}

static int inverted_make(struct page_table *t, uint32_t space, uint64_t vpn, enum page_size size,
			 uint32_t frame, pte_t **entry)
{
	struct inverted *v = t->state;
	uint32_t n = frame, *anchor;
	struct slot *s;

	if (size != PAGE_4K && page_table_covered(t, space, vpn, size))
		return -EEXIST;
	if (v->slots[frame].entry) {
		n = alias_take(t);
		if (n == VMM_NONE)
			return -ENOMEM;
	}
	anchor = anchor_of(v, space, vpn, size);
	s = slot_at(t, n);
	*s = (struct slot){ .vpn = vpn, .space = space, .next = *anchor };
	*anchor = n;
	v->count[size]++;
	t->stats.entries++;
	*entry = &s->entry;
	return 0;
}

static void inverted_drop(struct page_table *t, uint32_t space, uint64_t vpn, enum page_size size)
{
	struct inverted *v = t->state;
	uint32_t uncounted = 0, *link = probe(t, space, vpn, size, &uncounted), n = *link;
	struct slot *s = slot_at(t, n);

	*link = s->next;
	s->entry = 0;
	v->count[size]--;
	t->stats.entries--;
	if (n < t->frames)
		return;
	s->next = v->alias_free;
	v->alias_free = n - t->frames;
	v->aliases--;
	page_table_account(t, 0, -ALIAS_BYTES);
}

static void inverted_drop_space(struct page_table *t, uint32_t space)
{
	const struct inverted *v = t->state;

	for (uint32_t n = 0; n < t->frames + v->alias_made; n++) {
		struct slot *s = slot_at(t, n);

		if (s->entry && s->space == space)
			inverted_drop(t, space, s->vpn, pte_size(s->entry));
	}
}

static int inverted_each(struct page_table *t, uint32_t space, page_table_fn fn, void *arg)
{
	const struct inverted *v = t->state;
	int stop = 0;

	for (uint32_t n = 0; n < t->frames + v->alias_made && !stop; n++) {
		struct slot *s = slot_at(t, n);

		if (s->entry && s->space == space)
			stop = fn(arg, s->vpn, &s->entry);
	}
	return stop;
}

static int inverted_create(struct page_table *t)
{
	struct inverted *v = t->state = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	if (t->frames > 1u << 31)
		return -EINVAL;
	v->alias_free = VMM_NONE;
	for (v->anchors = 1; v->anchors < t->frames;)
		v->anchors *= 2;
	v->slots = calloc(t->frames, sizeof(*v->slots));
	v->anchor = malloc(v->anchors * sizeof(*v->anchor));
	if (!v->slots || !v->anchor)
		return -ENOMEM;
	for (uint32_t i = 0; i < v->anchors; i++)
		v->anchor[i] = VMM_NONE;
	page_table_account(t, 1,
			   (int64_t)t->frames * SLOT_BYTES + (int64_t)v->anchors * ANCHOR_BYTES);
	return 0;
}

static void inverted_destroy(struct page_table *t)
{
	struct inverted *v = t->state;

	if (!v)
		return;
	free(v->slots);
	free(v->alias);
	free(v->anchor);
	free(v);
}

static void inverted_chains(const struct page_table *t, struct page_table_chains *out)
{
	const struct inverted *v = t->state;

	out->buckets = v->anchors;
	out->entries = t->stats.entries;
	out->aliases = v->aliases;
	for (uint32_t a = 0; a < v->anchors; a++) {
		uint64_t n = 0;

		for (uint32_t i = v->anchor[a]; i != VMM_NONE; i = slot_at(t, i)->next)
			n++;
		out->buckets_used += n > 0;
		if (out->longest < n)
			out->longest = n;
	}
	out->collisions = out->entries - out->buckets_used;
}

/* Every slot that is used is in its chain, is where its frame says, and is the one that is found. */
static bool slot_ok(const struct page_table *t, uint32_t n, uint64_t count[PAGE_SIZES])
{
	const struct slot *s = slot_at(t, n);
	uint32_t uncounted = 0;

	if (!s->entry)
		return true;
	count[pte_size(s->entry)]++;
	return s->entry & PTE_LEAF && (n >= t->frames || pte_frame(s->entry) == n) &&
	       *probe(t, s->space, s->vpn, pte_size(s->entry), &uncounted) == n;
}

static int inverted_check(const struct page_table *t)
{
	const struct inverted *v = t->state;
	uint64_t count[PAGE_SIZES + 1] = { 0 }, entries = 0, chained = 0;
	uint32_t unused = 0;

	for (uint32_t n = 0; n < t->frames + v->alias_made; n++)
		if (!slot_ok(t, n, count))
			return -EINVAL;
	for (enum page_size size = PAGE_4K; size < PAGE_SIZES; size++) {
		entries += count[size];
		if (count[size] != v->count[size])
			return -EINVAL;
	}
	for (uint32_t a = 0; a < v->anchors; a++)
		for (uint32_t i = v->anchor[a]; i != VMM_NONE; i = slot_at(t, i)->next)
			if (++chained > entries || !slot_at(t, i)->entry)
				return -EINVAL;
	for (uint32_t i = v->alias_free; i != VMM_NONE; i = v->alias[i].next)
		if (++unused > v->alias_made || v->alias[i].entry)
			return -EINVAL;
	if (entries != t->stats.entries || chained != entries || t->stats.tables != 1 ||
	    unused + v->aliases != v->alias_made ||
	    t->stats.bytes != (uint64_t)t->frames * SLOT_BYTES +
				      (uint64_t)v->anchors * ANCHOR_BYTES +
				      (uint64_t)v->aliases * ALIAS_BYTES)
		return -EINVAL;
	return 0;
}

extern const struct page_table_ops page_table_inverted;
const struct page_table_ops page_table_inverted = {
	.name = "inverted",
	.summary = "one table indexed by frame, found through a hash anchor",
	.sizes = 1u << PAGE_4K | 1u << PAGE_2M | 1u << PAGE_1G,
	.by_frame = true,
	.create = inverted_create,
	.destroy = inverted_destroy,
	.find = inverted_find,
	.make = inverted_make,
	.drop = inverted_drop,
	.drop_space = inverted_drop_space,
	.each = inverted_each,
	.chains = inverted_chains,
	.check = inverted_check,
};
