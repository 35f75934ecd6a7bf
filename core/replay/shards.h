/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shards.h - SHARDS: the LRU miss-ratio curve of a trace from a sample of its pages (Waldspurger et al., FAST 2015).
 *
 * A page is sampled when hash(page, salt) < threshold; the *rate* R is threshold / 2^32. A sampled reference with distance d
 * among sampled pages stands for 1/R references with distance d/R. Fixed rate keeps R; fixed size keeps at most
 * pages_max pages: when one more comes, the page with the largest hash leaves and the threshold becomes that hash.
 *
 * The sampled references are more or fewer than R times all; the difference is added to the smallest distance
 * (SHARDS-adj in the paper), so that hot pages that were sampled or missed by chance do not shift the whole curve.
 */
#ifndef VMM_REPLAY_SHARDS_H
#define VMM_REPLAY_SHARDS_H

#include <stddef.h>
#include <stdint.h>

struct shards;

/* rate in (0, 1]; pages_max 0: fixed rate. NULL: no memory, or a rate out of range. */
struct shards *shards_create(double rate, uint32_t pages_max, uint64_t salt);
void shards_destroy(struct shards *s);

/* References as in replay.h; only pages count. 0 or -ENOMEM. */
int shards_feed(struct shards *s, const uint32_t *refs, size_t n);

/* The page goes: its frame is free, and it may come again. 0 or -ENOMEM. */
int shards_gone(struct shards *s, uint32_t page);

/* Distances before are remembered, misses before are not counted. */
void shards_warm(struct shards *s);

/* Estimated miss ratio of LRU with so many frames; 0 before any reference. */
double shards_miss_ratio(const struct shards *s, uint64_t frames);

double shards_rate(const struct shards *s);      /* now */
uint64_t shards_sampled(const struct shards *s); /* references */
uint32_t shards_pages(const struct shards *s);   /* in the sample now */

/*
 * Mean of n values and the half width of their 95% confidence interval (Student's t); 0 for n < 2.
 */
void shards_interval(const double *values, uint32_t n, double *mean, double *half);

#endif
