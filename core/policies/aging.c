/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aging.c - approximates LRU: at every tick each page's counter is shifted right and its reference bit becomes the counter's
 * top bit, then the bit is cleared. The page with the lowest counter goes; tie: the lowest frame number.
 *
 * Shift first, then OR. A tick that is due is made when a victim is chosen, once however many are due: bits are
 * what they are then. Frames that may not be victims age too, but keep their bit. Only counters are compared; the bit that
 * was set since the last tick does not count (as in the book).
 */
#include "core/frame_age.h"
#include "core/policy_common.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TICK, BITS, LOAD };

#define BLOCK 64u /* frames */

struct aging {
	struct frame_table *frames;
	const uint64_t *now;
	uint64_t tick, last_tick; /* virtual time */
	uint8_t *counter;         /* by frame */
	uint8_t top, load;        /* the counter's top bit; counter of a new page */
};

static void aging_destroy(void *state)
{
	struct aging *s = state;

	free(s->counter);
	free(s);
}

static int aging_create(void **state, const struct policy_env *env)
{
	struct aging *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->now = env->now;
	s->tick = env->values[TICK] ? env->values[TICK] : env->frames->capacity;
	s->top = (uint8_t)(1u << (env->values[BITS] - 1));
	s->load = env->values[LOAD] ? s->top : 0;
	s->counter = calloc(env->frames->capacity, sizeof(*s->counter));
	if (!s->counter) {
		free(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static void age(struct aging *s)
{
	if (*s->now - s->last_tick < s->tick)
		return;
	s->last_tick = *s->now;
	frame_age_all(s->frames, s->counter, s->top);
}

/* A counter, or more than any counter for a frame that may not be a victim. */
static uint32_t rank(const struct aging *s, uint32_t f)
{
	return frame_evictable(s->frames, f) ? s->counter[f] : UINT8_MAX + 1u;
}

typedef uint8_t bytes __attribute__((vector_size(16)));

/* The least counter of a block's evictable frames, UINT8_MAX when there is none. */
static inline uint8_t block_least(const uint8_t *bits, const uint8_t *counter)
{
	bytes least = (bytes){ 0 } + UINT8_MAX, b, c, less;
	uint8_t lanes[sizeof(bytes)], x = UINT8_MAX;

	for (uint32_t i = 0; i < BLOCK; i += sizeof(bytes)) {
		memcpy(&b, bits + i, sizeof(b));
		memcpy(&c, counter + i, sizeof(c));
		b &= FRAME_USED | FRAME_REJECTED | FRAME_PINNED;
		c |= (bytes)(b != FRAME_USED); /* true is all ones */
		less = (bytes)(c < least);
		least = (c & less) | (least & ~less);
	}
	memcpy(lanes, &least, sizeof(lanes));
	for (uint32_t i = 0; i < sizeof(lanes); i++)
		x = lanes[i] < x ? lanes[i] : x;
	return x;
}

static uint32_t aging_victim(void *state, uint32_t page)
{
	struct aging *s = state;
	uint32_t least = UINT8_MAX, at = VMM_NONE, fresh = s->frames->fresh, f = 0;

	(void)page;
	age(s);
	for (; fresh - f >= BLOCK; f += BLOCK) {
		uint8_t x = block_least(s->frames->bits + f, s->counter + f);

		if (x < least) {
			least = x;
			at = f;
		}
	}
	for (; f < fresh; f++)
		if (rank(s, f) < least) {
			least = rank(s, f);
			at = f;
		}
	if (at == VMM_NONE) /* no counter is below UINT8_MAX */
		at = 0;
	for (f = at; f < fresh && rank(s, f) != least; f++)
		;
	return f < fresh ? f : VMM_NONE;
}

static void aging_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	(void)state;
	(void)f;
	(void)page;
	(void)why;
}

static void aging_insert(void *state, uint32_t f, uint32_t page)
{
	struct aging *s = state;

	(void)page;
	s->counter[f] = s->load;
}

static int aging_check(const void *state)
{
	const struct aging *s = state;

	for (uint32_t f = 0; f < s->frames->fresh; f++)
		if (s->counter[f] >= 2u * s->top)
			return -EINVAL;
	return s->last_tick <= *s->now ? 0 : -EINVAL;
}

static const struct policy_param aging_params[] = {
	[TICK] = { "tick", 0, 0, UINT64_MAX,
		   "references (sim) or faults (run) between ticks; 0: as many as there are frames (the "
		   "book says: a clock interrupt)" },
	[BITS] = { "bits", 8, 1, 8, "width of the counter (book: 8)" },
	[LOAD] = { "load", 1, 0, 1,
		   "counter of a page when it is loaded, 1: the top bit alone, as if a tick had seen the "
		   "fault; 0: zero, so it goes first until a tick (the book does not say)" },
	{ 0 },
};

static const struct policy_ops aging = {
	.abi = VMM_POLICY_ABI,
	.name = "aging",
	.alias = "approx-lru",
	.summary = "shifts reference bits into counters at ticks; the lowest counter goes",
	.source =
		"A. S. Tanenbaum, Modern Operating Systems, section on simulating LRU in software",
	.class = POLICY_R1,
	.params = aging_params,
	.order = 60,
	.create = aging_create,
	.destroy = aging_destroy,
	.victim = aging_victim,
	.reject = policy_reject_none,
	.remove = aging_remove,
	.insert = aging_insert,
	.check = aging_check,
};
POLICY_REGISTER(aging);
