/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window.h - what a trace that was recorded through a window says about LRU.
 *
 * The *window* is the pages that were mapped at once while the trace was recorded: `size` pages, first in first out. The trace
 * holds every *entry* (a reference, to a page outside) and every *exit*, but not what was touched inside. Between an entry at
 * e and the exit at x the page was touched for the last time at some s, e <= s <= x; LRU's stack distance of its next entry,
 * at t, is one more than the other pages touched in (s, t), which are
 *
 *     at least   the pages that entered in [x, t), since s <= x;
 *     at most    the pages that were inside at e or entered in (e, t), since whatever was touched was inside.
 *
 * So a re-entry is a miss with certainty in fewer frames than the one says, a hit with certainty in as many as the other says. A touch
 * that the trace does not hold has a distance below 2 * size: with at least so many frames it is a hit, and the misses of the
 * program lie between the sums of both ends.
 *
 * Both ends are read from axes of recency (axis.h): pages by their latest entry, and pages outside by their latest exit. An
 * entry the trace shows of a page inside is a touch, from which on s is sought. Pages that go (source.h) are cold when they come back;
 * they count at the upper end as if they had left, which is at most the pages that were ever there at once (the holes of
 * stack_distance.h: LRU's stack never has more places).
 */
#ifndef VMM_REPLAY_WINDOW_H
#define VMM_REPLAY_WINDOW_H

#include "core/replay/axis.h"
#include "core/replay/source.h"

struct window {
	uint32_t size;
	struct axis touched; /* by latest touch: the pages that are there, inside or outside */
	struct axis left;    /* by latest exit: the pages outside, and those that went */
	/* By page, AXIS_NONE where there is none: its marks on the two axes, and where they ended at its latest exit and touch. */
	uint32_t *touch_at, *exit_at; /* on `touched` */
	uint32_t *left_at, *enter_at; /* on `left` */
	uint32_t pages;               /* entries of these */
	uint32_t inside;              /* pages in the window */
	uint32_t most;                /* pages that were there at once */
	uint64_t *by_low, *by_high;   /* re-entries counted, by the ends of their distance */
	uint32_t distances;           /* entries of these */
	uint64_t cold;                /* first entries counted */
};

int window_init(struct window *w, uint32_t size); /* 0, -ENOMEM */
void window_destroy(struct window *w);

/*
 * n references to pages below `pages` (replay.h). 0; -ENOMEM; -EPROTO when there are more pages inside than the window has: the trace
 * lacks exits. When not `counted` they only warm up.
 */
int window_feed(struct window *w, const uint32_t *refs, size_t n, uint32_t pages, bool counted);

/* The page leaves the window; the page goes. Of a page that is not there neither means anything. 0, -ENOMEM. */
int window_leave(struct window *w, uint32_t page);
int window_gone(struct window *w, uint32_t page);

/* A whole source, from its beginning: the first `warmup` references of at most `max` (0: all) are not counted. As above, or -errno. */
int window_run(struct window *w, struct replay_source *source, uint64_t max, uint64_t warmup);

/* Between how many misses LRU has with so many frames, at least 2 * size. */
void window_misses(const struct window *w, uint32_t frames, uint64_t *low, uint64_t *high);

#endif
