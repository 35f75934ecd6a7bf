/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axis.h - the axis of recency: marks at positions that only grow, and how many marks there are from some position on.
 *
 * Who marks the position of the latest reference to each page, and takes the mark before away, reads from it how many
 * different pages were referenced since a position. Marks are bits, counted by line (a cache line of them) in a Fenwick tree.
 * When the axis is full the positions are renumbered without gaps; it is at least four times as long as there are marks, so
 * that this costs little. Memory: O(marks).
 *
 * The sum of the tree's entries is `marks`; the line that `next` is in counts in the tree like any other.
 */
#ifndef VMM_REPLAY_AXIS_H
#define VMM_REPLAY_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AXIS_NONE UINT32_MAX /* no position */
#define AXIS_LINE_SHIFT 9
#define AXIS_LINE_WORDS 8u

struct axis {
	uint64_t *bits; /* by position */
	uint32_t *tree; /* Fenwick: marks by line; index from 1 */
	uint32_t lines; /* a power of two */
	uint32_t next;  /* the position that is marked next */
	uint32_t marks;
};

/* Positions that somebody keeps: n of them, AXIS_NONE among them. */
struct axis_positions {
	uint32_t *at;
	size_t n;
};

int axis_init(struct axis *a); /* 0, -ENOMEM */
void axis_destroy(struct axis *a);

/* Positions that may still be marked before the axis is full. */
static inline uint32_t axis_room(const struct axis *a)
{
	return (a->lines << AXIS_LINE_SHIFT) - a->next;
}

/*
 * Renumbers: the order of marks and positions stays, and as many marks are from each position on as before. All n lists of
 * positions that are kept change with them. 0; -ENOMEM: no memory, or no position is left, and nothing has changed.
 */
int axis_renumber(struct axis *a, const struct axis_positions *lists, int n);

static inline void axis_add(struct axis *a, uint32_t at, uint32_t by)
{
	for (uint32_t i = (at >> AXIS_LINE_SHIFT) + 1; i <= a->lines; i += i & -i)
		a->tree[i] += by;
	a->marks += by;
}

/* Marks the next position, for which there must be room, and returns it. */
static inline uint32_t axis_mark(struct axis *a)
{
	a->bits[a->next / 64] |= 1ull << a->next % 64;
	axis_add(a, a->next, 1);
	return a->next++;
}

/* Takes the mark at a position away. */
static inline void axis_clear(struct axis *a, uint32_t at)
{
	a->bits[at / 64] &= ~(1ull << at % 64);
	axis_add(a, at, (uint32_t)-1);
}

/* Marks from the position on, which is at most `next`. Inlined where a loop is compiled for machines that count bits. */
static inline __attribute__((always_inline)) uint32_t axis_from(const struct axis *a, uint32_t at)
{
	uint32_t line = at >> AXIS_LINE_SHIFT, before = 0;
	const uint64_t *w = a->bits + (size_t)line * AXIS_LINE_WORDS, *end = a->bits + at / 64;

	for (uint32_t i = line; i; i &= i - 1)
		before += a->tree[i];
	for (; w < end; w++)
		before += (uint32_t)__builtin_popcountll(*w);
	if (at % 64) /* else the word may be behind the end */
		before += (uint32_t)__builtin_popcountll(*end & ((1ull << at % 64) - 1));
	return a->marks - before;
}

#endif
