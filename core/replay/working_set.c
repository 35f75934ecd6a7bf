/* SPDX-License-Identifier: Apache-2.0 */
/* working_set.c - see working_set.h. A zeroed struct is at the beginning of its first interval. */
#include "core/replay/working_set.h"
#include "core/replay/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int reserve(struct working_set *w, uint32_t bound)
{
	size_t want = w->capacity ? w->capacity : 1024;
	uint32_t *p;

	if (bound <= w->capacity)
		return 0;
	while (want < bound)
		want *= 2;
	p = realloc(w->last, want * sizeof(*p));
	if (!p)
		return -ENOMEM;
	memset(p + w->capacity, 0, (want - w->capacity) * sizeof(*p));
	w->last = p;
	w->capacity = (uint32_t)want;
	return 0;
}

int working_set_feed(struct working_set *w, const uint32_t *refs, size_t n, uint32_t bound)
{
	int err = reserve(w, bound);

	w->now += w->now == 0;
	for (size_t i = 0; i < n && !err; i++) {
		uint32_t *last = &w->last[refs[i] & REPLAY_PAGE];

		w->pages += *last != w->now;
		*last = w->now;
	}
	return err;
}

void working_set_forget(struct working_set *w, uint32_t page)
{
	if (page < w->capacity)
		w->last[page] = 0;
}

uint64_t working_set_turn(struct working_set *w)
{
	uint64_t pages = w->pages;

	w->pages = 0;
	w->now++;
	return pages;
}

void working_set_destroy(struct working_set *w)
{
	free(w->last);
	*w = (struct working_set){ .now = 0 };
}
