/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random.c - evicts a frame drawn uniformly from the seeded generator.
 *
 * Draws frame numbers below the capacity until one is evictable. After DRAWS_MAX failures (nearly everything is pinned)
 * it takes the first evictable one from the last draw upwards. It has no state of its own.
 */
#include "core/policy.h"

#include <errno.h>

#define DRAWS_MAX 64

static int random_create(void **state, const struct policy_env *env)
{
	*state = env->frames;
	return 0;
}

static void random_destroy(void *state)
{
	(void)state;
}

static uint32_t random_victim(void *state, uint32_t page)
{
	struct frame_table *t = state;
	uint32_t f = 0;

	(void)page;
	for (int i = 0; i < DRAWS_MAX; i++) {
		f = (uint32_t)rng_below(&t->rng, t->capacity);
		if (f < t->fresh && frame_evictable(t, f))
			return f;
	}
	for (uint32_t i = 0; i < t->capacity; i++) {
		if (f < t->fresh && frame_evictable(t, f))
			return f;
		f = f + 1 == t->capacity ? 0 : f + 1;
	}
	return VMM_NONE;
}

static void random_reject(void *state, uint32_t f)
{
	(void)state;
	(void)f;
}

static void random_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	(void)state;
	(void)f;
	(void)page;
	(void)why;
}

static void random_insert(void *state, uint32_t f, uint32_t page)
{
	(void)state;
	(void)f;
	(void)page;
}

static int random_check(const void *state)
{
	return state ? 0 : -EINVAL;
}

static const struct policy_ops random_ops = {
	.abi = VMM_POLICY_ABI,
	.name = "random",
	.alias = "rand",
	.summary = "evicts a page at random (seeded)",
	.source = "no author; splitmix64 draws a frame number, see core/rng.h",
	.class = POLICY_F,
	.order = 20,
	.create = random_create,
	.destroy = random_destroy,
	.victim = random_victim,
	.reject = random_reject,
	.remove = random_remove,
	.insert = random_insert,
	.check = random_check,
};
POLICY_REGISTER(random_ops);
