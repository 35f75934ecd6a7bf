/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ghost.h - history of pages that are not resident: a bounded set of page ids, each in one of a few lists.
 *
 * An *entry* is a number below `capacity`; a policy may keep arrays of its own by entry. Lists have the newest at the
 * head. All memory is taken in ghost_init and touched lazily.
 *
 * Invariants: a page has at most one entry; an entry is in exactly one list; count is the sum of the lists' counts and
 * at most capacity. The hash is open addressing with linear probing, at most half full; removal shifts back what
 * follows, so there are no tombstones.
 */
#ifndef VMM_GHOST_H
#define VMM_GHOST_H

#include "core/frame_list.h"

#define GHOST_LISTS 2

struct ghost_slot {
	uint32_t page;
	uint32_t entry_1; /* entry + 1; 0: the slot is empty */
};

struct ghost {
	uint32_t capacity, count;
	uint32_t fresh, free; /* entries >= fresh were never used; freed ones are linked by next */
	uint32_t shift;       /* 32 - log2(number of slots) */
	struct ghost_slot *slots;
	uint32_t *page; /* by entry */
	uint8_t *list;  /* by entry */
	struct frame_links links;
	struct frame_list lists[GHOST_LISTS];
};

static inline void ghost_destroy(struct ghost *g)
{
	free(g->slots);
	free(g->page);
	free(g->list);
	frame_links_destroy(&g->links);
	g->slots = NULL;
	g->page = NULL;
	g->list = NULL;
}

/* capacity 0: a history that remembers nothing. 0, -ENOMEM. */
static inline int ghost_init(struct ghost *g, uint64_t capacity)
{
	uint32_t bits = 1;

	if (capacity > 1u << 30)
		return -ENOMEM;
	while ((1ull << bits) < 2 * capacity)
		bits++;
	*g = (struct ghost){ .capacity = (uint32_t)capacity, .free = VMM_NONE, .shift = 32 - bits };
	for (int i = 0; i < GHOST_LISTS; i++)
		g->lists[i] = FRAME_LIST_EMPTY;
	g->slots = calloc(1ull << bits, sizeof(*g->slots));
	g->page = calloc(capacity + 1, sizeof(*g->page));
	g->list = calloc(capacity + 1, sizeof(*g->list));
	if (!g->slots || !g->page || !g->list ||
	    frame_links_init(&g->links, (uint32_t)capacity + 1)) {
		ghost_destroy(g);
		return -ENOMEM;
	}
	return 0;
}

/* Fibonacci hashing (Knuth, vol. 3, 6.4): dense ids spread evenly. */
static inline uint32_t ghost_home(const struct ghost *g, uint32_t page)
{
	return (page * 0x9E3779B1u) >> g->shift;
}

static inline uint32_t ghost_mask(const struct ghost *g)
{
	return UINT32_MAX >> g->shift;
}

/* The entry of a page, VMM_NONE when it has none. */
static inline uint32_t ghost_find(const struct ghost *g, uint32_t page)
{
	uint32_t mask = ghost_mask(g), i = ghost_home(g, page);

	for (; g->slots[i].entry_1; i = (i + 1) & mask)
		if (g->slots[i].page == page)
			return g->slots[i].entry_1 - 1;
	return VMM_NONE;
}

static inline void ghost_slot_remove(struct ghost *g, uint32_t page)
{
	uint32_t mask = ghost_mask(g), i = ghost_home(g, page), j;

	while (g->slots[i].page != page || !g->slots[i].entry_1)
		i = (i + 1) & mask;
	for (j = (i + 1) & mask; g->slots[j].entry_1; j = (j + 1) & mask) {
		uint32_t home = ghost_home(g, g->slots[j].page);

		if (((j - home) & mask) >= ((j - i) & mask)) {
			g->slots[i] = g->slots[j];
			i = j;
		}
	}
	g->slots[i].entry_1 = 0;
}

static inline void ghost_remove(struct ghost *g, uint32_t entry)
{
	ghost_slot_remove(g, g->page[entry]);
	frame_list_remove(&g->links, &g->lists[g->list[entry]], entry);
	g->links.at[entry].next = g->free;
	g->free = entry;
	g->count--;
}

/* Forgets the oldest of a list, if there is one. */
static inline void ghost_drop_oldest(struct ghost *g, int list)
{
	if (g->lists[list].count)
		ghost_remove(g, g->lists[list].tail);
}

/* Forgets a page, if it is remembered. True when it was. */
static inline bool ghost_forget(struct ghost *g, uint32_t page)
{
	uint32_t entry = ghost_find(g, page);

	if (entry == VMM_NONE)
		return false;
	ghost_remove(g, entry);
	return true;
}

/*
 * Remembers a page that has no entry, as the newest of a list. When everything is taken the oldest of the same list goes,
 * or of another when it is empty. Returns the entry; VMM_NONE when the capacity is 0.
 */
static inline uint32_t ghost_add(struct ghost *g, int list, uint32_t page)
{
	uint32_t mask = ghost_mask(g), i, entry;

	if (g->capacity == 0)
		return VMM_NONE;
	for (int k = 0; g->count == g->capacity; k++)
		ghost_drop_oldest(g, (list + k) % GHOST_LISTS);
	entry = g->free;
	if (entry == VMM_NONE)
		entry = g->fresh++;
	else
		g->free = g->links.at[entry].next;
	for (i = ghost_home(g, page); g->slots[i].entry_1; i = (i + 1) & mask)
		;
	g->slots[i] = (struct ghost_slot){ page, entry + 1 };
	g->page[entry] = page;
	g->list[entry] = (uint8_t)list;
	frame_list_push_head(&g->links, &g->lists[list], entry);
	g->count++;
	return entry;
}

/* The invariants above: 0 or -EINVAL. */
static inline int ghost_check(const struct ghost *g)
{
	uint64_t count = 0;

	for (int k = 0; k < GHOST_LISTS; k++) {
		const struct frame_list *l = &g->lists[k];
		uint32_t n = 0, newer = VMM_NONE;

		for (uint32_t e = l->head; e != VMM_NONE; newer = e, e = g->links.at[e].next)
			if (e >= g->fresh || n++ >= l->count || g->list[e] != k ||
			    g->links.at[e].prev != newer || ghost_find(g, g->page[e]) != e)
				return -EINVAL;
		if (n != l->count || l->tail != newer)
			return -EINVAL;
		count += n;
	}
	return count == g->count && count <= g->capacity ? 0 : -EINVAL;
}

#endif
