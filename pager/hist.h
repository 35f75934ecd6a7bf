/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hist.h - a histogram of nanoseconds with 8 buckets an octave: any value is known to 12.5%.
 *
 * Values below 8 have a bucket each. Above, with 2^m <= ns < 2^(m+1), the three bits after the leading one choose one of
 * the octave's eight buckets. The largest 64-bit value falls into bucket 495.
 */
#ifndef PAGER_HIST_H
#define PAGER_HIST_H

#include "pager/run.h"

#include <stdint.h>

_Static_assert(HIST_BUCKETS >= 496, "every 64-bit value needs a bucket");

static inline uint32_t hist_bucket(uint64_t ns)
{
	uint32_t m;

	if (ns < 8)
		return (uint32_t)ns;
	m = 63 - (uint32_t)__builtin_clzll(ns);
	return (m - 2) * 8 + ((uint32_t)(ns >> (m - 3)) & 7);
}

/* The smallest value of a bucket. */
static inline uint64_t hist_low(uint32_t bucket)
{
	return bucket < 8 ? bucket : (uint64_t)(8 + bucket % 8) << (bucket / 8 - 1);
}

/* The value that stands for a bucket: its middle. */
static inline uint64_t hist_value(uint32_t bucket)
{
	return bucket < 16 ? hist_low(bucket)
			   : hist_low(bucket) + ((1ull << (bucket / 8 - 1)) >> 1);
}

static inline void hist_add(uint64_t hist[HIST_BUCKETS], uint64_t ns)
{
	hist[hist_bucket(ns)]++;
}

/* The value that `percent` of all values do not exceed, to the precision of the buckets; 0 when there are none. */
static inline uint64_t hist_percentile(const uint64_t hist[HIST_BUCKETS], double percent)
{
	uint64_t count = 0, seen = 0;
	uint32_t b;

	for (b = 0; b < HIST_BUCKETS; b++)
		count += hist[b];
	for (b = 0; b < HIST_BUCKETS && count; b++) {
		seen += hist[b];
		if (hist[b] && (double)seen >= percent / 100 * (double)count)
			return hist_value(b);
	}
	return 0;
}

#endif
