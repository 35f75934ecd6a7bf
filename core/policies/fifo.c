/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fifo.c - first in, first out: evicts the page that was loaded longest ago.
 *
 * A circle with the hand at the page that is next. A victim that could not be taken is last in turn, as if loaded now.
 */
#include "core/frame_circle.h"
#include "core/policy.h"

struct fifo {
	const struct frame_table *frames;
	struct frame_circle circle;
};

static void fifo_destroy(void *state)
{
	struct fifo *s = state;

	frame_circle_destroy(&s->circle);
	free(s);
}

static int fifo_create(void **state, const struct policy_env *env)
{
	struct fifo *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	if (frame_circle_init(&s->circle, env->frames->capacity)) {
		free(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static uint32_t fifo_victim(void *state, uint32_t page)
{
	struct fifo *s = state;
	uint32_t f = s->circle.hand;

	(void)page;
	for (uint32_t n = s->circle.list.count; n; n--, f = frame_circle_after(&s->circle, f))
		if (frame_evictable(s->frames, f))
			return f;
	return VMM_NONE;
}

static void fifo_reject(void *state, uint32_t f)
{
	struct fifo *s = state;

	frame_circle_replace(&s->circle, f);
}

static void fifo_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct fifo *s = state;

	(void)page;
	(void)why;
	if (f != VMM_NONE)
		frame_circle_remove(&s->circle, f);
}

static void fifo_insert(void *state, uint32_t f, uint32_t page)
{
	struct fifo *s = state;

	(void)page;
	frame_circle_insert(&s->circle, f);
}

static void fifo_replace(void *state, uint32_t f, uint32_t old, uint32_t page)
{
	(void)old;
	(void)page;
	fifo_reject(state, f);
}

static uint32_t fifo_peek(const void *state)
{
	const struct fifo *s = state;

	return frame_circle_ahead(&s->circle);
}

static int fifo_check(const void *state)
{
	const struct fifo *s = state;

	return frame_circle_check(s->frames, &s->circle);
}

static const struct policy_ops fifo = {
	.abi = VMM_POLICY_ABI,
	.name = "fifo",
	.summary = "evicts the page that was loaded longest ago",
	.source = "L. A. Belady, A study of replacement algorithms for a virtual-storage computer, "
		  "IBM Systems Journal 5(2), 1966",
	.class = POLICY_F,
	.order = 10,
	.create = fifo_create,
	.destroy = fifo_destroy,
	.victim = fifo_victim,
	.reject = fifo_reject,
	.remove = fifo_remove,
	.insert = fifo_insert,
	.check = fifo_check,
	.replace = fifo_replace,
	.peek = fifo_peek,
};
POLICY_REGISTER(fifo);
