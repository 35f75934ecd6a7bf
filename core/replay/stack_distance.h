/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_distance.h - exact LRU stack distances, all memory sizes in one pass.
 *
 * The *distance* of a reference is the number of distinct pages referenced since the last reference to its page,
 * itself counted: LRU with C frames hits exactly when it is <= C (Mattson et al. 1970). Pages are kept on an axis of recency
 * (axis.h) by their latest references, so that the distance is the number of marks from the page's position on.
 *
 * A page that *goes* (it is unmapped, its process ends) leaves a *hole*: with at least as many frames as its distance one frame
 * is free now, with fewer it was not resident and nothing changes. A reference at distance d fills the topmost hole above d:
 * with a size between the two it is a miss that takes the free frame, and from d on the hole is where the page was. So
 * a hole counts in distances like a page, and one reference moves one hole at most.
 */
#ifndef VMM_REPLAY_STACK_DISTANCE_H
#define VMM_REPLAY_STACK_DISTANCE_H

#include "core/replay/axis.h"

struct stack_distance {
	struct axis axis;
	uint32_t *last;  /* position by page, or STACK_DISTANCE_COLD */
	uint32_t pages;  /* entries of last */
	uint32_t *holes; /* their positions: a heap, the topmost (latest) first */
	uint32_t n_holes, holes_capacity;
};

#define STACK_DISTANCE_COLD AXIS_NONE

int stack_distance_init(struct stack_distance *s); /* 0, -ENOMEM */
void stack_distance_destroy(struct stack_distance *s);

/*
 * One reference to each of n pages (the low 31 bits count); distance[i] is its distance, or STACK_DISTANCE_COLD for the
 * first, also the first since the page went. Pages must be below `pages`. 0 or -ENOMEM.
 */
int stack_distance_feed(struct stack_distance *s, const uint32_t *refs, size_t n, uint32_t pages,
			uint32_t *distance);

/* The page goes; it may come again. 0 or -ENOMEM. */
int stack_distance_gone(struct stack_distance *s, uint32_t page);

/* The page is as if never referenced: it leaves no hole. */
void stack_distance_forget(struct stack_distance *s, uint32_t page);

#endif
