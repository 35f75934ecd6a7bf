/* SPDX-License-Identifier: Apache-2.0 */
/* null.c - no policy: the lowest evictable frame goes. Tests the harness and measures its cost; hidden. */
#include "core/policy.h"

#include <errno.h>

static int null_create(void **state, const struct policy_env *env)
{
	*state = env->frames;
	return 0;
}

static void null_destroy(void *state)
{
	(void)state;
}

static uint32_t null_victim(void *state, uint32_t page)
{
	const struct frame_table *t = state;

	(void)page;
	for (uint32_t f = 0; f < t->fresh; f++)
		if (frame_evictable(t, f))
			return f;
	return VMM_NONE;
}

static void null_reject(void *state, uint32_t f)
{
	(void)state;
	(void)f;
}

static void null_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	(void)state;
	(void)f;
	(void)page;
	(void)why;
}

static void null_insert(void *state, uint32_t f, uint32_t page)
{
	(void)state;
	(void)f;
	(void)page;
}

static int null_check(const void *state)
{
	return state ? 0 : -EINVAL;
}

static const struct policy_ops null = {
	.abi = VMM_POLICY_ABI,
	.name = "null",
	.summary = "evicts the lowest frame: to test the harness",
	.source = "none",
	.class = POLICY_F,
	.flags = POLICY_HIDDEN,
	.order = 1000,
	.create = null_create,
	.destroy = null_destroy,
	.victim = null_victim,
	.reject = null_reject,
	.remove = null_remove,
	.insert = null_insert,
	.check = null_check,
};
POLICY_REGISTER(null);
