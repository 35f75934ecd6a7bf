/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buddy.h - contiguous groups of frames: the buddy system (Knowlton 1965; Knuth 2.5).
 *
 * A *block* of order k is 2^k frames whose first number is a multiple of 2^k. Its *buddy* is the other half of the block of
 * order k+1 that it lies in. Free blocks are in one list an order; a larger one is halved when none of the order is
 * left (the lower half is used), and two free buddies become one block at once.
 *
 * Order of handing out: the block that was freed last; at the beginning the lowest.
 *
 * Invariants, looked at by buddy_check: free blocks are disjoint, aligned and inside of the range; no two buddies are
 * both free; `free` counts the frames of all free blocks.
 */
#ifndef VMM_BUDDY_H
#define VMM_BUDDY_H

#include <stdbool.h>
#include <stdint.h>

#define BUDDY_ORDERS 19u /* up to 2^18 frames: 1G of 4K frames */
#define BUDDY_NONE UINT32_MAX

struct buddy {
	uint32_t first, count; /* the range of frames */
	uint32_t free;
	uint32_t head[BUDDY_ORDERS]; /* frame numbers */
	uint32_t *next, *prev; /* by frame - first; mean something at the head of a free block */
	uint8_t *order;        /* of the free block that begins here, + 1; 0: none does */
};

/* All frames of [first, first + count) are free. 0, -ENOMEM. */
int buddy_init(struct buddy *b, uint32_t first, uint32_t count);
void buddy_destroy(struct buddy *b);

/* The first frame of a block, BUDDY_NONE when there is none. */
uint32_t buddy_take(struct buddy *b, uint32_t order);

/* Gives back a block: of the order that it was taken with, or any aligned part of it. */
void buddy_put(struct buddy *b, uint32_t frame, uint32_t order);

/* The highest order that can be taken; -1: nothing is free. */
int buddy_largest(const struct buddy *b);

/* Is the frame in a free block? */
bool buddy_is_free(const struct buddy *b, uint32_t frame);

int buddy_check(const struct buddy *b); /* 0, -EINVAL */

#endif
