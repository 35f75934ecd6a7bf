/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lru.c - least recently used: evicts the page whose last touch is longest ago.
 *
 * One stack, most recent at the head; loading is a touch. A victim that could not be taken counts as touched.
 */
#include "core/frame_list.h"
#include "core/policy.h"

struct lru {
	const struct frame_table *frames;
	struct frame_links links;
	struct frame_list stack;
};

static void lru_destroy(void *state)
{
	struct lru *s = state;

	frame_links_destroy(&s->links);
	free(s);
}

static int lru_create(void **state, const struct policy_env *env)
{
	struct lru *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->stack = FRAME_LIST_EMPTY;
	if (frame_links_init(&s->links, env->frames->capacity)) {
		free(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static uint32_t lru_victim(void *state, uint32_t page)
{
	struct lru *s = state;
	uint32_t f = s->stack.tail;

	(void)page;
	while (f != VMM_NONE && !frame_evictable(s->frames, f))
		f = s->links.at[f].prev;
	return f;
}

static void lru_touch(void *state, uint32_t f, bool write)
{
	struct lru *s = state;

	(void)write;
	if (s->stack.head == f)
		return;
	frame_list_remove(&s->links, &s->stack, f);
	frame_list_push_head(&s->links, &s->stack, f);
}

static void lru_reject(void *state, uint32_t f)
{
	lru_touch(state, f, false);
}

static void lru_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct lru *s = state;

	(void)page;
	(void)why;
	if (f != VMM_NONE)
		frame_list_remove(&s->links, &s->stack, f);
}

static void lru_insert(void *state, uint32_t f, uint32_t page)
{
	struct lru *s = state;

	(void)page;
	frame_list_push_head(&s->links, &s->stack, f);
}

static void lru_replace(void *state, uint32_t f, uint32_t old, uint32_t page)
{
	(void)old;
	(void)page;
	lru_touch(state, f, false);
}

static uint32_t lru_peek(const void *state)
{
	return ((const struct lru *)state)->stack.tail;
}

static int lru_check(const void *state)
{
	const struct lru *s = state;

	return frame_list_check_all(s->frames, &s->links, &s->stack);
}

static const struct policy_ops lru = {
	.abi = VMM_POLICY_ABI,
	.name = "lru",
	.summary = "evicts the page whose last touch is longest ago",
	.source =
		"R. L. Mattson et al., Evaluation techniques for storage hierarchies, IBM Systems "
		"Journal 9(2), 1970",
	.class = POLICY_T,
	.order = 140,
	.create = lru_create,
	.destroy = lru_destroy,
	.victim = lru_victim,
	.reject = lru_reject,
	.remove = lru_remove,
	.insert = lru_insert,
	.touch = lru_touch,
	.check = lru_check,
	.replace = lru_replace,
	.peek = lru_peek,
};
POLICY_REGISTER(lru);
