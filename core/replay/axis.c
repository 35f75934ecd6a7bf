/* SPDX-License-Identifier: Apache-2.0 */
/* axis.c - making an axis, and renumbering it (axis.h). */
#include "core/replay/axis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINES_FIRST 64u
#define LINES_MAX (1u << (31 - AXIS_LINE_SHIFT)) /* positions stay below 2^31 */

int axis_init(struct axis *a)
{
	*a = (struct axis){ .lines = LINES_FIRST };
	a->bits = calloc((size_t)a->lines * AXIS_LINE_WORDS, sizeof(*a->bits));
	a->tree = calloc((size_t)a->lines + 1, sizeof(*a->tree));
	if (a->bits && a->tree)
		return 0;
	axis_destroy(a);
	return -ENOMEM;
}

void axis_destroy(struct axis *a)
{
	free(a->bits);
	free(a->tree);
	*a = (struct axis){ .lines = 0 };
}

/* Every position becomes the number of marks before it. */
static void positions_turn(const struct axis *a, const uint32_t *before,
			   const struct axis_positions *list)
{
	for (size_t i = 0; i < list->n; i++) {
		uint32_t at = list->at[i], in_word = at % 64;

		if (at == AXIS_NONE)
			continue;
		list->at[i] = before[at / 64];
		if (in_word)
			list->at[i] += (uint32_t)__builtin_popcountll(a->bits[at / 64] &
								      ((1ull << in_word) - 1));
	}
}

/* The first `marks` positions are marked. */
static void marks_set(struct axis *a)
{
	for (uint32_t p = 0; p < a->marks; p++) {
		a->bits[p / 64] |= 1ull << p % 64;
		a->tree[(p >> AXIS_LINE_SHIFT) + 1]++;
	}
	for (uint32_t i = 1; i <= a->lines; i++)
		if (i + (i & -i) <= a->lines)
			a->tree[i + (i & -i)] += a->tree[i];
}

int axis_renumber(struct axis *a, const struct axis_positions *lists, int n)
{
	struct axis b = { .lines = a->lines, .marks = a->marks, .next = a->marks };
	uint32_t words = a->lines * AXIS_LINE_WORDS, *before, sum = 0;

	while (b.lines < LINES_MAX && (uint64_t)b.lines << AXIS_LINE_SHIFT < 4 * (uint64_t)a->marks)
		b.lines *= 2;
	before = malloc(((size_t)words + 1) * sizeof(*before));
	b.bits = calloc((size_t)b.lines * AXIS_LINE_WORDS, sizeof(*b.bits));
	b.tree = calloc((size_t)b.lines + 1, sizeof(*b.tree));
	if (!before || !b.bits || !b.tree || !axis_room(&b)) {
		free(before);
		axis_destroy(&b);
		return -ENOMEM;
	}
	for (uint32_t w = 0; w < words; w++) {
		before[w] = sum;
		sum += (uint32_t)__builtin_popcountll(a->bits[w]);
	}
	before[words] = sum;
	for (int i = 0; i < n; i++)
		positions_turn(a, before, &lists[i]);
	marks_set(&b);
	free(before);
	axis_destroy(a);
	*a = b;
	return 0;
}
