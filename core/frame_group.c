/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_group.c - frames in pools: groups for large pages, and nodes.
 *
 * `fresh` is here one more than the highest frame that was ever handed out. Frames below it that never were are free like
 * all others: their page is VMM_NONE.
 */
#include "core/buddy.h"
#include "core/frame.h"

#include <errno.h>
#include <stdlib.h>

int frame_table_split(struct frame_table *t, uint32_t nodes)
{
	uint32_t first = 0;

	if (nodes == 0 || nodes > t->capacity || t->fresh || t->pools)
		return -EINVAL;
	t->pools = calloc(nodes, sizeof(*t->pools));
	if (!t->pools)
		return -ENOMEM;
	t->nodes = nodes;
	t->node_frames = t->capacity / nodes;
	for (uint32_t n = 0; n < nodes; n++) {
		uint32_t count = n + 1 < nodes ? t->node_frames : t->capacity - first;

		if (buddy_init(&t->pools[n], first, count)) {
			frame_pools_destroy(t);
			return -ENOMEM;
		}
		first += count;
	}
	return 0;
}

void frame_pools_destroy(struct frame_table *t)
{
	for (uint32_t n = 0; n < t->nodes; n++)
		buddy_destroy(&t->pools[n]);
	free(t->pools);
	t->pools = NULL;
	t->nodes = t->node_frames = 0;
}

uint32_t frame_take_group(struct frame_table *t, uint32_t order, uint32_t node)
{
	uint32_t f = BUDDY_NONE, end, from = node == VMM_NONE ? 0 : node;
	uint32_t to = node == VMM_NONE ? t->nodes : node + 1;

	for (uint32_t n = from; n < to && f == BUDDY_NONE; n++)
		f = buddy_take(&t->pools[n], order);
	if (f == BUDDY_NONE)
		return VMM_NONE;
	end = f + (1u << order);
	for (; t->fresh < end; t->fresh++) {
		t->page[t->fresh] = VMM_NONE;
		t->free_count++;
	}
	for (uint32_t i = f; i < end; i++) {
		t->page[i] = VMM_NONE;
		t->bits[i] = 0;
		t->pins[i] = 0;
	}
	t->free_count -= end - f;
	t->in_transit += end - f;
	return f;
}

void frame_group_return(struct frame_table *t, uint32_t f)
{
	buddy_put(&t->pools[frame_node(t, f)], f, 0);
	t->free_count++;
}

uint32_t frame_node_free(const struct frame_table *t, uint32_t node)
{
	return t->pools[node].free;
}

int frame_pools_check(const struct frame_table *t)
{
	uint64_t free_frames = 0;

	for (uint32_t n = 0; n < t->nodes; n++) {
		if (buddy_check(&t->pools[n]))
			return -EINVAL;
		free_frames += t->pools[n].free;
	}
	for (uint32_t f = 0; f < t->fresh; f++)
		if (buddy_is_free(&t->pools[frame_node(t, f)], f) != (t->page[f] == VMM_NONE))
			return -EINVAL;
	return free_frames == frames_free(t) ? 0 : -EINVAL;
}
