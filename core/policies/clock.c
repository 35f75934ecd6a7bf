/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.c - second chance: a hand goes round the frames in the order of loading; a referenced page loses its bit and
 * stays, the first unreferenced one is evicted.
 *
 * The hand persists and stands behind the last victim, where the new page is placed.
 */
#include "core/frame_circle.h"
#include "core/policy.h"

struct clock {
	struct frame_table *frames;
	struct frame_circle circle;
};

static void clock_destroy(void *state)
{
	struct clock *s = state;

	frame_circle_destroy(&s->circle);
	free(s);
}

static int clock_create(void **state, const struct policy_env *env)
{
	struct clock *s = calloc(1, sizeof(*s));

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

#define STRIDE 4u /* frames that the hand looks at together */

/*
 * What the next STRIDE steps of the hand clear, without a branch for each that nobody could predict. How many frames it passes until
 * the victim, STRIDE when there is none; more when one of them may not be a victim, and nothing was done. Bits are read and
 * written byte by byte: a word of bytes that were just written would wait for them.
 */
static uint32_t clock_stride(const struct clock *s)
{
	volatile uint8_t *bits = s->frames->bits + s->circle.hand;
	uint32_t b[STRIDE], held = 0, unreferenced = 1u << STRIDE, passed;

#pragma GCC unroll 4
	for (uint32_t k = 0; k < STRIDE; k++) {
		b[k] = bits[k];
		held |= (b[k] ^ FRAME_USED) & (FRAME_USED | FRAME_REJECTED | FRAME_PINNED);
		unreferenced |= (uint32_t) !(b[k] & FRAME_REF) << k;
	}
	if (__builtin_expect(held, 0))
		return STRIDE + 1;
	passed = (unreferenced & -unreferenced) - 1;
#pragma GCC unroll 4
	for (uint32_t k = 0; k < STRIDE; k++)
		bits[k] = (uint8_t)(b[k] & ~((passed >> k & 1) * FRAME_REF));
	return (uint32_t)__builtin_ctz(unreferenced);
}

/* Frames lie in their order as far as the hand looks, and nobody asks which were cleared. */
static bool clock_strides(const struct frame_circle *c)
{
	return !FRAME_CLEARED_SEEN && c->ascending && c->hand + STRIDE < c->list.count;
}

/* The first turn clears what it passes, so a second one finds a victim if there is any. */
static uint32_t clock_victim(void *state, uint32_t page)
{
	struct clock *s = state;
	struct frame_circle *c = &s->circle;
	uint64_t steps = 2 * (uint64_t)c->list.count;

	(void)page;
	while (clock_strides(c) && steps > STRIDE) {
		uint32_t passed = clock_stride(s);

		if (passed > STRIDE)
			break;
		c->hand += passed;
		if (passed < STRIDE)
			return frame_circle_step(c);
		steps -= STRIDE;
	}
	while (steps--) {
		uint32_t f = frame_circle_step(c);

		if (!frame_evictable(s->frames, f))
			continue;
		if (!frame_referenced(s->frames, f))
			return f;
		frame_clear_referenced(s->frames, f);
	}
	return VMM_NONE;
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
	if (f != VMM_NONE)
		frame_circle_remove(&s->circle, f);
}

static void clock_insert(void *state, uint32_t f, uint32_t page)
{
	struct clock *s = state;

	(void)page;
	frame_circle_insert(&s->circle, f);
}

static void clock_replace(void *state, uint32_t f, uint32_t old, uint32_t page)
{
	struct clock *s = state;

	(void)old;
	(void)page;
	frame_circle_replace(&s->circle, f);
}

#define PEEK_STEPS 16

static uint32_t clock_peek(const void *state)
{
	const struct clock *s = state;
	uint32_t f = frame_circle_ahead(&s->circle);

	if (s->circle.ascending)
		return f;
	for (int n = 0; n < PEEK_STEPS; n++, f = frame_circle_after(&s->circle, f))
		if (frame_evictable(s->frames, f) && !frame_referenced(s->frames, f))
			return f;
	return VMM_NONE;
}

static int clock_check(const void *state)
{
	const struct clock *s = state;

	return frame_circle_check(s->frames, &s->circle);
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
	.replace = clock_replace,
	.peek = clock_peek,
};
POLICY_REGISTER(clock_ops);
