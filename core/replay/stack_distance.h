/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_distance.h - exact LRU stack distances, all memory sizes in one pass.
 *
 * The *distance* of a reference is the number of distinct pages referenced since the last reference to its page,
 * itself counted: LRU with C frames hits exactly when it is <= C (Mattson et al. 1970).
 *
 * Each reference has a position on an axis; bit p is set when p is the position of the latest reference to some page. So
 * the distance is the number of bits from the page's last position on. Bits are counted by line (a cache line of them)
 * in a Fenwick tree. When the axis is full the positions are renumbered without gaps; it is at least four times as long as the
 * pages that are live, so that this costs little. Memory: O(pages).
 */
#ifndef VMM_REPLAY_STACK_DISTANCE_H
#define VMM_REPLAY_STACK_DISTANCE_H

#include <stddef.h>
#include <stdint.h>

struct stack_distance {
	uint32_t *last; /* position by page, or STACK_DISTANCE_COLD */
	uint32_t pages; /* entries of last */
	uint64_t *bits; /* by position */
	uint32_t *tree; /* Fenwick: bits by line; index from 1 */
	uint32_t lines; /* a power of two */
	uint32_t next;  /* position of the next reference */
	uint32_t live;  /* bits set */
};

#define STACK_DISTANCE_COLD UINT32_MAX

int stack_distance_init(struct stack_distance *s); /* 0, -ENOMEM */
void stack_distance_destroy(struct stack_distance *s);

/*
 * One reference to each of n pages (the low 31 bits count); distance[i] is its distance, or STACK_DISTANCE_COLD for the
 * first. Pages must be below `pages`. 0 or -ENOMEM.
 */
int stack_distance_feed(struct stack_distance *s, const uint32_t *refs, size_t n, uint32_t pages,
			uint32_t *distance);

/* The page is as if never referenced; its bit goes. */
void stack_distance_forget(struct stack_distance *s, uint32_t page);

#endif
