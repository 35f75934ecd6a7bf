/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefetcher.h - prefetching in the core: events go to the detector (prefetch.h), what it names and the store has becomes
 * plan.prefetch, and what becomes of it is counted. core.h says how a driver executes that.
 *
 * At most a quarter of the frames is asked for at a time, so that one guess cannot empty the memory; with fewer than four
 * frames nothing is. Pages are IDLE with `prefetched` until their first use.
 *
 * A driver that sees only faults pays for each such use. With VMM_FLAG_MAP_AHEAD the pages of one plan are a *window*: all but the
 * last are mapped at once, and the last is the trigger, whose first use says that those before it, as far as they are still
 * there, have been used, and asks for the next window. page.prefetched is the number of the window, or WINDOW_NONE for a page
 * whose window is too old to be remembered.
 *
 * Late (timing model): a read takes swap_us from the end of the fault that asked for it, and the reads of one window run at the
 * same time. Who uses the page earlier waits for the rest. What a used page saves is fault_us + swap_us less that wait.
 *
 * Law, looked at by prefetcher_check: issued == used + wasted + pages with `prefetched`.
 */
#ifndef VMM_PREFETCHER_H
#define VMM_PREFETCHER_H

#include "core/core.h"
#include "core/prefetch.h"

#define WINDOWS 254u
#define WINDOW_NONE 255u

struct window {
	uint32_t n;
	uint32_t page[PREFETCH_MAX]; /* the last is the trigger */
};

struct prefetcher {
	struct prefetch detector;
	uint32_t pages_max; /* of one plan */
	uint32_t pages[PREFETCH_MAX];
	uint64_t *ready_ns; /* by frame: simulated time at which its read is finished */
	struct window *
		windows; /* WINDOWS of them, a ring, number w at w - 1; NULL without VMM_FLAG_MAP_AHEAD */
	uint32_t window_last; /* number of the newest, 0: none yet */
};

int prefetcher_create(struct vmm *v,
		      const char *spec); /* 0; -EINVAL; -ENOMEM: prefetcher_destroy cleans up */
void prefetcher_destroy(struct vmm *v);

/* The plan's page was faulted on, or is known to be used, with hits pages in all: sets plan->prefetch. */
void prefetcher_event(struct vmm *v, struct plan *plan, uint32_t hits);

void prefetcher_fill(struct vmm *v,
		     struct plan *plan); /* the page of a PREFETCH plan has been read */
/*
 * The page is used. Returns how many pages are now known to have been, itself among them; 0: it is no event. That is a page
 * of a window before the trigger, which the policy has unmapped meanwhile: asking for the next pages at each of those would
 * make windows of one page, which are all trigger, for ever.
 */
uint32_t prefetcher_used(struct vmm *v, uint32_t page);
void prefetcher_wasted(struct vmm *v, uint32_t page);

int prefetcher_check(const struct vmm *v); /* 0, -EINVAL */

#endif
