/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gclock.c - generalised clock: each page has a count; the hand takes 1 from a count that is not 0 and goes on, and evicts
 * the first page whose count is 0.
 *
 * The count is `init` when a page is loaded; each touch adds `add`, or sets it to `cap` with add=0; never above `cap`.
 * The source leaves all three open. With bit=1 touches are seen as the reference bit only: the hand, when it finds
 * the bit set, clears it, adds `add` and goes on without taking anything; loading sets the bit.
 */
#include "core/frame_circle.h"
#include "core/policy_common.h"

enum { INIT, ADD, CAP, BIT };

struct gclock {
	struct frame_table *frames;
	struct frame_circle circle;
	uint8_t *count; /* by frame */
	uint32_t init, add, cap;
	bool bit;
};

static void gclock_destroy(void *state)
{
	struct gclock *s = state;

	frame_circle_destroy(&s->circle);
	free(s->count);
	free(s);
}

static int gclock_create(void **state, const struct policy_env *env)
{
	struct gclock *s;

	if (env->values[INIT] > env->values[CAP])
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->cap = (uint32_t)env->values[CAP];
	s->init = (uint32_t)env->values[INIT];
	s->add = env->values[ADD] ? (uint32_t)env->values[ADD] : s->cap;
	s->bit = env->values[BIT];
	s->count = calloc(env->frames->capacity, sizeof(*s->count));
	if (!s->count || frame_circle_init(&s->circle, env->frames->capacity)) {
		gclock_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static void gclock_touch(void *state, uint32_t f, bool write)
{
	struct gclock *s = state;
	uint32_t count = s->count[f] + s->add;

	(void)write;
	s->count[f] = (uint8_t)(count < s->cap ? count : s->cap);
}

/* One turn clears bits, cap turns take counts to 0, so one more finds a victim if there is any. */
static uint32_t gclock_victim(void *state, uint32_t page)
{
	struct gclock *s = state;
	uint64_t steps = ((uint64_t)s->cap + 2) * s->circle.list.count;

	(void)page;
	while (steps--) {
		uint32_t f = frame_circle_step(&s->circle);

		if (!frame_evictable(s->frames, f))
			continue;
		if (s->bit && frame_referenced(s->frames, f)) {
			frame_clear_referenced(s->frames, f);
			gclock_touch(s, f, false);
			continue;
		}
		if (!s->count[f])
			return f;
		s->count[f]--;
	}
	return VMM_NONE;
}

static void gclock_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct gclock *s = state;

	(void)page;
	(void)why;
	if (f != VMM_NONE)
		frame_circle_remove(&s->circle, f);
}

static void gclock_insert(void *state, uint32_t f, uint32_t page)
{
	struct gclock *s = state;

	(void)page;
	s->count[f] = (uint8_t)s->init;
	frame_circle_insert(&s->circle, f);
}

static int gclock_check(const void *state)
{
	const struct gclock *s = state;

	for (uint32_t f = 0; f < s->frames->fresh; f++)
		if (s->count[f] > s->cap)
			return -EINVAL;
	return frame_circle_check(s->frames, &s->circle);
}

static const struct policy_param gclock_params[] = {
	[INIT] = { "init", 1, 0, 255, "count of a page when it is loaded, at most cap" },
	[ADD] = { "add", 1, 0, 255,
		  "what a reference adds to the count; 0: it sets the count to cap" },
	[CAP] = { "cap", 5, 0, 255, "the greatest count" },
	[BIT] = { "bit", 0, 0, 1,
		  "1: see references by the reference bit, once a turn of the hand (class R1)" },
	{ 0 },
};

static enum policy_class gclock_class(const uint64_t values[POLICY_PARAMS_MAX])
{
	return values[BIT] ? POLICY_R1 : POLICY_T;
}

static const struct policy_ops gclock = {
	.abi = VMM_POLICY_ABI,
	.name = "gclock",
	.alias = "generalized-clock",
	.summary = "a hand goes round and counts down; a page goes when its count is 0",
	.source =
		"A. J. Smith, Sequentiality and prefetching in database systems, ACM TODS 3(3), 1978",
	.class = POLICY_T,
	.class_of = gclock_class,
	.params = gclock_params,
	.order = 40,
	.create = gclock_create,
	.destroy = gclock_destroy,
	.victim = gclock_victim,
	.reject = policy_reject_none,
	.remove = gclock_remove,
	.insert = gclock_insert,
	.touch = gclock_touch,
	.check = gclock_check,
};
POLICY_REGISTER(gclock);
