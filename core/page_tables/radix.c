/* SPDX-License-Identifier: Apache-2.0 */
/*
 * radix.c - page tables that are trees: single, two, three, four and five levels.
 *
 * Four levels, as x86-64 has them (Intel SDM volume 3, chapter 4; five levels add PML5 above, three begin at PDPT):
 *
 *    47      39 38      30 29      21 20      12 11           0
 *   +----------+----------+----------+----------+--------------+
 *   |   PML4   |   PDPT   |    PD    |    PT    |    offset    |
 *   +----------+----------+----------+----------+--------------+
 *      level 3    level 2    level 1    level 0
 *
 * Two levels, 32-bit addresses: 10 + 10 bits. Single: one array of 2^20 entries a space.
 *
 * An entry of level 1 or 2 with PTE_LEAF is a page of 2M or 1G; without it, it is the address of the table below. Tables
 * are made when the first entry in them is used, and go with the last. Modelled bytes: entries of 4 bytes in the 32-bit
 * tables and of 8 in the others, so every table but single's has 4 KiB.
 *
 * The walk cache holds, per level, the tables that were walked through last: the result of reading that level's entry.
 * A walk begins at the lowest table that is cached. Most recently used first; hence the first of a level leaves last.
 */
#define HASH_NONFATAL_OOM 1
#include "core/page_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define LEVELS_MAX 5u

struct node {
	uint32_t used; /* entries that are not 0 */
	pte_t entry[];
};

struct root {
	uint32_t space;
	bool in_hash;
	struct node *top;
	UT_hash_handle hh;
};

#undef uthash_nonfatal_oom
#define uthash_nonfatal_oom(e) ((e)->in_hash = false)

struct cached {
	uint64_t prefix; /* of the vpn, down to and with this level's index */
	uint32_t space;
	struct node *below;
};

struct radix {
	uint32_t levels, bits, entry_bytes;
	struct root *roots, *last;        /* last: looked up last, may be NULL */
	struct cached *cache[LEVELS_MAX]; /* by level, [0] unused */
	uint32_t cache_used[LEVELS_MAX];
};

/* The way from the top to the table of one page. */
struct path {
	struct node *at[LEVELS_MAX]; /* by level */
	uint32_t low;                /* lowest level that exists */
};

static uint32_t index_at(const struct radix *r, uint64_t vpn, uint32_t level)
{
	return (uint32_t)(vpn >> (r->bits * level)) & ((1u << r->bits) - 1);
}

static struct node *table_below(pte_t e)
{
	return (struct node *)(uintptr_t)e;
}

static int64_t node_bytes(const struct radix *r)
{
	return (int64_t)r->entry_bytes << r->bits;
}

static struct root *root_find(struct radix *r, uint32_t space)
{
	struct root *root = r->last;

	if (root && root->space == space)
		return root;
	HASH_FIND(hh, r->roots, &space, sizeof(space), root);
	if (root)
		r->last = root;
	return root;
}

static struct node *node_new(struct page_table *t)
{
	struct radix *r = t->state;
	struct node *n = calloc(1, sizeof(*n) + (sizeof(pte_t) << r->bits));

	if (n)
		page_table_account(t, 1, node_bytes(r));
	return n;
}

static void cache_forget(struct page_table *t, const struct node *n)
{
	struct radix *r = t->state;

	for (uint32_t level = 1; t->walk_cache && level < r->levels; level++)
		for (uint32_t i = 0; i < r->cache_used[level]; i++)
			if (r->cache[level][i].below == n) {
				memmove(&r->cache[level][i], &r->cache[level][i + 1],
					(--r->cache_used[level] - i) * sizeof(struct cached));
				break;
			}
}

static void node_free(struct page_table *t, struct node *n)
{
	cache_forget(t, n);
	page_table_account(t, -1, -node_bytes(t->state));
	free(n);
}

/* Puts c, which was at place i of its level or is new (i == used), first. */
static void cache_first(struct page_table *t, uint32_t level, uint32_t i, struct cached c)
{
	struct radix *r = t->state;

	if (i == t->walk_cache)
		i--;
	else if (i == r->cache_used[level])
		r->cache_used[level]++;
	memmove(&r->cache[level][1], &r->cache[level][0], i * sizeof(c));
	r->cache[level][0] = c;
}

static void cache_add(struct page_table *t, uint32_t space, uint64_t vpn, uint32_t level,
		      struct node *below)
{
	struct radix *r = t->state;

	cache_first(t, level, r->cache_used[level],
		    (struct cached){ vpn >> (r->bits * level), space, below });
}

/* The lowest table that the cache knows for vpn: NULL when none. *level is one above its own. */
static struct node *cache_find(struct page_table *t, uint32_t space, uint64_t vpn, uint32_t *level)
{
	struct radix *r = t->state;

	for (uint32_t l = 1; l < r->levels; l++) {
		struct cached *c = r->cache[l];

		for (uint32_t i = 0; i < r->cache_used[l]; i++) {
			struct cached hit = c[i];

			if (hit.prefix != vpn >> (r->bits * l) || hit.space != space)
				continue;
			if (i)
				cache_first(t, l, i, hit);
			t->stats.walk_cache_hits++;
			*level = l;
			return hit.below;
		}
	}
	return NULL;
}

static struct node *walk_start(struct page_table *t, uint32_t space, uint64_t vpn, bool cached,
			       uint32_t *level)
{
	struct radix *r = t->state;
	struct node *n = cached ? cache_find(t, space, vpn, level) : NULL;
	struct root *root;

	if (n)
		return n;
	*level = r->levels;
	root = root_find(r, space);
	return root ? root->top : NULL;
}

/* The walk. */
static pte_t *radix_find(struct page_table *t, uint32_t space, uint64_t vpn, uint32_t *accesses)
{
	bool cached = accesses && t->walk_cache;
	uint32_t level;
	struct node *n = walk_start(t, space, vpn, cached, &level);

	while (n) {
		pte_t *e = &n->entry[index_at(t->state, vpn, --level)];

		if (accesses)
			++*accesses;
		if (*e & PTE_LEAF)
			return e;
		n = table_below(*e);
		if (n && cached)
			cache_add(t, space, vpn, level, n);
	}
	return NULL;
}

static pte_t *radix_slot(struct page_table *t, uint32_t space, uint64_t vpn)
{
	const struct radix *r = t->state;
	struct root *root = root_find(t->state, space);
	struct node *n = root ? root->top : NULL;

	for (uint32_t level = r->levels - 1; n && level; level--) {
		pte_t e = n->entry[index_at(r, vpn, level)];

		n = e & PTE_LEAF ? NULL : table_below(e);
	}
	return n ? &n->entry[index_at(r, vpn, 0)] : NULL;
}

static struct root *root_make(struct page_table *t, uint32_t space)
{
	struct radix *r = t->state;
	struct root *root = root_find(r, space);

	if (root)
		return root;
	root = calloc(1, sizeof(*root));
	if (!root)
		return NULL;
	root->space = space;
	root->top = node_new(t);
	root->in_hash = root->top != NULL;
	if (root->in_hash)
		HASH_ADD(hh, r->roots, space, sizeof(root->space), root);
	if (root->in_hash)
		return root;
	if (root->top)
		node_free(t, root->top);
	free(root);
	return NULL;
}

/* Tables of the path that have no entry go, and the space with its last. */
static void prune(struct page_table *t, struct root *root, struct path *p, uint64_t vpn)
{
	struct radix *r = t->state;

	for (uint32_t level = p->low; level < r->levels && p->at[level]->used == 0; level++) {
		node_free(t, p->at[level]);
		if (level + 1 == r->levels) {
			HASH_DEL(r->roots, root);
			r->last = NULL;
			free(root);
			return;
		}
		p->at[level + 1]->entry[index_at(r, vpn, level + 1)] = 0;
		p->at[level + 1]->used--;
	}
}

/* Fills p as far down as tables exist, but not below `low`. */
static void path_walk(const struct radix *r, const struct root *root, uint64_t vpn, uint32_t low,
		      struct path *p)
{
	p->low = r->levels - 1;
	p->at[p->low] = root->top;
	while (p->low > low) {
		pte_t e = p->at[p->low]->entry[index_at(r, vpn, p->low)];

		if (!e || e & PTE_LEAF)
			return;
		p->at[--p->low] = table_below(e);
	}
}

static int radix_make(struct page_table *t, uint32_t space, uint64_t vpn, enum page_size size,
		      uint32_t frame, pte_t **entry)
{
	struct radix *r = t->state;
	struct root *root = root_make(t, space);
	uint32_t leaf = (uint32_t)size;
	struct path p;

	(void)frame;
	if (!root)
		return -ENOMEM;
	path_walk(r, root, vpn, leaf, &p);
	while (p.low > leaf) {
		struct node *n = node_new(t);

		if (!n) {
			prune(t, root, &p, vpn);
			return -ENOMEM;
		}
		p.at[p.low]->entry[index_at(r, vpn, p.low)] = (pte_t)(uintptr_t)n;
		p.at[p.low]->used++;
		p.at[--p.low] = n;
	}
	*entry = &p.at[leaf]->entry[index_at(r, vpn, leaf)];
	if (**entry)
		return -EEXIST;
	p.at[leaf]->used++;
	t->stats.entries++;
	return 0;
}

static void radix_drop(struct page_table *t, uint32_t space, uint64_t vpn, enum page_size size)
{
	struct radix *r = t->state;
	struct root *root = root_find(r, space);
	struct path p;

	path_walk(r, root, vpn, (uint32_t)size, &p);
	p.at[p.low]->entry[index_at(r, vpn, p.low)] = 0;
	p.at[p.low]->used--;
	t->stats.entries--;
	prune(t, root, &p, vpn);
}

static void subtree_free(struct page_table *t, struct node *n, uint32_t level)
{
	for (uint32_t i = 0; n->used; i++) {
		if (!n->entry[i])
			continue;
		n->used--;
		if (n->entry[i] & PTE_LEAF)
			t->stats.entries--;
		else
			subtree_free(t, table_below(n->entry[i]), level - 1);
	}
	node_free(t, n);
}

static void root_drop(struct page_table *t, struct root *root)
{
	struct radix *r = t->state;

	HASH_DEL(r->roots, root);
	r->last = NULL;
	subtree_free(t, root->top, r->levels - 1);
	free(root);
}

static void radix_drop_space(struct page_table *t, uint32_t space)
{
	struct root *root = root_find(t->state, space);

	if (root)
		root_drop(t, root);
}

/* vpn: of the subtree's first page, without sign extension. */
static int subtree_each(struct page_table *t, struct node *n, uint32_t level, uint64_t vpn,
			page_table_fn fn, void *arg)
{
	struct radix *r = t->state;
	uint32_t left = n->used, above = 64 - t->ops->vpn_bits;
	int stop = 0;

	for (uint32_t i = 0; left && !stop; i++) {
		uint64_t at = vpn | (uint64_t)i << (r->bits * level);

		if (!n->entry[i])
			continue;
		left--;
		if (!(n->entry[i] & PTE_LEAF)) {
			stop = subtree_each(t, table_below(n->entry[i]), level - 1, at, fn, arg);
			continue;
		}
		if (page_table_canonical(t))
			at = (uint64_t)((int64_t)(at << above) >> above) << t->page_shift >>
			     t->page_shift;
		stop = fn(arg, at, &n->entry[i]);
	}
	return stop;
}

static int radix_each(struct page_table *t, uint32_t space, page_table_fn fn, void *arg)
{
	struct radix *r = t->state;
	struct root *root = root_find(r, space);

	return root ? subtree_each(t, root->top, r->levels - 1, 0, fn, arg) : 0;
}

static void radix_flush(struct page_table *t)
{
	struct radix *r = t->state;

	memset(r->cache_used, 0, sizeof(r->cache_used));
}

static int create(struct page_table *t, uint32_t levels, uint32_t bits, uint32_t entry_bytes)
{
	struct radix *r = t->state = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*r = (struct radix){ .levels = levels, .bits = bits, .entry_bytes = entry_bytes };
	for (uint32_t l = 1; t->walk_cache && l < levels; l++) {
		r->cache[l] = calloc(t->walk_cache, sizeof(struct cached));
		if (!r->cache[l])
			return -ENOMEM;
	}
	return 0;
}

static void radix_destroy(struct page_table *t)
{
	struct radix *r = t->state;
	struct root *root, *next;

	if (!r)
		return;
	radix_flush(t);
	HASH_ITER(hh, r->roots, root, next)
	root_drop(t, root);
	for (uint32_t l = 1; l < r->levels; l++)
		free(r->cache[l]);
	free(r);
}

struct census {
	uint64_t tables, entries;
};

static bool subtree_ok(const struct page_table *t, const struct node *n, uint32_t level,
		       struct census *c)
{
	const struct radix *r = t->state;
	uint32_t used = 0;

	c->tables++;
	for (uint64_t i = 0; i >> r->bits == 0; i++) {
		pte_t e = n->entry[i];

		used += e != 0;
		if (e & PTE_LEAF) {
			c->entries++;
			if ((uint32_t)pte_size(e) != level)
				return false;
		} else if (e && (level == 0 || !subtree_ok(t, table_below(e), level - 1, c))) {
			return false;
		}
	}
	return used == n->used && used;
}

static bool cached_ok(const struct radix *r, const struct cached *c, uint32_t level)
{
	struct root *root;
	struct path p;

	HASH_FIND(hh, r->roots, &c->space, sizeof(c->space), root);
	if (!root)
		return false;
	path_walk(r, root, c->prefix << (r->bits * level), level - 1, &p);
	return p.low == level - 1 && p.at[p.low] == c->below;
}

static int radix_check(const struct page_table *t)
{
	const struct radix *r = t->state;
	struct census c = { 0, 0 };

	for (const struct root *root = r->roots; root; root = root->hh.next)
		if (!subtree_ok(t, root->top, r->levels - 1, &c))
			return -EINVAL;
	if (c.tables != t->stats.tables || c.entries != t->stats.entries ||
	    t->stats.bytes != c.tables * (uint64_t)node_bytes(r))
		return -EINVAL;
	for (uint32_t l = 1; l < r->levels; l++)
		for (uint32_t i = 0; i < r->cache_used[l]; i++)
			if (!cached_ok(r, &r->cache[l][i], l))
				return -EINVAL;
	return 0;
}

#define ONLY_4K (1u << PAGE_4K)
#define ALL_SIZES (1u << PAGE_4K | 1u << PAGE_2M | 1u << PAGE_1G)

/* A kind: its name, levels, bits of the page number that one level takes, bytes of an entry, page sizes. */
#define RADIX(kind, n_levels, n_bits, n_bytes, n_sizes, text)                                      \
	static int create_##kind(struct page_table *t)                                             \
	{                                                                                          \
		return create(t, n_levels, n_bits, n_bytes);                                       \
	}                                                                                          \
	extern const struct page_table_ops page_table_##kind;                                      \
	const struct page_table_ops page_table_##kind = {                                          \
		.name = #kind,                                                                     \
		.summary = (text),                                                                 \
		.vpn_bits = (n_levels) * (n_bits),                                                 \
		.sizes = (n_sizes),                                                                \
		.create = create_##kind,                                                           \
		.destroy = radix_destroy,                                                          \
		.find = radix_find,                                                                \
		.make = radix_make,                                                                \
		.drop = radix_drop,                                                                \
		.drop_space = radix_drop_space,                                                    \
		.each = radix_each,                                                                \
		.slot = radix_slot,                                                                \
		.slot_bits = (n_bits),                                                             \
		.levels = (n_levels),                                                              \
		.flush = radix_flush,                                                              \
		.check = radix_check,                                                              \
	}

RADIX(single, 1, 20, 4, ONLY_4K, "one array of all pages, 32-bit addresses");
RADIX(two, 2, 10, 4, ONLY_4K, "two levels, 32-bit addresses");
RADIX(three, 3, 9, 8, ALL_SIZES, "three levels, 39-bit addresses");
RADIX(four, 4, 9, 8, ALL_SIZES, "four levels, 48-bit addresses: x86-64");
RADIX(five, 5, 9, 8, ALL_SIZES, "five levels, 57-bit addresses: x86-64 with LA57");
