/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enhanced-clock.c - second chance with the dirty bit: the hand looks for a page that is neither referenced nor dirty, and
 * prefers to evict what need not be written.
 *
 * Turns, each from where the one before ended:
 *   1  the first (0,0), of (referenced, dirty), goes; no bit is changed
 *   2  the first (0,1) goes; bits of pages passed are cleared (clear-turn=1: in the first turn already)
 *   3  as 1    4  as 2
 * After turn 2 no evictable page is referenced, so turn 4 ends the search. The hand stands behind the last victim.
 */
#include "core/frame_circle.h"
#include "core/policy_common.h"

enum { CLEAR_TURN };

struct enhanced {
	struct frame_table *frames;
	struct frame_circle circle;
	bool clear_first;
};

static void enhanced_destroy(void *state)
{
	struct enhanced *s = state;

	frame_circle_destroy(&s->circle);
	free(s);
}

static int enhanced_create(void **state, const struct policy_env *env)
{
	struct enhanced *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->clear_first = env->values[CLEAR_TURN] == 1;
	if (frame_circle_init(&s->circle, env->frames->capacity)) {
		free(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static uint32_t turn(struct enhanced *s, bool dirty, bool clear)
{
	for (uint32_t n = s->circle.list.count; n; n--) {
		uint32_t f = frame_circle_step(&s->circle);

		if (!frame_evictable(s->frames, f))
			continue;
		if (!frame_referenced(s->frames, f) && frame_dirty(s->frames, f) == dirty)
			return f;
		if (clear)
			frame_clear_referenced(s->frames, f);
	}
	return VMM_NONE;
}

static uint32_t enhanced_victim(void *state, uint32_t page)
{
	struct enhanced *s = state;
	uint32_t f = VMM_NONE;

	(void)page;
	for (int i = 0; i < 4 && f == VMM_NONE; i++)
		f = turn(s, i % 2, i % 2 || s->clear_first);
	return f;
}

static void enhanced_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct enhanced *s = state;

	(void)page;
	(void)why;
	if (f != VMM_NONE)
		frame_circle_remove(&s->circle, f);
}

static void enhanced_insert(void *state, uint32_t f, uint32_t page)
{
	struct enhanced *s = state;

	(void)page;
	frame_circle_insert(&s->circle, f);
}

static int enhanced_check(const void *state)
{
	const struct enhanced *s = state;

	return frame_circle_check(s->frames, &s->circle);
}

static const struct policy_param enhanced_params[] = {
	[CLEAR_TURN] = { "clear-turn", 2, 1, 2,
			 "the first turn that clears the reference bits of pages that it passes" },
	{ 0 },
};

static const struct policy_ops enhanced = {
	.abi = VMM_POLICY_ABI,
	.name = "enhanced-clock",
	.alias = "enhanced-second-chance",
	.summary = "a hand looks for pages neither referenced nor dirty, then for dirty ones",
	.source = "A. Silberschatz, P. Galvin, G. Gagne, Operating System Concepts, enhanced "
		  "second-chance algorithm",
	.class = POLICY_R1,
	.flags = POLICY_NEEDS_DIRTY,
	.params = enhanced_params,
	.order = 55,
	.create = enhanced_create,
	.destroy = enhanced_destroy,
	.victim = enhanced_victim,
	.reject = policy_reject_none,
	.remove = enhanced_remove,
	.insert = enhanced_insert,
	.check = enhanced_check,
};
POLICY_REGISTER(enhanced);
