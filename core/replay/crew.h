/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crew.h - one thread reads blocks, several work on them: two blocks take turns, so that one is read while the items
 * (replays) are fed with the other.
 *
 * Each item is fed every block, in order, by one thread at a time. Items share nothing, so what becomes of them does not
 * depend on the number of threads.
 */
#ifndef VMM_REPLAY_CREW_H
#define VMM_REPLAY_CREW_H

#include <stdbool.h>
#include <stdint.h>

struct crew {
	void *arg; /* of the functions */
	uint32_t n_items;
	uint32_t jobs; /* threads, the calling one included; 0 counts as 1 */

	/* Fills block 0 or 1; *more is false at the end. 0 or -errno. Called by the calling thread only. */
	int (*read)(void *arg, int block, bool *more);
	/* Feeds the item with the block. 0 or -errno: then the item is fed no more, and the run ends after the block. */
	int (*work)(void *arg, uint32_t item, int block);
	/* After a block, on the calling thread; anything but 0 ends the run with that value. May be NULL. */
	int (*done)(void *arg);
};

/* 0, what a function gave, or -ENOMEM. *bad is the item that failed, n_items when it was none. */
int crew_run(const struct crew *crew, uint32_t *bad);

/* CPU time of the calling thread. */
uint64_t crew_cpu_ns(void);

#endif
