/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_distance.c - exact LRU stack distances (stack_distance.h).
 *
 * The sum of the tree's entries is `live`; the line that `next` is in counts in the tree like any other.
 */
#include "core/replay/stack_distance.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MASK 0x7FFFFFFFu
#define WORDS 8u /* of a line */
#define LINE_SHIFT 9
#define LINES_FIRST 64u
#define LINES_MAX (1u << (31 - LINE_SHIFT)) /* positions stay below 2^31 */
#define PAGES_FIRST 1024u
#define AHEAD 16 /* references between a prefetch and its use */

int stack_distance_init(struct stack_distance *s)
{
	memset(s, 0, sizeof(*s));
	s->lines = LINES_FIRST;
	s->bits = calloc((size_t)s->lines * WORDS, sizeof(*s->bits));
	s->tree = calloc((size_t)s->lines + 1, sizeof(*s->tree));
	if (s->bits && s->tree)
		return 0;
	stack_distance_destroy(s);
	return -ENOMEM;
}

void stack_distance_destroy(struct stack_distance *s)
{
	free(s->last);
	free(s->bits);
	free(s->tree);
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

/* Every position becomes its rank; last[] follows. Room for at least four times the live pages. */
static int renumber(struct stack_distance *s)
{
	uint32_t lines = s->lines, words = s->lines * WORDS, *rank, sum = 0;
	uint64_t *bits;
	uint32_t *tree;

	while (lines < LINES_MAX && (uint64_t)lines << LINE_SHIFT < 4 * (uint64_t)s->live)
		lines *= 2;
	rank = malloc((size_t)words * sizeof(*rank));
	bits = calloc((size_t)lines * WORDS, sizeof(*bits));
	tree = calloc((size_t)lines + 1, sizeof(*tree));
	if (!rank || !bits || !tree) {
		free(rank);
		free(bits);
		free(tree);
		return -ENOMEM;
	}
	for (uint32_t w = 0; w < words; w++) {
		rank[w] = sum;
		sum += (uint32_t)__builtin_popcountll(s->bits[w]);
	}
	for (uint32_t p = 0; p < s->pages; p++) {
		uint32_t at = s->last[p];

		if (at == STACK_DISTANCE_COLD)
			continue;
		s->last[p] = rank[at / 64] + (uint32_t)__builtin_popcountll(
						     s->bits[at / 64] & ((1ull << at % 64) - 1));
	}
	for (uint32_t p = 0; p < s->live; p++) {
		bits[p / 64] |= 1ull << p % 64;
		tree[(p >> LINE_SHIFT) + 1]++;
	}
	for (uint32_t i = 1; i <= lines; i++)
		if (i + (i & -i) <= lines)
			tree[i + (i & -i)] += tree[i];
	free(rank);
	free(s->bits);
	free(s->tree);
	s->bits = bits;
	s->tree = tree;
	s->lines = lines;
	s->next = s->live;
	return 0;
}

static inline void tree_add(struct stack_distance *s, uint32_t line, uint32_t by)
{
	for (uint32_t i = line + 1; i <= s->lines; i += i & -i)
		s->tree[i] += by;
}

/* Bits at positions < at. */
static inline __attribute__((always_inline)) uint32_t rank_of(const struct stack_distance *s,
							      uint32_t at)
{
	uint32_t line = at >> LINE_SHIFT, sum = 0;
	const uint64_t *w = s->bits + (size_t)line * WORDS, *end = s->bits + at / 64;

	for (uint32_t i = line; i; i &= i - 1)
		sum += s->tree[i];
	for (; w < end; w++)
		sum += (uint32_t)__builtin_popcountll(*w);
	return sum + (uint32_t)__builtin_popcountll(*end & ((1ull << at % 64) - 1));
}

static inline void forget_at(struct stack_distance *s, uint32_t at)
{
	s->bits[at / 64] &= ~(1ull << at % 64);
	tree_add(s, at >> LINE_SHIFT, (uint32_t)-1);
	s->live--;
}

void stack_distance_forget(struct stack_distance *s, uint32_t page)
{
	if (page >= s->pages || s->last[page] == STACK_DISTANCE_COLD)
		return;
	forget_at(s, s->last[page]);
	s->last[page] = STACK_DISTANCE_COLD;
}

/* One reference; there is room on the axis. */
static inline __attribute__((always_inline)) uint32_t reference(struct stack_distance *s,
								uint32_t page)
{
	uint32_t at = s->last[page], distance = STACK_DISTANCE_COLD;

	if (at != STACK_DISTANCE_COLD) {
		distance = s->live - rank_of(s, at);
		if (distance == 1) /* the page is on top already */
			return distance;
		forget_at(s, at);
	}
	s->bits[s->next / 64] |= 1ull << s->next % 64;
	tree_add(s, s->next >> LINE_SHIFT, 1);
	s->live++;
	s->last[page] = s->next++;
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
		__builtin_prefetch(&s->bits[at == STACK_DISTANCE_COLD ? 0 : at / 64]);
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
		size_t room = ((size_t)s->lines << LINE_SHIFT) - s->next, k = n < room ? n : room;

		if (popcnt)
			feed_popcnt(s, refs, k, distance);
		else
			feed_plain(s, refs, k, distance);
		refs += k;
		distance += k;
		n -= k;
		if (n)
			err = renumber(s);
		if (!err && s->next == s->lines << LINE_SHIFT)
			err = n ? -ENOMEM : 0;
	}
	return err;
}
