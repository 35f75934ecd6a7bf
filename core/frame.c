/* SPDX-License-Identifier: Apache-2.0 */
/* frame.c - the pool of frames: handing out, taking back, and the check of the law in frame.h. */
#include "core/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int frame_table_init(struct frame_table *t, uint32_t capacity, uint64_t seed)
{
	memset(t, 0, sizeof(*t));
	t->capacity = capacity;
	t->rng.state = seed;
	t->bits = calloc(capacity, sizeof(*t->bits));
	t->pins = calloc(capacity, sizeof(*t->pins));
	t->page = calloc(capacity, sizeof(*t->page));
	t->shares = calloc(capacity, sizeof(*t->shares));
	t->load_seq = calloc(capacity, sizeof(*t->load_seq));
	t->free_stack = calloc(capacity, sizeof(*t->free_stack));
	t->cleared = calloc(capacity, sizeof(*t->cleared));
	if (t->bits && t->pins && t->page && t->shares && t->load_seq && t->free_stack &&
	    t->cleared)
		return 0;
	frame_table_destroy(t);
	return -ENOMEM;
}

void frame_table_destroy(struct frame_table *t)
{
	frame_pools_destroy(t);
	free(t->bits);
	free(t->pins);
	free(t->page);
	free(t->shares);
	free(t->load_seq);
	free(t->free_stack);
	free(t->cleared);
	memset(t, 0, sizeof(*t));
}

uint32_t frame_take(struct frame_table *t)
{
	uint32_t f;

	if (t->pools)
		return frame_take_group(t, 0, VMM_NONE);
	if (t->fresh < t->capacity)
		f = t->fresh++;
	else if (t->free_count)
		f = t->free_stack[--t->free_count];
	else
		return VMM_NONE;
	t->page[f] = VMM_NONE;
	t->bits[f] = 0;
	t->pins[f] = 0;
	t->in_transit++;
	return f;
}

void frame_unlift(struct frame_table *t, uint32_t f)
{
	t->bits[f] |= FRAME_USED;
	t->in_transit--;
	t->used++;
}

void frame_free(struct frame_table *t, uint32_t f)
{
	t->page[f] = VMM_NONE;
	t->bits[f] = 0;
	t->pins[f] = 0;
	t->in_transit--;
	if (t->pools)
		frame_group_return(t, f);
	else
		t->free_stack[t->free_count++] = f;
}

int frame_table_check(const struct frame_table *t)
{
	uint32_t used = 0, transit = 0, free_frames = t->capacity - t->fresh;

	if (t->fresh > t->capacity || t->free_count > t->fresh)
		return -EINVAL;
	for (uint32_t f = 0; f < t->fresh; f++) {
		if (t->bits[f] & FRAME_USED)
			used++;
		else if (t->page[f] != VMM_NONE)
			transit++;
		else if (t->bits[f] || t->pins[f] || t->shares[f])
			return -EINVAL;
		if ((t->bits[f] & FRAME_USED) && t->page[f] == VMM_NONE)
			return -EINVAL;
		if (!(t->bits[f] & FRAME_PINNED) != !t->pins[f])
			return -EINVAL;
	}
	for (uint32_t i = 0; i < t->free_count && !t->pools; i++) {
		uint32_t f = t->free_stack[i];

		if (f >= t->fresh || t->page[f] != VMM_NONE)
			return -EINVAL;
	}
	free_frames += t->free_count;
	if (used != t->used || transit != t->in_transit ||
	    (uint64_t)free_frames + used + transit != t->capacity)
		return -EINVAL;
	return t->pools ? frame_pools_check(t) : 0;
}
