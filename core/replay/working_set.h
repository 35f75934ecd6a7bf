/* SPDX-License-Identifier: Apache-2.0 */
/* working_set.h - how many different pages the references of an interval touch. */
#ifndef VMM_REPLAY_WORKING_SET_H
#define VMM_REPLAY_WORKING_SET_H

#include <stddef.h>
#include <stdint.h>

struct working_set {
	uint32_t *last;    /* by page: the interval in which it was seen last; 0: never */
	uint32_t capacity; /* of last */
	uint32_t now;      /* the interval, from 1 */
	uint64_t pages;    /* distinct ones in it so far */
};

/* Pages are below `bound`. 0, -ENOMEM. */
int working_set_feed(struct working_set *w, const uint32_t *refs, size_t n, uint32_t bound);
/* The page went: when its id comes again it is another page. */
void working_set_forget(struct working_set *w, uint32_t page);
/* Ends the interval: its number of pages. */
uint64_t working_set_turn(struct working_set *w);
void working_set_destroy(struct working_set *w);

#endif
