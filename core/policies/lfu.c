/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lfu.c - least frequently used: evicts the page with the fewest touches since it was loaded.
 *
 * In-cache LFU: loading is the first touch, and an evicted page's count is forgotten (the source leaves open whether it is; the
 * variant that remembers needs unbounded history). Tie: the page that has had its count for the longest time.
 *
 * Pages of the same count are in one bucket, a list with the one that got there first at the head. Buckets are in a list by
 * count, ascending, so that a touch moves a page to the next bucket or makes one there: O(1). No bucket is empty.
 */
#include "core/policy_common.h"
#include "core/frame_list.h"

struct bucket {
	uint64_t count;
	struct frame_list pages;
};

struct lfu {
	const struct frame_table *frames;
	struct frame_links links;   /* of frames in buckets */
	struct frame_links order;   /* of buckets */
	struct frame_list by_count; /* buckets; fewest touches at the head */
	struct bucket *bucket;
	uint32_t fresh, free; /* buckets >= fresh were never used; freed ones are linked by next */
	uint32_t *in;         /* by frame: bucket */
};

static void lfu_destroy(void *state)
{
	struct lfu *s = state;

	frame_links_destroy(&s->links);
	frame_links_destroy(&s->order);
	free(s->bucket);
	free(s->in);
	free(s);
}

static int lfu_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity;
	struct lfu *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->by_count = FRAME_LIST_EMPTY;
	s->free = VMM_NONE;
	s->bucket =
		calloc((size_t)frames + 1, sizeof(*s->bucket)); /* one more while a page moves */
	s->in = calloc(frames, sizeof(*s->in));
	if (!s->bucket || !s->in || frame_links_init(&s->links, frames) ||
	    frame_links_init(&s->order, frames + 1)) {
		lfu_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

/* An empty bucket before `at`; VMM_NONE: the last. */
static uint32_t bucket_make(struct lfu *s, uint64_t count, uint32_t at)
{
	uint32_t b = s->free;

	if (b == VMM_NONE)
		b = s->fresh++;
	else
		s->free = s->order.at[b].next;
	s->bucket[b] = (struct bucket){ count, FRAME_LIST_EMPTY };
	frame_list_insert(&s->order, &s->by_count, b, at);
	return b;
}

static void bucket_leave(struct lfu *s, uint32_t f)
{
	uint32_t b = s->in[f];

	frame_list_remove(&s->links, &s->bucket[b].pages, f);
	if (s->bucket[b].pages.count)
		return;
	frame_list_remove(&s->order, &s->by_count, b);
	s->order.at[b].next = s->free;
	s->free = b;
}

static void bucket_enter(struct lfu *s, uint32_t f, uint32_t b)
{
	frame_list_push_tail(&s->links, &s->bucket[b].pages, f);
	s->in[f] = b;
}

static uint32_t lfu_victim(void *state, uint32_t page)
{
	struct lfu *s = state;

	(void)page;
	for (uint32_t b = s->by_count.head; b != VMM_NONE; b = s->order.at[b].next)
		for (uint32_t f = s->bucket[b].pages.head; f != VMM_NONE; f = s->links.at[f].next)
			if (frame_evictable(s->frames, f))
				return f;
	return VMM_NONE;
}

static void lfu_touch(void *state, uint32_t f, bool write)
{
	struct lfu *s = state;
	uint32_t b = s->in[f], next = s->order.at[b].next;
	uint64_t count = s->bucket[b].count + 1;

	(void)write;
	if (next != VMM_NONE && s->bucket[next].count == count) {
		bucket_leave(s, f);
		bucket_enter(s, f, next);
	} else if (s->bucket[b].pages.count == 1) {
		s->bucket[b].count = count;
	} else {
		next = bucket_make(s, count, next);
		bucket_leave(s, f);
		bucket_enter(s, f, next);
	}
}

/* The last one of its count. */
static void lfu_reject(void *state, uint32_t f)
{
	struct lfu *s = state;
	struct frame_list *pages = &s->bucket[s->in[f]].pages;

	frame_list_remove(&s->links, pages, f);
	frame_list_push_tail(&s->links, pages, f);
}

static void lfu_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	(void)page;
	(void)why;
	if (f != VMM_NONE)
		bucket_leave(state, f);
}

static void lfu_insert(void *state, uint32_t f, uint32_t page)
{
	struct lfu *s = state;
	uint32_t first = s->by_count.head;

	(void)page;
	if (first == VMM_NONE || s->bucket[first].count != 1)
		first = bucket_make(s, 1, first);
	bucket_enter(s, f, first);
}

static int lfu_check(const void *state)
{
	const struct lfu *s = state;
	uint64_t last = 0, pages = 0;

	for (uint32_t b = s->by_count.head; b != VMM_NONE; b = s->order.at[b].next) {
		const struct frame_list *l = &s->bucket[b].pages;

		if (s->bucket[b].count <= last || !l->count ||
		    frame_list_check(s->frames, &s->links, l))
			return -EINVAL;
		for (uint32_t f = l->head; f != VMM_NONE; f = s->links.at[f].next)
			if (s->in[f] != b)
				return -EINVAL;
		last = s->bucket[b].count;
		pages += l->count;
	}
	return pages == (uint64_t)s->frames->used + s->frames->in_transit ? 0 : -EINVAL;
}

static const struct policy_ops lfu = {
	.abi = VMM_POLICY_ABI,
	.name = "lfu",
	.alias = "in-cache-lfu",
	.summary =
		"evicts the page with the fewest touches since it was loaded; tie: the longest at "
		"that count",
	.source = "J. T. Robinson, M. V. Devarakonda, Data cache management using frequency-based "
		  "replacement, SIGMETRICS 1990 (the LFU that it starts from)",
	.class = POLICY_T,
	.order = 170,
	.create = lfu_create,
	.destroy = lfu_destroy,
	.victim = lfu_victim,
	.reject = lfu_reject,
	.remove = lfu_remove,
	.insert = lfu_insert,
	.touch = lfu_touch,
	.check = lfu_check,
};
POLICY_REGISTER(lfu);
