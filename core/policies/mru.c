/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mru.c - most recently used: evicts the page that was touched last. Good for loops that are larger than memory, bad for
 * everything else. Loading is a touch, so the page of the last fault goes unless another was used since.
 */
#include "core/frame_list.h"
#include "core/policy_common.h"

struct mru {
	const struct frame_table *frames;
	struct frame_links links;
	struct frame_list stack; /* the last touched at the tail */
};

static void mru_destroy(void *state)
{
	struct mru *s = state;

	frame_links_destroy(&s->links);
	free(s);
}

static int mru_create(void **state, const struct policy_env *env)
{
	struct mru *s = calloc(1, sizeof(*s));

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

static uint32_t mru_victim(void *state, uint32_t page)
{
	struct mru *s = state;

	(void)page;
	return frame_list_victim(s->frames, &s->links, &s->stack);
}

static void mru_touch(void *state, uint32_t f, bool write)
{
	struct mru *s = state;

	(void)write;
	if (s->stack.tail == f)
		return;
	frame_list_remove(&s->links, &s->stack, f);
	frame_list_push_tail(&s->links, &s->stack, f);
}

/* As if it had been touched longest ago. */
static void mru_reject(void *state, uint32_t f)
{
	struct mru *s = state;

	frame_list_move_head(&s->links, &s->stack, f);
}

static void mru_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct mru *s = state;

	(void)page;
	(void)why;
	if (f != VMM_NONE)
		frame_list_remove(&s->links, &s->stack, f);
}

static void mru_insert(void *state, uint32_t f, uint32_t page)
{
	struct mru *s = state;

	(void)page;
	frame_list_push_tail(&s->links, &s->stack, f);
}

static int mru_check(const void *state)
{
	const struct mru *s = state;

	return frame_list_check_all(s->frames, &s->links, &s->stack);
}

static const struct policy_ops mru = {
	.abi = VMM_POLICY_ABI,
	.name = "mru",
	.summary = "evicts the page that was touched last",
	.source =
		"R. L. Mattson et al., Evaluation techniques for storage hierarchies, IBM Systems "
		"Journal 9(2), 1970 (LRU's order, from the other end)",
	.class = POLICY_T,
	.order = 150,
	.create = mru_create,
	.destroy = mru_destroy,
	.victim = mru_victim,
	.reject = mru_reject,
	.remove = mru_remove,
	.insert = mru_insert,
	.touch = mru_touch,
	.check = mru_check,
};
POLICY_REGISTER(mru);
