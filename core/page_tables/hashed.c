/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hashed.c - one hash table from (space, page number, size) to entry, for all spaces: chains from uthash.
 *
 * A walk reads the bucket, then one entry after the other of its chain; both are accesses. Each page size that has
 * entries is probed, the smallest first. uthash doubles the buckets when chains grow beyond about ten
 * entries.
 *
 * Modelled bytes: 24 an entry (space, page number, frame, flags, link), 8 a bucket.
 */
#define HASH_NONFATAL_OOM 1
#include "core/page_table.h"

#include <errno.h>
#include <stdlib.h>
#include <uthash.h>

#define ENTRY_BYTES 24
#define BUCKET_BYTES 8

struct key {
	uint64_t vpn;
	uint32_t space, size;
};

struct item {
	struct key key;
	pte_t entry;
	bool in_hash;
	UT_hash_handle hh;
};

#undef uthash_nonfatal_oom
#define uthash_nonfatal_oom(e) ((e)->in_hash = false)

struct hashed {
	struct item *items;
	uint64_t count[PAGE_SIZES]; /* entries of each size */
};

static uint64_t bytes_of(const struct hashed *h)
{
	if (!h->items)
		return 0;
	return (uint64_t)HASH_COUNT(h->items) * ENTRY_BYTES +
	       (uint64_t)h->items->hh.tbl->num_buckets * BUCKET_BYTES;
}

static void account(struct page_table *t)
{
	const struct hashed *h = t->state;

	page_table_account(t, (int64_t)(h->items != NULL) - (int64_t)t->stats.tables,
			   (int64_t)(bytes_of(h) - t->stats.bytes));
}

static struct key key_of(uint32_t space, uint64_t vpn, enum page_size size)
{
	return (struct key){ vpn & ~(page_size_pages(size) - 1), space, size };
}

static struct item *probe(const struct hashed *h, const struct key *key, uint32_t *accesses)
{
	const struct UT_hash_table *table = h->items->hh.tbl;
	const struct UT_hash_handle *hh;
	uint32_t hash, bucket;

	HASH_VALUE(key, sizeof(*key), hash);
	HASH_TO_BKT(hash, table->num_buckets, bucket);
	++*accesses;
	for (hh = table->buckets[bucket].hh_head; hh; hh = hh->hh_next) {
		struct item *i = ELMT_FROM_HH(table, hh);

		++*accesses;
		if (i->key.vpn == key->vpn && i->key.space == key->space &&
		    i->key.size == key->size)
			return i;
	}
	return NULL;
}

static struct item *item_find(const struct hashed *h, uint32_t space, uint64_t vpn,
			      uint32_t *accesses)
{
	for (enum page_size size = PAGE_4K; h->items && size < PAGE_SIZES; size++) {
		struct key key = key_of(space, vpn, size);
		struct item *i = h->count[size] ? probe(h, &key, accesses) : NULL;

		if (i)
			return i;
	}
	return NULL;
}

/* The walk. */
static pte_t *hashed_find(struct page_table *t, uint32_t space, uint64_t vpn, uint32_t *accesses)
{
	uint32_t uncounted = 0;
	struct item *i = item_find(t->state, space, vpn, accesses ? accesses : &uncounted);

	return i ? &i->entry : NULL;
}

static int hashed_make(struct page_table *t, uint32_t space, uint64_t vpn, enum page_size size,
		       uint32_t frame, pte_t **entry)
{
	struct hashed *h = t->state;
	struct item *i;

	(void)frame;
	if (size != PAGE_4K && page_table_covered(t, space, vpn, size))
		return -EEXIST;
	i = calloc(1, sizeof(*i));
	if (!i)
		return -ENOMEM;
	i->key = key_of(space, vpn, size);
	i->in_hash = true;
	HASH_ADD(hh, h->items, key, sizeof(i->key), i);
	if (!i->in_hash) {
		free(i);
		return -ENOMEM;
	}
	h->count[size]++;
	t->stats.entries++;
	account(t);
	*entry = &i->entry;
	return 0;
}

static void item_drop(struct page_table *t, struct item *i)
{
	struct hashed *h = t->state;

	h->count[i->key.size]--;
	t->stats.entries--;
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it loses track inside */
	HASH_DEL(h->items, i);
	free(i);
}

static void hashed_drop(struct page_table *t, uint32_t space, uint64_t vpn, enum page_size size)
{
	struct key key = key_of(space, vpn, size);
	uint32_t uncounted = 0;

	item_drop(t, probe(t->state, &key, &uncounted));
	account(t);
}

static void hashed_drop_space(struct page_table *t, uint32_t space)
{
	struct hashed *h = t->state;
	struct item *i, *next;

	HASH_ITER(hh, h->items, i, next)
	if (i->key.space == space)
		item_drop(t, i);
	account(t);
}

static int hashed_each(struct page_table *t, uint32_t space, page_table_fn fn, void *arg)
{
	struct hashed *h = t->state;
	int stop = 0;

	for (struct item *i = h->items; i && !stop; i = i->hh.next)
		if (i->key.space == space)
			stop = fn(arg, i->key.vpn, &i->entry);
	return stop;
}

static int hashed_create(struct page_table *t)
{
	t->state = calloc(1, sizeof(struct hashed));
	return t->state ? 0 : -ENOMEM;
}

static void hashed_destroy(struct page_table *t)
{
	struct hashed *h = t->state;
	struct item *i, *next;

	if (!h)
		return;
	HASH_ITER(hh, h->items, i, next)
	item_drop(t, i);
	free(h);
}

static void hashed_chains(const struct page_table *t, struct page_table_chains *out)
{
	const struct hashed *h = t->state;

	if (!h->items)
		return;
	out->buckets = h->items->hh.tbl->num_buckets;
	out->entries = HASH_COUNT(h->items);
	for (uint64_t b = 0; b < out->buckets; b++) {
		uint64_t n = h->items->hh.tbl->buckets[b].count;

		out->buckets_used += n > 0;
		if (out->longest < n)
			out->longest = n;
	}
	out->collisions = out->entries - out->buckets_used;
}

static int hashed_check(const struct page_table *t)
{
	const struct hashed *h = t->state;
	uint64_t count[PAGE_SIZES] = { 0 }, entries = 0;

	for (const struct item *i = h->items; i; i = i->hh.next) {
		uint32_t uncounted = 0;

		if (!(i->entry & PTE_LEAF) || pte_size(i->entry) != i->key.size ||
		    i->key.size >= PAGE_SIZES ||
		    item_find(h, i->key.space, i->key.vpn, &uncounted) != i)
			return -EINVAL;
		count[i->key.size]++;
		entries++;
	}
	for (enum page_size size = PAGE_4K; size < PAGE_SIZES; size++)
		if (count[size] != h->count[size])
			return -EINVAL;
	if (entries != t->stats.entries || bytes_of(h) != t->stats.bytes ||
	    t->stats.tables != (h->items != NULL))
		return -EINVAL;
	return 0;
}

extern const struct page_table_ops page_table_hashed;
const struct page_table_ops page_table_hashed = {
	.name = "hashed",
	.summary = "one hash table from page number to entry",
	.sizes = 1u << PAGE_4K | 1u << PAGE_2M | 1u << PAGE_1G,
	.create = hashed_create,
	.destroy = hashed_destroy,
	.find = hashed_find,
	.make = hashed_make,
	.drop = hashed_drop,
	.drop_space = hashed_drop_space,
	.each = hashed_each,
	.chains = hashed_chains,
	.check = hashed_check,
};
