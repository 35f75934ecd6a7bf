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
	uint32_t *next, *prev; /* by frame; next leads towards the tail */
};

struct frame_list {
	uint32_t head, tail, count;
};

#define FRAME_LIST_EMPTY ((struct frame_list){ VMM_NONE, VMM_NONE, 0 })

static inline void frame_links_destroy(struct frame_links *k)
{
	free(k->next);
	free(k->prev);
	k->next = k->prev = NULL;
}

static inline int frame_links_init(struct frame_links *k, uint32_t capacity)
{
	k->next = calloc(capacity, sizeof(*k->next));
	k->prev = calloc(capacity, sizeof(*k->prev));
	if (k->next && k->prev)
		return 0;
	frame_links_destroy(k);
	return -ENOMEM;
}

/* Before `at`; VMM_NONE: at the tail. */
static inline void frame_list_insert(struct frame_links *k, struct frame_list *l, uint32_t f,
				     uint32_t at)
{
	uint32_t prev = at == VMM_NONE ? l->tail : k->prev[at];

	k->next[f] = at;
	k->prev[f] = prev;
	if (prev == VMM_NONE)
		l->head = f;
	else
		k->next[prev] = f;
	if (at == VMM_NONE)
		l->tail = f;
	else
		k->prev[at] = f;
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
	uint32_t next = k->next[f], prev = k->prev[f];

	if (prev == VMM_NONE)
		l->head = next;
	else
		k->next[prev] = next;
	if (next == VMM_NONE)
		l->tail = prev;
	else
		k->prev[next] = prev;
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
		f = k->prev[f];
	return f;
}

/* Links, ends and count agree and every member holds a page. */
static inline int frame_list_check(const struct frame_table *t, const struct frame_links *k,
				   const struct frame_list *l)
{
	uint32_t n = 0, prev = VMM_NONE;

	for (uint32_t f = l->head; f != VMM_NONE; prev = f, f = k->next[f]) {
		if (f >= t->fresh || n++ >= l->count || k->prev[f] != prev ||
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
