/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ghost.h - history of pages that are not resident: a bounded set of page ids, each in one of a few lists.
 *
 * An *entry* is a number below `capacity`; a policy may keep arrays of its own by entry. Lists have the newest at the
 * head. All memory is taken in ghost_init and touched lazily.
 *
 * The entry of a page is found through the page's note (policy.h), which is only a hint: it holds when the entry knows
 * the page. So an entry that is dropped leaves its page's note alone, and no memory but the entry's is touched.
 *
 * Invariants: a page has at most one entry, and its note leads to it; an entry is in exactly one list, or free; count is the
 * sum of the lists' counts and at most capacity. The page of a free entry is VMM_NONE.
 */
#ifndef VMM_GHOST_H
#define VMM_GHOST_H

#include "core/frame_list.h"
#include "core/policy.h"

#define GHOST_LISTS 2

struct ghost_entry {
	uint32_t page;
	uint32_t list;
};

struct ghost {
	uint32_t capacity, count;
	uint32_t fresh, free; /* entries >= fresh were never used; freed ones are linked by next */
	const struct page_notes *notes;
	struct ghost_entry *entry;
	struct frame_links links; /* by entry */
	struct frame_list lists[GHOST_LISTS];
};

static inline void ghost_destroy(struct ghost *g)
{
	free(g->entry);
	frame_links_destroy(&g->links);
	g->entry = NULL;
}

/* capacity 0: a history that remembers nothing. 0, -ENOMEM. */
static inline int ghost_init(struct ghost *g, uint64_t capacity, const struct policy_env *env)
{
	if (capacity >= PAGE_NOTE_MAX)
		return -ENOMEM;
	*g = (struct ghost){ .capacity = (uint32_t)capacity,
			     .free = VMM_NONE,
			     .notes = env->notes };
	for (int i = 0; i < GHOST_LISTS; i++)
		g->lists[i] = FRAME_LIST_EMPTY;
	g->entry = calloc(capacity + 1, sizeof(*g->entry));
	if (!g->entry || frame_links_init(&g->links, (uint32_t)capacity + 1)) {
		ghost_destroy(g);
		return -ENOMEM;
	}
	return 0;
}

/* The entry of a page, VMM_NONE when it has none. */
static inline uint32_t ghost_find(const struct ghost *g, uint32_t page)
{
	uint32_t entry = page_note(g->notes, page) - 1;

	return entry < g->fresh && g->entry[entry].page == page ? entry : VMM_NONE;
}

/* policy_ops.recall. */
static inline void ghost_prefetch(const struct ghost *g, uint32_t note)
{
	__builtin_prefetch(&g->entry[note - 1], 1);
	__builtin_prefetch(&g->links.at[note - 1], 1);
}

/* The list that an entry is in. */
static inline uint32_t ghost_list(const struct ghost *g, uint32_t entry)
{
	return g->entry[entry].list;
}

static inline void ghost_remove(struct ghost *g, uint32_t entry)
{
	frame_list_remove(&g->links, &g->lists[g->entry[entry].list], entry);
	g->entry[entry].page = VMM_NONE;
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
	uint32_t entry;

	if (g->capacity == 0)
		return VMM_NONE;
	for (int k = 0; g->count == g->capacity; k++)
		ghost_drop_oldest(g, (list + k) % GHOST_LISTS);
	entry = g->free;
	if (entry == VMM_NONE)
		entry = g->fresh++;
	else
		g->free = g->links.at[entry].next;
	page_note_set(g->notes, page, entry + 1);
	g->entry[entry] = (struct ghost_entry){ page, (uint32_t)list };
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
			if (e >= g->fresh || n++ >= l->count || ghost_list(g, e) != (uint32_t)k ||
			    g->links.at[e].prev != newer || ghost_find(g, g->entry[e].page) != e)
				return -EINVAL;
		if (n != l->count || l->tail != newer)
			return -EINVAL;
		count += n;
	}
	return count == g->count && count <= g->capacity ? 0 : -EINVAL;
}

#endif
