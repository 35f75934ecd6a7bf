/* SPDX-License-Identifier: Apache-2.0 */
/* denning.c - see denning.h. */
#include "core/replay/denning.h"
#include "core/replay/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int reserve(struct denning *d, uint32_t bound)
{
	size_t want = d->capacity ? d->capacity : 1024;
	uint64_t *p;

	if (bound <= d->capacity)
		return 0;
	while (want < bound)
		want *= 2;
	p = realloc(d->last, want * sizeof(*p));
	if (!p)
		return -ENOMEM;
	memset(p + d->capacity, 0, (want - d->capacity) * sizeof(*p));
	d->last = p;
	d->capacity = (uint32_t)want;
	return 0;
}

static uint32_t gap_note(struct denning *d, uint64_t gap)
{
	uint32_t k = gap > 1 ? 64 - (uint32_t)__builtin_clzll(gap - 1) : 0;

	d->count[k]++;
	d->sum[k] += gap;
	return k;
}

int denning_feed(struct denning *d, const uint32_t *refs, size_t n, uint32_t bound)
{
	int err = reserve(d, bound);

	for (size_t i = 0; i < n && !err; i++) {
		uint64_t *last = &d->last[refs[i] & REPLAY_PAGE];

		d->now++;
		if (*last)
			d->again[gap_note(d, d->now - *last)]++;
		*last = d->now;
	}
	return err;
}

/* The page is in the set up to the last reference, that one included. */
void denning_forget(struct denning *d, uint32_t page)
{
	if (page >= d->capacity || !d->last[page])
		return;
	gap_note(d, d->now - d->last[page] + 1);
	d->last[page] = 0;
}

void denning_end(struct denning *d)
{
	for (uint32_t i = 0; i < d->capacity; i++)
		denning_forget(d, i);
}

void denning_destroy(struct denning *d)
{
	free(d->last);
	d->last = NULL;
	d->capacity = 0;
}

double denning_mean_pages(const struct denning *d, uint32_t k)
{
	double sum = 0, tau = (double)(1ull << k);

	for (uint32_t i = 0; i <= DENNING_TAUS; i++)
		sum += i <= k ? (double)d->sum[i] : tau * (double)d->count[i];
	return d->now ? sum / (double)d->now : 0;
}

uint64_t denning_misses(const struct denning *d, uint32_t k)
{
	uint64_t hits = 0;

	for (uint32_t i = 0; i <= k; i++)
		hits += d->again[i];
	return d->now - hits;
}
