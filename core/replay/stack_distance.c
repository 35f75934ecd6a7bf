/* SPDX-License-Identifier: Apache-2.0 */
/* stack_distance.c - exact LRU stack distances (stack_distance.h). Holes are marks of the axis without a page. */
#include "core/replay/stack_distance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MASK 0x7FFFFFFFu
#define PAGES_FIRST 1024u
#define HOLES_FIRST 64u
#define AHEAD 16 /* references between a prefetch and its use */

int stack_distance_init(struct stack_distance *s)
{
	memset(s, 0, sizeof(*s));
	return axis_init(&s->axis);
}

void stack_distance_destroy(struct stack_distance *s)
{
	axis_destroy(&s->axis);
	free(s->last);
	free(s->holes);
	memset(s, 0, sizeof(*s));
}

static int reserve(struct stack_distance *s, uint32_t pages)
{
	size_t n = s->pages ? s->pages : PAGES_FIRST;
	uint32_t *p;

	if (pages <= s->pages)
		return 0;
	while (n < pages)
		n *= 2;
	p = realloc(s->last, n * sizeof(*p));
	if (!p)
		return -ENOMEM;
	memset(p + s->pages, 0xFF, (n - s->pages) * sizeof(*p)); /* STACK_DISTANCE_COLD */
	s->last = p;
	s->pages = (uint32_t)n;
	return 0;
}

static int renumber(struct stack_distance *s)
{
	const struct axis_positions lists[] = { { s->last, s->pages }, { s->holes, s->n_holes } };

	return axis_renumber(&s->axis, lists, 2);
}

/* --- holes ------------------------------------------------------------------------------------------------------- */

/* The heap's place i is empty: the position goes there or above. */
static void hole_rise(struct stack_distance *s, uint32_t i, uint32_t at)
{
	for (; i && s->holes[(i - 1) / 2] < at; i = (i - 1) / 2)
		s->holes[i] = s->holes[(i - 1) / 2];
	s->holes[i] = at;
}

/* The topmost hole is filled; when `at` is a position, there is one now. */
static void hole_move(struct stack_distance *s, uint32_t at)
{
	uint32_t i = 0, child;

	axis_clear(&s->axis, s->holes[0]);
	if (at == AXIS_NONE) {
		at = s->holes[--s->n_holes];
		if (!s->n_holes)
			return;
	}
	while ((child = 2 * i + 1) < s->n_holes) {
		child += child + 1 < s->n_holes && s->holes[child + 1] > s->holes[child];
		if (s->holes[child] <= at)
			break;
		s->holes[i] = s->holes[child];
		i = child;
	}
	s->holes[i] = at;
}

int stack_distance_gone(struct stack_distance *s, uint32_t page)
{
	if (page >= s->pages || s->last[page] == STACK_DISTANCE_COLD)
		return 0;
	if (s->n_holes == s->holes_capacity) {
		uint32_t n = s->holes_capacity ? 2 * s->holes_capacity : HOLES_FIRST;
		uint32_t *p = realloc(s->holes, n * sizeof(*p));

		if (!p)
			return -ENOMEM;
		s->holes = p;
		s->holes_capacity = n;
	}
	hole_rise(s, s->n_holes++, s->last[page]);
	s->last[page] = STACK_DISTANCE_COLD;
	return 0;
}

void stack_distance_forget(struct stack_distance *s, uint32_t page)
{
	if (page >= s->pages || s->last[page] == STACK_DISTANCE_COLD)
		return;
	axis_clear(&s->axis, s->last[page]);
	s->last[page] = STACK_DISTANCE_COLD;
}

/* --- references -------------------------------------------------------------------------------------------------- */

/* One reference; there is room on the axis. */
static inline __attribute__((always_inline)) uint32_t reference(struct stack_distance *s,
								uint32_t page)
{
	uint32_t at = s->last[page], distance = STACK_DISTANCE_COLD;

	if (at != STACK_DISTANCE_COLD) {
		distance = axis_from(&s->axis, at);
		if (distance == 1) /* the page is on top already */
			return distance;
	}
	if (__builtin_expect(s->n_holes && (distance == STACK_DISTANCE_COLD || s->holes[0] > at),
			     0))
		hole_move(s, at);
	else if (at != STACK_DISTANCE_COLD)
		axis_clear(&s->axis, at);
	s->last[page] = axis_mark(&s->axis);
	return distance;
}

/* n references for which there is room. */
static inline __attribute__((always_inline)) void
feed_loop(struct stack_distance *s, const uint32_t *refs, size_t n, uint32_t *distance)
{
	for (size_t i = 0; i < n; i++) {
		size_t far = i + 2 * AHEAD < n ? i + 2 * AHEAD : n - 1;
		size_t near = i + AHEAD < n ? i + AHEAD : n - 1;
		uint32_t at = s->last[refs[near] & PAGE_MASK];

		__builtin_prefetch(&s->last[refs[far] & PAGE_MASK]);
		__builtin_prefetch(&s->axis.bits[at == STACK_DISTANCE_COLD ? 0 : at / 64]);
		distance[i] = reference(s, refs[i] & PAGE_MASK);
	}
}

static void feed_plain(struct stack_distance *s, const uint32_t *refs, size_t n, uint32_t *distance)
{
	feed_loop(s, refs, n, distance);
}

#ifdef __x86_64__
__attribute__((target("popcnt"))) static void
feed_popcnt(struct stack_distance *s, const uint32_t *refs, size_t n, uint32_t *distance)
{
	feed_loop(s, refs, n, distance);
}
#define HAVE_POPCNT __builtin_cpu_supports("popcnt")
#else
#define feed_popcnt feed_plain
#define HAVE_POPCNT false
#endif

int stack_distance_feed(struct stack_distance *s, const uint32_t *refs, size_t n, uint32_t pages,
			uint32_t *distance)
{
	bool popcnt = HAVE_POPCNT;
	int err = reserve(s, pages);

	while (n && !err) {
		size_t room = axis_room(&s->axis), k = n < room ? n : room;

		if (popcnt)
			feed_popcnt(s, refs, k, distance);
		else
			feed_plain(s, refs, k, distance);
		refs += k;
		distance += k;
		n -= k;
		if (n)
			err = renumber(s);
	}
	return err;
}
