/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swap.h - the slots of a simulated swap device. A *slot* holds the copy of one page; several pages share it after a fork.
 *
 * The slot that was freed last is given first, else the lowest that was never used. Memory grows with the slots used.
 *
 * Law, looked at by swap_check: used + free == fresh <= capacity; a slot has references exactly while it is used.
 */
#ifndef VMM_SWAP_H
#define VMM_SWAP_H

#include <stdint.h>

struct swap {
	uint32_t capacity; /* slots */
	uint32_t fresh;    /* slots from here on were never used */
	uint32_t used, peak;
	uint32_t allocated; /* of the arrays */
	uint32_t *refs;     /* by slot; pages that have their copy in it */
	uint32_t *free_stack, free_count;
};

/* capacity 0: as many as are needed. Nothing is allocated yet. */
void swap_init(struct swap *s, uint32_t capacity);
void swap_destroy(struct swap *s);

/* 0 and a slot with one reference; -ENOSPC the device is full; -ENOMEM. */
int swap_take(struct swap *s, uint32_t *slot);
uint32_t swap_inc_ref(struct swap *s, uint32_t slot); /* how many there are then */
uint32_t swap_dec_ref(struct swap *s, uint32_t slot); /* likewise; at 0 the slot is free */

int swap_check(const struct swap *s); /* 0, -EINVAL */

#endif
