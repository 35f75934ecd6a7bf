/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nfu.c - not frequently used: at every tick each page's reference bit is added to its counter and cleared. The page with
 * the lowest counter goes; tie: the lowest frame number.
 *
 * Counters never shrink (that is what aging mends) and stop at 2^32 - 1. A counter belongs to a resident page and is
 * forgotten at eviction. Ticks and frames that may not be victims are as in aging.c.
 */
#include "core/policy_common.h"

#include <errno.h>
#include <stdlib.h>

enum { TICK, LOAD };

struct nfu {
	struct frame_table *frames;
	const uint64_t *now;
	uint64_t tick, last_tick; /* virtual time */
	uint32_t *counter;        /* by frame */
	uint32_t load;            /* counter of a new page */
};

static void nfu_destroy(void *state)
{
	struct nfu *s = state;

	free(s->counter);
	free(s);
}

static int nfu_create(void **state, const struct policy_env *env)
{
	struct nfu *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->now = env->now;
	s->tick = env->values[TICK] ? env->values[TICK] : env->frames->capacity;
	s->load = (uint32_t)env->values[LOAD];
	s->counter = calloc(env->frames->capacity, sizeof(*s->counter));
	if (!s->counter) {
		free(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static void count(struct nfu *s)
{
	struct frame_table *t = s->frames;

	if (*s->now - s->last_tick < s->tick)
		return;
	s->last_tick = *s->now;
	for (uint32_t f = 0; f < t->fresh; f++) {
		s->counter[f] += frame_referenced(t, f) && s->counter[f] < UINT32_MAX;
		if (frame_evictable(t, f))
			frame_clear_referenced(t, f);
	}
}

static uint32_t nfu_victim(void *state, uint32_t page)
{
	struct nfu *s = state;
	uint32_t best = VMM_NONE;

	(void)page;
	count(s);
	for (uint32_t f = 0; f < s->frames->fresh; f++)
		if (frame_evictable(s->frames, f) &&
		    (best == VMM_NONE || s->counter[f] < s->counter[best]))
			best = f;
	return best;
}

static void nfu_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	(void)state;
	(void)f;
	(void)page;
	(void)why;
}

static void nfu_insert(void *state, uint32_t f, uint32_t page)
{
	struct nfu *s = state;

	(void)page;
	s->counter[f] = s->load;
}

static int nfu_check(const void *state)
{
	const struct nfu *s = state;

	return s->last_tick <= *s->now ? 0 : -EINVAL;
}

static const struct policy_param nfu_params[] = {
	[TICK] = { "tick", 0, 0, UINT64_MAX,
		   "references (sim) or faults (run) between ticks; 0: as many as there are frames (the "
		   "book says: a clock interrupt)" },
	[LOAD] = { "load", 0, 0, UINT32_MAX,
		   "counter of a page when it is loaded (book: 0, so a new page goes first until a tick has "
		   "seen it used)" },
	{ 0 },
};

static const struct policy_ops nfu = {
	.abi = VMM_POLICY_ABI,
	.name = "nfu",
	.alias = "not-frequently-used",
	.summary = "adds reference bits to counters at ticks; the lowest counter goes",
	.source =
		"A. S. Tanenbaum, Modern Operating Systems, section on simulating LRU in software",
	.class = POLICY_R1,
	.params = nfu_params,
	.order = 190,
	.create = nfu_create,
	.destroy = nfu_destroy,
	.victim = nfu_victim,
	.reject = policy_reject_none,
	.remove = nfu_remove,
	.insert = nfu_insert,
	.check = nfu_check,
};
POLICY_REGISTER(nfu);
