/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.c - second chance: a hand goes round the frames in the order of loading; a referenced page loses its bit and
 * stays, the first unreferenced one is evicted.
 *
 * The circle is a list whose tail is followed by its head. A new page is placed just behind the hand, so that the hand
 * comes to it last. The hand persists, is VMM_NONE only when the list is empty, and stands behind the last victim.
 */
#include "core/frame_list.h"
#include "core/policy.h"

struct clock {
	struct frame_table *frames;
	struct frame_links links;
	struct frame_list circle;
	uint32_t hand;
};

static void clock_destroy(void *state)
{
	struct clock *s = state;

	frame_links_destroy(&s->links);
	free(s);
}

static int clock_create(void **state, const struct policy_env *env)
{
	struct clock *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->circle = FRAME_LIST_EMPTY;
	s->hand = VMM_NONE;
	if (frame_links_init(&s->links, env->frames->capacity)) {
		free(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static uint32_t after(const struct clock *s, uint32_t f)
{
	uint32_t next = s->links.at[f].next;

	return next == VMM_NONE ? s->circle.head : next;
}

/* The first turn clears what it passes, so a second one finds a victim if there is any. */
static uint32_t clock_victim(void *state, uint32_t page)
{
	struct clock *s = state;
	uint64_t steps = 2 * (uint64_t)s->circle.count;
	uint32_t hand = s->hand, victim = VMM_NONE;

	(void)page;
	while (steps--) {
		uint32_t f = hand;

		hand = after(s, f);
		if (!frame_evictable(s->frames, f))
			continue;
		if (!frame_referenced(s->frames, f)) {
			victim = f;
			break;
		}
		frame_clear_referenced(s->frames, f);
	}
	s->hand = hand;
	return victim;
}

/* The hand has passed it already. */
static void clock_reject(void *state, uint32_t f)
{
	(void)state;
	(void)f;
}

static void clock_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct clock *s = state;

	(void)page;
	(void)why;
	if (f == VMM_NONE)
		return;
	if (s->hand == f)
		s->hand = after(s, f);
	if (s->hand == f)
		s->hand = VMM_NONE;
	frame_list_remove(&s->links, &s->circle, f);
}

static void clock_insert(void *state, uint32_t f, uint32_t page)
{
	struct clock *s = state;

	(void)page;
	frame_list_insert(&s->links, &s->circle, f, s->hand);
	if (s->hand == VMM_NONE)
		s->hand = f;
}

static int clock_check(const void *state)
{
	const struct clock *s = state;

	if ((s->hand == VMM_NONE) != (s->circle.count == 0))
		return -EINVAL;
	if (s->hand != VMM_NONE && s->frames->page[s->hand] == VMM_NONE)
		return -EINVAL;
	return frame_list_check_all(s->frames, &s->links, &s->circle);
}

enum { REF_AT_LOAD };

static const struct policy_param clock_params[] = {
	[REF_AT_LOAD] = { "ref-at-load", 1, 0, 1,
			  "reference bit of a page when it is loaded; 1: the faulting access counts "
			  "(Corbato's hardware), 0: as FIFO-reinsertion in recent papers" },
	{ 0 },
};

static enum policy_class clock_class(const uint64_t values[POLICY_PARAMS_MAX])
{
	return values[REF_AT_LOAD] ? POLICY_R1 : POLICY_R0;
}

static const struct policy_ops clock_ops = {
	.abi = VMM_POLICY_ABI,
	.name = "clock",
	.alias = "second-chance",
	.summary = "a hand goes round; a referenced page gets a second chance",
	.source = "F. J. Corbato, A paging experiment with the Multics system, MIT, 1968",
	.class = POLICY_R1,
	.class_of = clock_class,
	.params = clock_params,
	.order = 30,
	.create = clock_create,
	.destroy = clock_destroy,
	.victim = clock_victim,
	.reject = clock_reject,
	.remove = clock_remove,
	.insert = clock_insert,
	.check = clock_check,
};
POLICY_REGISTER(clock_ops);
