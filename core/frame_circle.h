/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_circle.h - frames in a circle with one hand, for the policies that are variants of the clock.
 *
 * A list whose tail is followed by its head. A new frame is placed just behind the hand, so that the hand comes to it last.
 * The hand is VMM_NONE only when the circle is empty; when the frame under it leaves it goes on to the next.
 *
 * While `ascending` is true the circle is the frames 0, 1 ... count - 1 in this order, and nobody need look at the links. It
 * is so from the beginning to the first frame that leaves for good, if victims are replaced in their place.
 */
#ifndef VMM_FRAME_CIRCLE_H
#define VMM_FRAME_CIRCLE_H

#include "core/frame_list.h"

struct frame_circle {
	struct frame_links links;
	struct frame_list list;
	uint32_t hand;
	bool ascending;
};

static inline void frame_circle_destroy(struct frame_circle *c)
{
	frame_links_destroy(&c->links);
}

static inline int frame_circle_init(struct frame_circle *c, uint32_t capacity)
{
	c->list = FRAME_LIST_EMPTY;
	c->hand = VMM_NONE;
	c->ascending = true;
	return frame_links_init(&c->links, capacity);
}

static inline uint32_t frame_circle_after(const struct frame_circle *c, uint32_t f)
{
	uint32_t next = c->ascending ? f + 1 : c->links.at[f].next;

	return next == (c->ascending ? c->list.count : VMM_NONE) ? c->list.head : next;
}

/* The frame under the hand, and the hand goes on. */
static inline uint32_t frame_circle_step(struct frame_circle *c)
{
	uint32_t f = c->hand;

	c->hand = frame_circle_after(c, f);
	return f;
}

static inline void frame_circle_insert(struct frame_circle *c, uint32_t f)
{
	if (c->list.count == 0)
		c->ascending = f == 0;
	else if (f != c->list.count || c->hand != c->list.head)
		c->ascending = false;
	/* before the head is behind the tail */
	frame_list_insert(&c->links, &c->list, f, c->hand == c->list.head ? VMM_NONE : c->hand);
	if (c->hand == VMM_NONE)
		c->hand = f;
}

static inline void frame_circle_remove(struct frame_circle *c, uint32_t f)
{
	if (c->hand == f)
		c->hand = frame_circle_after(c, f);
	if (c->hand == f)
		c->hand = VMM_NONE;
	frame_list_remove(&c->links, &c->list, f);
	c->ascending = false;
}

/* The same as remove and insert of a frame, most often without moving it: policy_ops.replace. */
static inline void frame_circle_replace(struct frame_circle *c, uint32_t f)
{
	if (c->hand == f)
		c->hand = frame_circle_after(c, f);
	if (frame_circle_after(c, f) == c->hand)
		return;
	frame_circle_remove(c, f);
	frame_circle_insert(c, f);
}

/* A guess at a frame that will soon be a victim; VMM_NONE for none. */
static inline uint32_t frame_circle_ahead(const struct frame_circle *c)
{
	uint32_t f = c->hand + 8;

	return c->ascending && f < c->list.count ? f : c->hand;
}

/* The invariants above, and every frame that holds a page is there: 0 or -EINVAL. */
static inline int frame_circle_check(const struct frame_table *t, const struct frame_circle *c)
{
	if ((c->hand == VMM_NONE) != (c->list.count == 0))
		return -EINVAL;
	if (c->hand != VMM_NONE && (c->hand >= t->fresh || t->page[c->hand] == VMM_NONE))
		return -EINVAL;
	for (uint32_t f = c->list.head, n = 0; c->ascending && f != VMM_NONE;
	     f = c->links.at[f].next)
		if (f != n++)
			return -EINVAL;
	return frame_list_check_all(t, &c->links, &c->list);
}

#endif
