/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefetcher.h - prefetching in the core: events go to the detector (prefetch.h), what it names and the store has becomes
 * plan.prefetch, and what becomes of it is counted. core.h says how a driver executes that.
 *
 * At most a quarter of the frames is asked for at a time, so that one guess cannot empty the memory; with fewer than four
 * frames nothing is. Pages are IDLE with `prefetched` until their first use.
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

struct prefetcher {
	struct prefetch detector;
	uint32_t pages_max; /* of one plan */
	uint32_t pages[PREFETCH_MAX];
	uint64_t *ready_ns; /* by frame: simulated time at which its read is finished */
};

int prefetcher_create(struct vmm *v,
		      const char *spec); /* 0; -EINVAL; -ENOMEM: prefetcher_destroy cleans up */
void prefetcher_destroy(struct vmm *v);

/* The plan's page was faulted on, or is used for the first time (used): sets plan->prefetch. */
void prefetcher_event(struct vmm *v, struct plan *plan, bool used);

void prefetcher_fill(struct vmm *v, uint32_t page); /* a page of plan.prefetch has been read */
void prefetcher_used(struct vmm *v, uint32_t page);
void prefetcher_wasted(struct vmm *v, uint32_t page);

int prefetcher_check(const struct vmm *v); /* 0, -EINVAL */

#endif
