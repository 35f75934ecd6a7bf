/* SPDX-License-Identifier: Apache-2.0 */
/*
 * denning.h - mean working-set size and miss ratio against the window tau, for tau = 1, 2, 4 ..., from one pass.
 *
 * W(t, tau) is the set of pages referenced in the last tau references up to t. A reference whose page is referenced again
 * `gap` references later, or never until the end or until it goes, keeps the page in W for min(gap, tau) references; the mean
 * size is the sum of these over all references, divided by their number (P. J. Denning, S. C. Schwartz, Properties of the
 * working-set model, CACM 15(3), 1972). A reference misses when its page was not referenced in the tau references before.
 */
#ifndef VMM_REPLAY_DENNING_H
#define VMM_REPLAY_DENNING_H

#include <stddef.h>
#include <stdint.h>

#define DENNING_TAUS 64u /* tau = 1 << 0 ... 1 << 63 */

struct denning {
	uint64_t *last;    /* by page: number of its last reference, from 1; 0: none */
	uint32_t capacity; /* of last */
	uint64_t now;      /* references so far */
	/* By the least k with gap <= 1 << k: gaps, their sum, and those that a reference ended. */
	uint64_t count[DENNING_TAUS + 1], sum[DENNING_TAUS + 1], again[DENNING_TAUS + 1];
};

/* A zeroed struct is empty. Pages are below `bound`. 0, -ENOMEM. */
int denning_feed(struct denning *d, const uint32_t *refs, size_t n, uint32_t bound);
void denning_forget(struct denning *d, uint32_t page); /* it goes after the last reference fed */
void denning_end(struct denning *d);                   /* once, before the results are asked for */
void denning_destroy(struct denning *d);

double denning_mean_pages(const struct denning *d, uint32_t k); /* at tau = 1 << k */
uint64_t denning_misses(const struct denning *d, uint32_t k);

#endif
