/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_heap.h - a binary min-heap of frames by a key of two numbers, with the place of each frame known: O(log n) to
 * insert, change and remove.
 *
 * Invariants: place[f] is f's index in `item` while it is in the heap; a parent's key is never greater than its child's;
 * equal keys are ordered by frame number, so the order is total and a run is reproducible. Memory is touched lazily.
 */
#ifndef VMM_FRAME_HEAP_H
#define VMM_FRAME_HEAP_H

#include "core/frame.h"

#include <errno.h>
#include <stdlib.h>

struct frame_heap_item {
	uint64_t major, minor;
	uint32_t frame;
};

struct frame_heap {
	struct frame_heap_item *item; /* [0, count) is the heap */
	uint32_t *place;              /* by frame */
	uint32_t count;
};

static inline void frame_heap_destroy(struct frame_heap *h)
{
	free(h->item);
	free(h->place);
	h->item = NULL;
	h->place = NULL;
}

static inline int frame_heap_init(struct frame_heap *h, uint32_t capacity)
{
	h->count = 0;
	h->item = calloc(capacity, sizeof(*h->item));
	h->place = calloc(capacity, sizeof(*h->place));
	if (h->item && h->place)
		return 0;
	frame_heap_destroy(h);
	return -ENOMEM;
}

static inline bool frame_heap_less(const struct frame_heap_item *a, const struct frame_heap_item *b)
{
	if (a->major != b->major)
		return a->major < b->major;
	return a->minor != b->minor ? a->minor < b->minor : a->frame < b->frame;
}

static inline void frame_heap_put(struct frame_heap *h, uint32_t i, struct frame_heap_item x)
{
	h->item[i] = x;
	h->place[x.frame] = i;
}

/* Puts x where it belongs, starting from the hole at i. */
static inline void frame_heap_settle(struct frame_heap *h, uint32_t i, struct frame_heap_item x)
{
	uint32_t child;

	while (i && frame_heap_less(&x, &h->item[(i - 1) / 2])) {
		frame_heap_put(h, i, h->item[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	while ((child = 2 * i + 1) < h->count) {
		if (child + 1 < h->count && frame_heap_less(&h->item[child + 1], &h->item[child]))
			child++;
		if (!frame_heap_less(&h->item[child], &x))
			break;
		frame_heap_put(h, i, h->item[child]);
		i = child;
	}
	frame_heap_put(h, i, x);
}

static inline void frame_heap_insert(struct frame_heap *h, uint32_t f, uint64_t major,
				     uint64_t minor)
{
	h->count++;
	frame_heap_settle(h, h->count - 1, (struct frame_heap_item){ major, minor, f });
}

static inline void frame_heap_change(struct frame_heap *h, uint32_t f, uint64_t major,
				     uint64_t minor)
{
	frame_heap_settle(h, h->place[f], (struct frame_heap_item){ major, minor, f });
}

static inline void frame_heap_remove(struct frame_heap *h, uint32_t f)
{
	uint32_t i = h->place[f];

	if (i != --h->count)
		frame_heap_settle(h, i, h->item[h->count]);
}

static inline bool frame_heap_has(const struct frame_heap *h, uint32_t f)
{
	return h->place[f] < h->count && h->item[h->place[f]].frame == f;
}

static inline const struct frame_heap_item *frame_heap_item(const struct frame_heap *h, uint32_t f)
{
	return &h->item[h->place[f]];
}

/*
 * The least frame that is evictable and for which ok(arg, frame) holds (NULL: all); VMM_NONE when there is none. Those
 * before it are taken out, parked behind the heap's end and put back: O(k log n) for k of them.
 */
static inline uint32_t frame_heap_least(struct frame_heap *h, const struct frame_table *t,
					bool (*ok)(const void *arg, uint32_t f), const void *arg)
{
	uint32_t all = h->count, f = VMM_NONE;

	while (h->count) {
		struct frame_heap_item x = h->item[0];

		if (frame_evictable(t, x.frame) && (!ok || ok(arg, x.frame))) {
			f = x.frame;
			break;
		}
		frame_heap_remove(h, x.frame);
		frame_heap_put(h, h->count, x);
	}
	while (h->count < all) {
		h->count++;
		frame_heap_settle(h, h->count - 1, h->item[h->count - 1]);
	}
	return f;
}

/* Order and places; 0 or -EINVAL. */
static inline int frame_heap_check(const struct frame_table *t, const struct frame_heap *h)
{
	for (uint32_t i = 0; i < h->count; i++) {
		uint32_t f = h->item[i].frame;

		if (f >= t->fresh || h->place[f] != i || t->page[f] == VMM_NONE)
			return -EINVAL;
		if (i && frame_heap_less(&h->item[i], &h->item[(i - 1) / 2]))
			return -EINVAL;
	}
	return 0;
}

#endif
