/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lecar.c - two experts, LRU and LFU, with weights; each eviction follows one of them, drawn by weight, and a fault on a page
 * that an expert has evicted takes weight from that expert.
 *
 * w(LRU) + w(LFU) = 1, 1/2 each at first, and each stays within [0.01, 0.99]. A page that comes back t units of virtual
 * time after an expert evicted it multiplies the weight of the other by exp(rate * d^t), d = 0.005^(1/frames). Each expert's
 * history has `history` percent of frames pages, the oldest forgotten first. When both experts name the same page it is
 * remembered by neither. LFU counts touches since loading, and those before, when the page was remembered; tie: the
 * page touched longest ago. (The limits, both-name-one and the counts are as in the authors' program; the paper does not say.)
 *
 * The draw takes 53 bits of the seeded generator: LRU below w(LRU).
 */
#include "core/frame_heap.h"
#include "core/ghost.h"
#include "core/policy_common.h"

#include <math.h>

enum { RATE, HISTORY };

enum { LRU, LFU, EXPERTS };

#define WEIGHT_MAX 0.99

struct lecar {
	struct frame_table *frames;
	const uint64_t *now;
	struct frame_links links;
	struct frame_list stack; /* last touched at the head */
	struct frame_heap heap;  /* major: touches, minor: number of the last touch */
	uint64_t touches;
	double weight_lru, rate, log_d;
	uint32_t history_max; /* of each expert */
	struct ghost ghost;   /* a list an expert */
	uint64_t *ghost_touches, *ghost_time;
	uint8_t *by;    /* by frame: who has chosen the victim in it; EXPERTS: both */
	uint32_t known; /* the page faulted on, when it was remembered */
	uint64_t known_touches;
};

static void lecar_destroy(void *state)
{
	struct lecar *s = state;

	frame_links_destroy(&s->links);
	frame_heap_destroy(&s->heap);
	ghost_destroy(&s->ghost);
	free(s->ghost_touches);
	free(s->ghost_time);
	free(s->by);
	free(s);
}

static int lecar_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity;
	struct lecar *s = calloc(1, sizeof(*s));
	uint64_t history;

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->now = env->now;
	s->stack = FRAME_LIST_EMPTY;
	s->weight_lru = 0.5;
	s->rate = (double)env->values[RATE] / 100;
	s->log_d = log(0.005) / frames;
	s->history_max = policy_share(frames, env->values[HISTORY]);
	s->known = VMM_NONE;
	history = (uint64_t)s->history_max * EXPERTS + 1;
	s->by = calloc(frames, sizeof(*s->by));
	s->ghost_touches = calloc(history, sizeof(*s->ghost_touches));
	s->ghost_time = calloc(history, sizeof(*s->ghost_time));
	if (!s->by || !s->ghost_touches || !s->ghost_time || frame_links_init(&s->links, frames) ||
	    frame_heap_init(&s->heap, frames) || ghost_init(&s->ghost, history, env)) {
		lecar_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

/* The expert was wrong t ago. */
static void regret(struct lecar *s, int expert, uint64_t t)
{
	double gain = exp(s->rate * exp(s->log_d * (double)t));
	double lru = s->weight_lru, lfu = 1 - s->weight_lru;

	if (expert == LRU)
		lfu *= gain;
	else
		lru *= gain;
	lru /= lru + lfu;
	s->weight_lru = lru > WEIGHT_MAX ? WEIGHT_MAX : lru < 1 - WEIGHT_MAX ? 1 - WEIGHT_MAX : lru;
}

static void lecar_fault(void *state, uint32_t page)
{
	struct lecar *s = state;
	uint32_t e = ghost_find(&s->ghost, page);

	s->known = VMM_NONE;
	if (e == VMM_NONE)
		return;
	s->known = page;
	s->known_touches = s->ghost_touches[e];
	regret(s, ghost_list(&s->ghost, e), *s->now - s->ghost_time[e]);
	ghost_remove(&s->ghost, e);
}

static uint32_t lecar_victim(void *state, uint32_t page)
{
	struct lecar *s = state;
	uint32_t lru = frame_list_victim(s->frames, &s->links, &s->stack);
	uint32_t lfu = frame_heap_least(&s->heap, s->frames, NULL, NULL);
	double draw = (double)(rng_next(&s->frames->rng) >> 11) * 0x1p-53;
	int expert = draw < s->weight_lru ? LRU : LFU;
	uint32_t f = expert == LRU ? lru : lfu;

	(void)page;
	if (f != VMM_NONE)
		s->by[f] = (uint8_t)(lru == lfu ? EXPERTS : expert);
	return f;
}

static void lecar_touch(void *state, uint32_t f, bool write)
{
	struct lecar *s = state;

	(void)write;
	frame_list_move_head(&s->links, &s->stack, f);
	frame_heap_change(&s->heap, f, frame_heap_item(&s->heap, f)->major + 1, ++s->touches);
}

/* As if it had been touched last, but not more often. */
static void lecar_reject(void *state, uint32_t f)
{
	struct lecar *s = state;

	frame_list_move_head(&s->links, &s->stack, f);
	frame_heap_change(&s->heap, f, frame_heap_item(&s->heap, f)->major, ++s->touches);
}

static void remember(struct lecar *s, uint32_t f, uint32_t page)
{
	int expert = s->by[f];
	uint32_t e;

	if (expert == EXPERTS)
		return;
	if (s->ghost.lists[expert].count == s->history_max)
		ghost_drop_oldest(&s->ghost, expert);
	e = ghost_add(&s->ghost, expert, page);
	s->ghost_touches[e] = frame_heap_item(&s->heap, f)->major;
	s->ghost_time[e] = *s->now;
}

static void lecar_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct lecar *s = state;

	if (f == VMM_NONE) {
		ghost_forget(&s->ghost, page);
		if (s->known == page)
			s->known = VMM_NONE;
		return;
	}
	if (why == REMOVE_EVICT)
		remember(s, f, page);
	frame_list_remove(&s->links, &s->stack, f);
	frame_heap_remove(&s->heap, f);
}

static void lecar_insert(void *state, uint32_t f, uint32_t page)
{
	struct lecar *s = state;
	uint64_t before = s->known == page ? s->known_touches : 0;

	s->known = VMM_NONE;
	s->by[f] = EXPERTS;
	frame_list_push_head(&s->links, &s->stack, f);
	frame_heap_insert(&s->heap, f, before + 1, ++s->touches);
}

static int lecar_check(const void *state)
{
	const struct lecar *s = state;
	const struct frame_table *t = s->frames;

	for (uint32_t f = s->stack.head; f != VMM_NONE; f = s->links.at[f].next)
		if (!frame_heap_has(&s->heap, f) || ghost_find(&s->ghost, t->page[f]) != VMM_NONE)
			return -EINVAL;
	if (s->heap.count != s->stack.count || frame_heap_check(t, &s->heap) ||
	    s->ghost.lists[LRU].count > s->history_max ||
	    s->ghost.lists[LFU].count > s->history_max)
		return -EINVAL;
	if (!(s->weight_lru >= 0 && s->weight_lru <= 1) || ghost_check(&s->ghost))
		return -EINVAL;
	return frame_list_check_all(t, &s->links, &s->stack);
}

static const struct policy_param lecar_params[] = {
	[RATE] = { "rate", 45, 0, 1000, "learning rate, percent (paper: 0.45)" },
	[HISTORY] = { "history", 100, 1, 1000,
		      "pages in each expert's history, percent of frames (paper: 100)" },
	{ 0 },
};

static const struct policy_ops lecar = {
	.abi = VMM_POLICY_ABI,
	.name = "lecar",
	.summary = "LRU or LFU, drawn by weights that learn from what was evicted wrongly (seeded)",
	.source =
		"G. Vietri et al., Driving cache replacement with ML-based LeCaR, HotStorage 2018",
	.class = POLICY_T,
	.params = lecar_params,
	.order = 260,
	.create = lecar_create,
	.destroy = lecar_destroy,
	.fault = lecar_fault,
	.victim = lecar_victim,
	.reject = lecar_reject,
	.remove = lecar_remove,
	.insert = lecar_insert,
	.touch = lecar_touch,
	.check = lecar_check,
};
POLICY_REGISTER(lecar);
