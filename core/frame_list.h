/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_list.h - doubly linked lists of frames, linked by frame number: what queues and stacks of policies are made of.
 *
 * Invariants: a frame is in at most one list of a struct frame_links; the ends are VMM_NONE; count is exact. The links
 * of a frame that is in no list mean nothing, so the arrays come from calloc and are touched lazily.
 */
#ifndef VMM_FRAME_LIST_H
#define VMM_FRAME_LIST_H

#include "core/frame.h"

#include <errno.h>
#include <stdlib.h>

struct frame_links {
	struct frame_link {
		uint32_t next, prev; /* next leads towards the tail */
	} * at;                      /* by frame; both of a frame are in one cache line */
};

struct frame_list {
	uint32_t head, tail, count;
};

#define FRAME_LIST_EMPTY ((struct frame_list){ VMM_NONE, VMM_NONE, 0 })

static inline void frame_links_destroy(struct frame_links *k)
{
	free(k->at);
	k->at = NULL;
}

static inline int frame_links_init(struct frame_links *k, uint32_t capacity)
{
	k->at = calloc(capacity, sizeof(*k->at));
	return k->at ? 0 : -ENOMEM;
}

/* Before `at`; VMM_NONE: at the tail. */
static inline void frame_list_insert(struct frame_links *k, struct frame_list *l, uint32_t f,
				     uint32_t at)
{
	uint32_t prev = at == VMM_NONE ? l->tail : k->at[at].prev;

	k->at[f].next = at;
	k->at[f].prev = prev;
	if (prev == VMM_NONE)
		l->head = f;
	else
		k->at[prev].next = f;
	if (at == VMM_NONE)
		l->tail = f;
	else
		k->at[at].prev = f;
	l->count++;
}

static inline void frame_list_push_head(struct frame_links *k, struct frame_list *l, uint32_t f)
{
	frame_list_insert(k, l, f, l->head);
}

static inline void frame_list_push_tail(struct frame_links *k, struct frame_list *l, uint32_t f)
{
	frame_list_insert(k, l, f, VMM_NONE);
}

static inline void frame_list_remove(struct frame_links *k, struct frame_list *l, uint32_t f)
{
	uint32_t next = k->at[f].next, prev = k->at[f].prev;

	if (prev == VMM_NONE)
		l->head = next;
	else
		k->at[prev].next = next;
	if (next == VMM_NONE)
		l->tail = prev;
	else
		k->at[next].prev = prev;
	l->count--;
}

static inline void frame_list_move_head(struct frame_links *k, struct frame_list *l, uint32_t f)
{
	if (l->head == f)
		return;
	frame_list_remove(k, l, f);
	frame_list_push_head(k, l, f);
}

/* The evictable frame nearest to the tail; VMM_NONE when there is none. */
static inline uint32_t frame_list_victim(const struct frame_table *t, const struct frame_links *k,
					 const struct frame_list *l)
{
	uint32_t f = l->tail;

	while (f != VMM_NONE && !frame_evictable(t, f))
		f = k->at[f].prev;
	return f;
}

/* Links, ends and count agree and every member holds a page. */
static inline int frame_list_check(const struct frame_table *t, const struct frame_links *k,
				   const struct frame_list *l)
{
	uint32_t n = 0, prev = VMM_NONE;

	for (uint32_t f = l->head; f != VMM_NONE; prev = f, f = k->at[f].next) {
		if (f >= t->fresh || n++ >= l->count || k->at[f].prev != prev ||
		    t->page[f] == VMM_NONE)
			return -EINVAL;
	}
	return n == l->count && l->tail == prev ? 0 : -EINVAL;
}

/* As above, and the list holds every frame that holds a page. */
static inline int frame_list_check_all(const struct frame_table *t, const struct frame_links *k,
				       const struct frame_list *l)
{
	return l->count == t->used + t->in_transit ? frame_list_check(t, k, l) : -EINVAL;
}

#endif
