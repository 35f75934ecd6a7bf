/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_map.h - from (space, virtual page number) to page id.
 *
 * A hash of nodes keyed by (space, vpn >> 18); a node has 512 leaves, made when first needed; a leaf has 512 ids. The
 * nodes used last are cached, so a lookup near an earlier one costs three loads. Any 64-bit vpn is allowed.
 *
 * Invariants: node->used counts the ids of all its leaves, leaf->used its own. A leaf whose last id is removed is freed
 * at once, an empty node when an iterator leaves it (or never, when nothing iterates over it again).
 */
#ifndef VMM_PAGE_MAP_H
#define VMM_PAGE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_MAP_RECENT 16

struct page_map_node;

struct page_map {
	struct page_map_node *nodes;                   /* uthash head */
	struct page_map_node *recent[PAGE_MAP_RECENT]; /* cache, by a hash of the key; may be NULL */
	bool sorted; /* the hash's list is in (space, vpn) order */
};

/* Pages of [vpn, last] of one space in ascending order. Set the fields with page_map_iter_init. */
struct page_map_iter {
	struct page_map *map;
	uint32_t space;
	bool node_done, done;
	uint64_t vpn, last; /* next to look at; inclusive end */
	struct page_map_node *node;
};

void page_map_init(struct page_map *m);
void page_map_destroy(struct page_map *m);

uint32_t page_map_get(struct page_map *m, uint32_t space, uint64_t vpn); /* VMM_NONE when absent */
/* Where the id is, brought near; NULL: there is none. Valid until a set or a remove. */
const uint32_t *page_map_place(struct page_map *m, uint32_t space, uint64_t vpn);
int page_map_reserve(struct page_map *m, uint32_t space,
		     uint64_t vpn); /* so that a set cannot fail */
int page_map_set(struct page_map *m, uint32_t space, uint64_t vpn, uint32_t id); /* 0, -ENOMEM */
void page_map_remove(struct page_map *m, uint32_t space, uint64_t vpn);

/*
 * n > 0 pages from vpn on; a range beyond the last vpn is cut. page_map_next returns an id and its vpn, VMM_NONE at the
 * end, and must be called until then. The page returned may be removed before the next call; pages outside of the
 * range may be set.
 */
void page_map_iter_init(struct page_map_iter *i, struct page_map *m, uint32_t space, uint64_t vpn,
			uint64_t n);
uint32_t page_map_next(struct page_map_iter *i, uint64_t *vpn);

#endif
