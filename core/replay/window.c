/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window.c - LRU's distances through a window (window.h).
 *
 * A page is *there* when touch_at has a mark; it is outside when left_at has one, inside when not. Marks on `left` without a page
 * are of pages that went.
 */
#include "core/replay/window.h"
#include "core/replay/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 1024u
#define BLOCK 65536u

int window_init(struct window *w, uint32_t size)
{
	*w = (struct window){ .size = size };
	if (!axis_init(&w->touched) && !axis_init(&w->left))
		return 0;
	window_destroy(w);
	return -ENOMEM;
}

void window_destroy(struct window *w)
{
	axis_destroy(&w->touched);
	axis_destroy(&w->left);
	free(w->touch_at);
	free(w->exit_at);
	free(w->left_at);
	free(w->enter_at);
	free(w->by_low);
	free(w->by_high);
	*w = (struct window){ .size = 0 };
}

/* From n elements to `want`, the new ones filled with a byte. */
static int array_grow(void **array, size_t element, size_t n, size_t want, int fill)
{
	char *p = realloc(*array, want * element);

	if (!p)
		return -ENOMEM;
	memset(p + n * element, fill, (want - n) * element);
	*array = p;
	return 0;
}

static int pages_reserve(struct window *w, uint32_t pages)
{
	uint32_t **const lists[] = { &w->touch_at, &w->exit_at, &w->left_at, &w->enter_at };
	size_t n = w->pages ? w->pages : FIRST;
	int err = 0;

	if (pages <= w->pages)
		return 0;
	while (n < pages)
		n *= 2;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && !err; i++)
		err = array_grow((void **)lists[i], sizeof(uint32_t), w->pages, n, 0xFF);
	w->pages = err ? w->pages : (uint32_t)n;
	return err;
}

/* Distances are at most `most`. */
static int distances_reserve(struct window *w)
{
	size_t n = w->distances ? w->distances : FIRST;
	int err;

	if (w->most < w->distances)
		return 0;
	while (n <= w->most)
		n *= 2;
	err = array_grow((void **)&w->by_low, sizeof(*w->by_low), w->distances, n, 0);
	if (!err)
		err = array_grow((void **)&w->by_high, sizeof(*w->by_high), w->distances, n, 0);
	w->distances = err ? w->distances : (uint32_t)n;
	return err;
}

static int room_make(struct window *w)
{
	const struct axis_positions touched[] = { { w->touch_at, w->pages },
						  { w->exit_at, w->pages } };
	const struct axis_positions left[] = { { w->left_at, w->pages },
					       { w->enter_at, w->pages } };
	int err = axis_room(&w->touched) ? 0 : axis_renumber(&w->touched, touched, 2);

	return !err && !axis_room(&w->left) ? axis_renumber(&w->left, left, 2) : err;
}

/* --- what happens ------------------------------------------------------------------------------------------------ */

/* A page outside enters. */
static void distance_note(struct window *w, uint32_t page)
{
	uint32_t low = axis_from(&w->touched, w->exit_at[page]) + 1;
	/* All that are inside now or left since, but for the page's own exit; and the page itself. */
	uint32_t high = w->inside + axis_from(&w->left, w->enter_at[page]);

	w->by_low[low]++;
	w->by_high[high < w->most ? high : w->most]++;
}

static int reference(struct window *w, uint32_t page, bool counted)
{
	bool there = w->touch_at[page] != AXIS_NONE, outside = w->left_at[page] != AXIS_NONE;
	int err = room_make(w);

	if (!err && w->inside > w->size)
		err = -EPROTO;
	if (!err)
		err = distances_reserve(w);
	if (err)
		return err;
	if (outside && counted)
		distance_note(w, page);
	w->cold += !there && counted;
	w->inside += !there || outside;
	if (outside)
		axis_clear(&w->left, w->left_at[page]);
	if (there)
		axis_clear(&w->touched, w->touch_at[page]);
	w->touch_at[page] = axis_mark(&w->touched);
	w->enter_at[page] = w->left.next;
	w->left_at[page] = w->exit_at[page] = AXIS_NONE;
	if (w->touched.marks > w->most)
		w->most = w->touched.marks;
	return 0;
}

int window_feed(struct window *w, const uint32_t *refs, size_t n, uint32_t pages, bool counted)
{
	int err = pages_reserve(w, pages);

	for (size_t i = 0; i < n && !err; i++)
		err = reference(w, refs[i] & REPLAY_PAGE, counted);
	return err;
}

int window_leave(struct window *w, uint32_t page)
{
	int err;

	if (page >= w->pages || w->touch_at[page] == AXIS_NONE || w->left_at[page] != AXIS_NONE)
		return 0;
	err = room_make(w);
	if (err)
		return err;
	w->left_at[page] = axis_mark(&w->left);
	w->exit_at[page] = w->touched.next;
	w->inside--;
	return 0;
}

/* It leaves, if it has not, and its mark on `left` stays. */
int window_gone(struct window *w, uint32_t page)
{
	int err = window_leave(w, page);

	if (err || page >= w->pages || w->touch_at[page] == AXIS_NONE)
		return err;
	axis_clear(&w->touched, w->touch_at[page]);
	w->touch_at[page] = w->exit_at[page] = w->left_at[page] = w->enter_at[page] = AXIS_NONE;
	return 0;
}

/* --- a source ---------------------------------------------------------------------------------------------------- */

/* Applies to the pages of the list's events at `at`, from its event *k on. */
static int events_take(struct window *w, const struct replay_events *e, uint32_t *k, size_t at,
		       int (*what)(struct window *w, uint32_t page))
{
	int err = 0;

	for (; *k < e->n && e->list[*k].at == at && !err; ++*k)
		for (uint32_t i = 0; i < e->list[*k].count && !err; i++)
			err = what(w, e->ids[e->list[*k].first + i]);
	return err;
}

static int block_feed(struct window *w, const struct replay_source *s, const uint32_t *refs,
		      size_t n, bool counted)
{
	uint32_t leave = 0, go = 0;
	size_t at = 0, to;
	int err = 0;

	while (!err) {
		err = events_take(w, s->leaves, &leave, at, window_leave);
		if (!err)
			err = events_take(w, s->events, &go, at, window_gone);
		if (err || at == n)
			break;
		to = n;
		if (leave < s->leaves->n && s->leaves->list[leave].at < to)
			to = s->leaves->list[leave].at;
		if (go < s->events->n && s->events->list[go].at < to)
			to = s->events->list[go].at;
		err = window_feed(w, refs + at, to - at, s->pages, counted);
		at = to;
	}
	return err;
}

int window_run(struct window *w, struct replay_source *s, uint64_t max, uint64_t warmup)
{
	struct replay_events events = { .n = 0 }, leaves = { .n = 0 };
	uint32_t *refs = malloc(BLOCK * sizeof(*refs));
	uint64_t done = 0;
	size_t n = 1;
	int err = refs ? 0 : -ENOMEM;

	s->events = &events;
	s->leaves = &leaves;
	while (!err && n && (!max || done < max)) {
		uint64_t until = max ? max : UINT64_MAX;

		if (done < warmup && warmup < until)
			until = warmup;
		err = s->read(s, refs, until - done < BLOCK ? (size_t)(until - done) : BLOCK, &n);
		if (!err)
			err = block_feed(w, s, refs, n, done >= warmup);
		done += n;
	}
	s->events = s->leaves = NULL;
	replay_events_destroy(&events);
	replay_events_destroy(&leaves);
	free(refs);
	return err;
}

void window_misses(const struct window *w, uint32_t frames, uint64_t *low, uint64_t *high)
{
	*low = *high = w->cold;
	for (uint32_t d = frames + 1; d < w->distances && d > frames; d++) {
		*low += w->by_low[d];
		*high += w->by_high[d];
	}
}
