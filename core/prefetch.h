/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefetch.h - which pages a process is likely to fault on next. The detectors only; prefetcher.c makes pages resident.
 *
 *   seq[:N]     the N pages that follow
 *   stride[:N]  the next N pages at the distance that the last two steps had in common; nothing without one
 *   trend       the distance that the majority of recent steps had, and as many pages as prove useful (H. Al Maruf, M. Chowdhury,
 *               Effectively prefetching remote memory with Leap, ATC 2020)
 *
 * A *step* is the difference of page numbers from one event of a process to its next. Events are faults of the policy and
 * first uses of prefetched pages: what a pager sees anyway. Detectors keep a state for each address space, because steps
 * between those mean nothing.
 *
 * trend, as in the paper (its constants): the last PREFETCH_HISTORY steps are kept. The majority is looked for among the most
 * recent half of them first, then among all (FindTrend; of those there are, at the beginning): the candidate of Boyer and
 * Moore's vote, if it really has more than half. Without a majority the one found last is tried again.
 * The window: with hits since the last event, the next power of 2 above their number, at most PREFETCH_TREND_MAX; without,
 * one page when the event follows the trend, else none; but never less than half of the window before.
 */
#ifndef VMM_PREFETCH_H
#define VMM_PREFETCH_H

#include <stdbool.h>
#include <stdint.h>

#define PREFETCH_HISTORY 32u
#define PREFETCH_SPLIT 2u     /* the vote begins with PREFETCH_HISTORY / PREFETCH_SPLIT steps */
#define PREFETCH_TREND_MAX 8u /* pages */
#define PREFETCH_MAX 64u      /* pages, of seq and stride */
#define PREFETCH_DEFAULT 8u

enum prefetch_kind { PREFETCH_SEQ, PREFETCH_STRIDE, PREFETCH_TREND };

struct prefetch_config {
	enum prefetch_kind kind;
	uint32_t distance; /* N */
};

struct prefetch_space; /* state of one address space */

struct prefetch {
	struct prefetch_config config;
	struct prefetch_space *spaces, *last; /* hash; the one used last */
};

/* "seq", "seq:16", "stride:4", "trend". 0, or -EINVAL with *bad at the offending word. */
int prefetch_parse(const char *spec, struct prefetch_config *c, const char **bad);

void prefetch_init(struct prefetch *p, const struct prefetch_config *c);
void prefetch_destroy(struct prefetch *p);
void prefetch_space_exit(struct prefetch *p, uint32_t space);

/*
 * An event. hits: 0 a fault; else so many prefetched pages, this one the last of them, turned out to have been used. Up to
 * PREFETCH_MAX page numbers that should come next, nearest first, in vpns; returns how many. When there is no memory for the state of a new space: none.
 */
uint32_t prefetch_event(struct prefetch *p, uint32_t space, uint64_t vpn, uint32_t hits,
			uint64_t vpns[PREFETCH_MAX]);

#endif
