/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lru-k.c - evicts the page whose k-th last reference is longest ago; pages with fewer than k references go first, and
 * among them, and at equal times, the one whose last uncorrelated reference is longest ago.
 *
 * hist[0..k) are the times of the last k uncorrelated references, the newest first, in virtual time + 1; 0: there was
 * none. A touch within `correlated` of the last touch belongs to the same reference. Otherwise it begins a new one, and
 * the older times are moved forward by how long the last one lasted. A page is no victim within `correlated` of its last
 * touch, unless all are. History of evicted pages is kept for `history` percent of frames, the oldest eviction forgotten
 * first (the paper bounds it by time). A fault always begins a new reference.
 */
#include "core/frame_heap.h"
#include "core/ghost.h"
#include "core/policy_common.h"

#include <string.h>

enum { K, CORRELATED, HISTORY };

#define K_MAX 8

struct lruk {
	const struct frame_table *frames;
	const uint64_t *now;
	uint32_t k;
	uint64_t correlated;
	struct frame_heap heap; /* major: hist[k - 1], minor: hist[0] */
	uint64_t *hist;         /* by frame, k each */
	uint64_t *last;         /* by frame: the last touch */
	struct ghost ghost;
	uint64_t *ghost_hist; /* by entry, k each */
	uint32_t known;       /* the page faulted on, when there was history of it */
	uint64_t known_hist[K_MAX];
};

static void lruk_destroy(void *state)
{
	struct lruk *s = state;

	frame_heap_destroy(&s->heap);
	ghost_destroy(&s->ghost);
	free(s->hist);
	free(s->last);
	free(s->ghost_hist);
	free(s);
}

static int lruk_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity;
	uint64_t history = (uint64_t)frames * env->values[HISTORY] / 100;
	struct lruk *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->now = env->now;
	s->k = (uint32_t)env->values[K];
	s->correlated = env->values[CORRELATED];
	s->known = VMM_NONE;
	s->hist = calloc((size_t)frames * s->k, sizeof(*s->hist));
	s->last = calloc(frames, sizeof(*s->last));
	s->ghost_hist = calloc((history + 1) * s->k, sizeof(*s->ghost_hist));
	if (!s->hist || !s->last || !s->ghost_hist || frame_heap_init(&s->heap, frames) ||
	    ghost_init(&s->ghost, history, env)) {
		lruk_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static void lruk_fault(void *state, uint32_t page)
{
	struct lruk *s = state;
	uint32_t e = ghost_find(&s->ghost, page);

	s->known = VMM_NONE;
	if (e == VMM_NONE)
		return;
	s->known = page;
	memcpy(s->known_hist, &s->ghost_hist[(size_t)e * s->k], s->k * sizeof(*s->known_hist));
	ghost_remove(&s->ghost, e);
}

static bool not_correlated(const void *state, uint32_t f)
{
	const struct lruk *s = state;

	return *s->now + 1 - s->last[f] > s->correlated;
}

static uint32_t lruk_victim(void *state, uint32_t page)
{
	struct lruk *s = state;
	uint32_t f;

	(void)page;
	f = frame_heap_least(&s->heap, s->frames, s->correlated ? not_correlated : NULL, s);
	if (f == VMM_NONE && s->correlated)
		f = frame_heap_least(&s->heap, s->frames, NULL, NULL);
	return f;
}

static void lruk_touch(void *state, uint32_t f, bool write)
{
	struct lruk *s = state;
	uint64_t *hist = &s->hist[(size_t)f * s->k], time = *s->now + 1;
	uint64_t lasted = s->last[f] - hist[0];

	(void)write;
	if (time - s->last[f] > s->correlated) {
		for (uint32_t i = s->k - 1; i; i--)
			hist[i] = hist[i - 1] ? hist[i - 1] + lasted : 0;
		hist[0] = time;
		frame_heap_change(&s->heap, f, hist[s->k - 1], hist[0]);
	}
	s->last[f] = time;
}

static void lruk_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct lruk *s = state;
	uint32_t e;

	if (f == VMM_NONE) {
		ghost_forget(&s->ghost, page);
		if (s->known == page)
			s->known = VMM_NONE;
		return;
	}
	frame_heap_remove(&s->heap, f);
	if (why != REMOVE_EVICT)
		return;
	e = ghost_add(&s->ghost, 0, page);
	if (e != VMM_NONE)
		memcpy(&s->ghost_hist[(size_t)e * s->k], &s->hist[(size_t)f * s->k],
		       s->k * sizeof(*s->hist));
}

static void lruk_insert(void *state, uint32_t f, uint32_t page)
{
	struct lruk *s = state;
	uint64_t *hist = &s->hist[(size_t)f * s->k];

	memset(hist, 0, s->k * sizeof(*hist));
	if (s->known == page)
		memcpy(hist + 1, s->known_hist, (s->k - 1) * sizeof(*hist));
	s->known = VMM_NONE;
	hist[0] = s->last[f] = *s->now + 1;
	frame_heap_insert(&s->heap, f, hist[s->k - 1], hist[0]);
}

static int lruk_check(const void *state)
{
	const struct lruk *s = state;

	if (s->heap.count != s->frames->used + s->frames->in_transit)
		return -EINVAL;
	for (uint32_t i = 0; i < s->heap.count; i++) {
		const struct frame_heap_item *x = &s->heap.item[i];
		const uint64_t *hist = &s->hist[(size_t)x->frame * s->k];

		if (x->major != hist[s->k - 1] || x->minor != hist[0] ||
		    ghost_find(&s->ghost, s->frames->page[x->frame]) != VMM_NONE)
			return -EINVAL;
	}
	return frame_heap_check(s->frames, &s->heap) || ghost_check(&s->ghost) ? -EINVAL : 0;
}

static const struct policy_param lruk_params[] = {
	[K] = { "k", 2, 1, K_MAX, "which of the last references counts (paper: 2)" },
	[CORRELATED] = { "correlated", 0, 0, UINT64_MAX,
			 "correlated reference period, references (sim) or faults (run); touches within it "
			 "are one reference (the paper tunes it)" },
	[HISTORY] = { "history", 100, 0, 1000,
		      "evicted pages whose history is kept, percent of frames (the paper keeps it for a "
		      "time)" },
	{ 0 },
};

static const struct policy_ops lruk = {
	.abi = VMM_POLICY_ABI,
	.name = "lru-k",
	.alias = "lru2,lru-2,lruk",
	.summary = "evicts the page whose k-th last reference is longest ago",
	.source = "E. J. O'Neil, P. E. O'Neil, G. Weikum, The LRU-K page replacement algorithm for "
		  "database disk buffering, SIGMOD 1993",
	.class = POLICY_T,
	.params = lruk_params,
	.order = 160,
	.create = lruk_create,
	.destroy = lruk_destroy,
	.fault = lruk_fault,
	.victim = lruk_victim,
	.reject = policy_reject_none,
	.remove = lruk_remove,
	.insert = lruk_insert,
	.touch = lruk_touch,
	.check = lruk_check,
};
POLICY_REGISTER(lruk);
