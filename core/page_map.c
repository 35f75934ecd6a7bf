/* SPDX-License-Identifier: Apache-2.0 */
/* page_map.c - see page_map.h. */
#define HASH_NONFATAL_OOM 1
#include "core/page_map.h"

#include "core/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#undef uthash_nonfatal_oom
#define uthash_nonfatal_oom(e) ((e)->in_hash = false)

#define LEAF_BITS 9
#define LEAF_SIZE (1u << LEAF_BITS)
#define NODE_BITS 9
#define NODE_SIZE (1u << NODE_BITS)
#define NODE_SHIFT (LEAF_BITS + NODE_BITS)

struct leaf {
	uint32_t used;
	uint32_t id[LEAF_SIZE];
};

struct node_key {
	uint64_t base; /* vpn >> NODE_SHIFT */
	uint64_t space;
};

struct page_map_node {
	struct node_key key;
	uint64_t used;
	struct leaf *leaf[NODE_SIZE];
	bool in_hash;
	UT_hash_handle hh;
};

static uint32_t leaf_index(uint64_t vpn)
{
	return (uint32_t)(vpn >> LEAF_BITS) & (NODE_SIZE - 1);
}

static uint32_t id_index(uint64_t vpn)
{
	return (uint32_t)vpn & (LEAF_SIZE - 1);
}

void page_map_init(struct page_map *m)
{
	memset(m, 0, sizeof(*m));
	m->sorted = true;
}

static void node_free(struct page_map_node *n)
{
	for (uint32_t i = 0; i < NODE_SIZE; i++)
		free(n->leaf[i]);
	free(n);
}

void page_map_destroy(struct page_map *m)
{
	struct page_map_node *n, *next;

	HASH_ITER(hh, m->nodes, n, next)
	{
		HASH_DEL(m->nodes, n);
		node_free(n);
	}
	page_map_init(m);
}

static struct page_map_node **recent(struct page_map *m, uint32_t space, uint64_t base)
{
	return &m->recent[(base ^ space * 0x9E3779B1u) % PAGE_MAP_RECENT];
}

static inline struct page_map_node *node_find(struct page_map *m, uint32_t space, uint64_t base)
{
	struct page_map_node **r = recent(m, space, base), *n = *r;
	struct node_key key = { base, space };

	if (n && n->key.base == base && n->key.space == space)
		return n;
	HASH_FIND(hh, m->nodes, &key, sizeof(key), n);
	if (n)
		*r = n;
	return n;
}

static struct page_map_node *node_make(struct page_map *m, uint32_t space, uint64_t base)
{
	struct page_map_node *n = node_find(m, space, base);

	if (n)
		return n;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->key.base = base;
	n->key.space = space;
	n->in_hash = true;
	HASH_ADD(hh, m->nodes, key, sizeof(n->key), n);
	if (!n->in_hash) {
		free(n);
		return NULL;
	}
	m->sorted = false;
	*recent(m, space, base) = n;
	return n;
}

const uint32_t *page_map_place(struct page_map *m, uint32_t space, uint64_t vpn)
{
	const struct page_map_node *n = node_find(m, space, vpn >> NODE_SHIFT);
	const struct leaf *l = n ? n->leaf[leaf_index(vpn)] : NULL;

	if (!l)
		return NULL;
	__builtin_prefetch(&l->id[id_index(vpn)]);
	return &l->id[id_index(vpn)];
}

uint32_t page_map_get(struct page_map *m, uint32_t space, uint64_t vpn)
{
	struct page_map_node *n = node_find(m, space, vpn >> NODE_SHIFT);
	struct leaf *l = n ? n->leaf[leaf_index(vpn)] : NULL;

	return l ? l->id[id_index(vpn)] : VMM_NONE;
}

/* The node and in it the leaf of vpn, made if need be. NULL: no memory. */
static struct page_map_node *leaf_make(struct page_map *m, uint32_t space, uint64_t vpn)
{
	struct page_map_node *n = node_make(m, space, vpn >> NODE_SHIFT);
	struct leaf *l;

	if (!n || n->leaf[leaf_index(vpn)])
		return n;
	l = malloc(sizeof(*l));
	if (!l)
		return NULL;
	l->used = 0;
	memset(l->id, 0xff, sizeof(l->id)); /* VMM_NONE */
	n->leaf[leaf_index(vpn)] = l;
	return n;
}

int page_map_reserve(struct page_map *m, uint32_t space, uint64_t vpn)
{
	return leaf_make(m, space, vpn) ? 0 : -ENOMEM;
}

int page_map_set(struct page_map *m, uint32_t space, uint64_t vpn, uint32_t id)
{
	struct page_map_node *n = leaf_make(m, space, vpn);
	struct leaf *l;

	if (!n)
		return -ENOMEM;
	l = n->leaf[leaf_index(vpn)];
	if (l->id[id_index(vpn)] == VMM_NONE) {
		l->used++;
		n->used++;
	}
	l->id[id_index(vpn)] = id;
	return 0;
}

void page_map_remove(struct page_map *m, uint32_t space, uint64_t vpn)
{
	struct page_map_node *n = node_find(m, space, vpn >> NODE_SHIFT);
	struct leaf **l = n ? &n->leaf[leaf_index(vpn)] : NULL;

	if (!l || !*l || (*l)->id[id_index(vpn)] == VMM_NONE)
		return;
	(*l)->id[id_index(vpn)] = VMM_NONE;
	n->used--;
	if (--(*l)->used == 0) {
		free(*l);
		*l = NULL;
	}
}

static int key_order(const struct page_map_node *a, const struct page_map_node *b)
{
	if (a->key.space != b->key.space)
		return a->key.space < b->key.space ? -1 : 1;
	return a->key.base < b->key.base ? -1 : a->key.base > b->key.base;
}

static bool in_range(const struct page_map_iter *i, const struct page_map_node *n)
{
	return n && n->key.space == i->space && n->key.base >= i->vpn >> NODE_SHIFT &&
	       n->key.base <= i->last >> NODE_SHIFT;
}

/* The first node at or after i->vpn. Asks the hash for each key when they are few, else walks the sorted list. */
static struct page_map_node *first_node(struct page_map_iter *i)
{
	struct page_map *m = i->map;
	struct page_map_node *n;
	uint64_t base = i->vpn >> NODE_SHIFT, end = i->last >> NODE_SHIFT;

	if (end - base < HASH_COUNT(m->nodes)) {
		for (; base <= end; base++) {
			n = node_find(m, i->space, base);
			if (n)
				return n;
		}
		return NULL;
	}
	if (!m->sorted)
		HASH_SORT(m->nodes, key_order);
	m->sorted = true;
	for (n = m->nodes; n; n = n->hh.next)
		if (in_range(i, n))
			return n;
	return NULL;
}

/* Moves on to the next node and frees the one left when it is empty. */
static void leave_node(struct page_map_iter *i)
{
	struct page_map *m = i->map;
	struct page_map_node *old = i->node, *n = NULL;
	uint64_t base = old->key.base;

	if (base < i->last >> NODE_SHIFT) {
		i->vpn = (base + 1) << NODE_SHIFT;
		n = m->sorted ? old->hh.next : first_node(i);
	}
	if (!old->used) {
		struct page_map_node **r = recent(m, (uint32_t)old->key.space, base);

		if (*r == old)
			*r = NULL;
		HASH_DEL(m->nodes, old);
		node_free(old);
	}
	i->node = n;
	i->node_done = false;
	i->done = !in_range(i, n);
	if (!i->done && n->key.base > i->vpn >> NODE_SHIFT)
		i->vpn = n->key.base << NODE_SHIFT;
}

void page_map_iter_init(struct page_map_iter *i, struct page_map *m, uint32_t space, uint64_t vpn,
			uint64_t n)
{
	i->map = m;
	i->space = space;
	i->vpn = vpn;
	i->node_done = false;
	i->last = n - 1 > UINT64_MAX - vpn ? UINT64_MAX : vpn + (n - 1);
	i->node = n ? first_node(i) : NULL;
	i->done = !in_range(i, i->node);
	if (!i->done && i->node->key.base > vpn >> NODE_SHIFT)
		i->vpn = i->node->key.base << NODE_SHIFT;
}

/* The next id in the current node; leaves i->vpn behind it. VMM_NONE when the node has no more in the range. */
static uint32_t next_in_node(struct page_map_iter *i, uint64_t *vpn)
{
	uint64_t end = i->node->key.base << NODE_SHIFT | ((1u << NODE_SHIFT) - 1);

	if (end > i->last)
		end = i->last;
	for (uint64_t at = i->vpn;;) {
		const struct leaf *l = i->node->leaf[leaf_index(at)];
		uint64_t leaf_end = at | (LEAF_SIZE - 1);
		uint64_t stop = leaf_end < end ? leaf_end : end;

		for (uint64_t k = at; l; k++) {
			uint32_t id = l->id[id_index(k)];

			if (id != VMM_NONE) {
				*vpn = k;
				i->vpn = k + 1;
				i->node_done = k == end;
				return id;
			}
			if (k == stop)
				break;
		}
		if (stop == end)
			return VMM_NONE;
		at = stop + 1;
	}
}

uint32_t page_map_next(struct page_map_iter *i, uint64_t *vpn)
{
	uint32_t id;

	while (!i->done) {
		id = i->node_done ? VMM_NONE : next_in_node(i, vpn);
		if (id != VMM_NONE)
			return id;
		leave_node(i);
	}
	return VMM_NONE;
}
