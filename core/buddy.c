/* SPDX-License-Identifier: Apache-2.0 */
/* buddy.c - lists of free blocks, halving and joining. */
#include "core/buddy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void push(struct buddy *b, uint32_t frame, uint32_t order)
{
	uint32_t i = frame - b->first, head = b->head[order];

	b->order[i] = (uint8_t)(order + 1);
	b->next[i] = head;
	b->prev[i] = BUDDY_NONE;
	if (head != BUDDY_NONE)
		b->prev[head - b->first] = frame;
	b->head[order] = frame;
}

static void unlink_block(struct buddy *b, uint32_t frame)
{
	uint32_t i = frame - b->first, next = b->next[i], prev = b->prev[i];

	if (prev == BUDDY_NONE)
		b->head[b->order[i] - 1] = next;
	else
		b->next[prev - b->first] = next;
	if (next != BUDDY_NONE)
		b->prev[next - b->first] = prev;
	b->order[i] = 0;
}

/* The largest order of a block that ends before `end`, is inside of the range and aligned at its beginning. */
static uint32_t order_ending(const struct buddy *b, uint64_t end)
{
	uint32_t order = 0;

	while (order + 1 < BUDDY_ORDERS && !(end & ((2ull << order) - 1)) &&
	       end - b->first >= 2ull << order)
		order++;
	return order;
}

int buddy_init(struct buddy *b, uint32_t first, uint32_t count)
{
	uint64_t end = (uint64_t)first + count;

	memset(b, 0, sizeof(*b));
	b->first = first;
	b->count = b->free = count;
	memset(b->head, 0xff, sizeof(b->head));
	b->next = calloc(count, sizeof(*b->next));
	b->prev = calloc(count, sizeof(*b->prev));
	b->order = calloc(count, sizeof(*b->order));
	if (!b->next || !b->prev || !b->order) {
		buddy_destroy(b);
		return -ENOMEM;
	}
	while (end > first) { /* from above, so that the lowest block is pushed last */
		uint32_t order = order_ending(b, end);

		end -= 1ull << order;
		push(b, (uint32_t)end, order);
	}
	return 0;
}

void buddy_destroy(struct buddy *b)
{
	free(b->next);
	free(b->prev);
	free(b->order);
	memset(b, 0, sizeof(*b));
}

uint32_t buddy_take(struct buddy *b, uint32_t order)
{
	uint32_t k = order, frame;

	while (k < BUDDY_ORDERS && b->head[k] == BUDDY_NONE)
		k++;
	if (k >= BUDDY_ORDERS)
		return BUDDY_NONE;
	frame = b->head[k];
	unlink_block(b, frame);
	while (k-- > order)
		push(b, frame + (1u << k), k);
	b->free -= 1u << order;
	return frame;
}

static bool inside(const struct buddy *b, uint32_t frame, uint32_t order)
{
	return frame >= b->first &&
	       (uint64_t)frame - b->first + (1ull << order) <= (uint64_t)b->count;
}

void buddy_put(struct buddy *b, uint32_t frame, uint32_t order)
{
	b->free += 1u << order;
	for (; order + 1 < BUDDY_ORDERS; order++) {
		uint32_t other = frame ^ 1u << order;

		if (!inside(b, other, order) || b->order[other - b->first] != order + 1)
			break;
		unlink_block(b, other);
		frame &= ~(1u << order);
	}
	push(b, frame, order);
}

int buddy_largest(const struct buddy *b)
{
	int order = (int)BUDDY_ORDERS - 1;

	while (order >= 0 && b->head[order] == BUDDY_NONE)
		order--;
	return order;
}

bool buddy_is_free(const struct buddy *b, uint32_t frame)
{
	for (uint32_t order = 0; order < BUDDY_ORDERS; order++) {
		uint32_t head = frame & ~((1u << order) - 1);

		if (inside(b, head, 0) && b->order[head - b->first] == order + 1)
			return true;
	}
	return false;
}

int buddy_check(const struct buddy *b)
{
	uint64_t free_frames = 0, covered = b->first; /* no block has begun before `covered` yet */
	uint64_t listed = 0, blocks = 0;

	for (uint32_t i = 0; i < b->count; i++) {
		uint32_t frame = b->first + i, order = b->order[i] - 1u, other;

		if (!b->order[i])
			continue;
		if (order >= BUDDY_ORDERS || frame < covered || frame & ((1u << order) - 1) ||
		    !inside(b, frame, order))
			return -EINVAL;
		other = frame ^ 1u << order;
		if (order + 1 < BUDDY_ORDERS && inside(b, other, order) &&
		    b->order[other - b->first] == order + 1)
			return -EINVAL;
		covered = (uint64_t)frame + (1ull << order);
		free_frames += 1ull << order;
		blocks++;
	}
	for (uint32_t order = 0; order < BUDDY_ORDERS; order++) {
		uint32_t prev = BUDDY_NONE;

		for (uint32_t f = b->head[order]; f != BUDDY_NONE;
		     prev = f, f = b->next[f - b->first])
			if (++listed > blocks || b->order[f - b->first] != order + 1 ||
			    b->prev[f - b->first] != prev)
				return -EINVAL;
	}
	return listed == blocks && free_frames == b->free ? 0 : -EINVAL;
}
