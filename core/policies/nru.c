/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nru.c - not recently used: evicts at random within the lowest class of (referenced, modified) that is not empty:
 * (0,0), (0,1), (1,0), (1,1). Reference bits of all pages are cleared every `reset` units of virtual time.
 *
 * The classes are not kept but counted at every choice, a block of frames at a time with vector compares. The k-th frame
 * of the class in frame-number order is the victim, k = rng_below(size of the class).
 *
 * A frame is evictable exactly when its bits are one of the four values of class_bits (frame_evictable). The bits
 * array is read in whole blocks only where a whole block exists; the rest is read one by one.
 */
#include "core/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 64u /* frames; a count by class fits a byte */
#define CLASSES 4

typedef uint8_t bytes __attribute__((vector_size(16)));

/* Bits of the frames of each class; macros, so that the compares are with constant vectors. */
#define CLASS_0 FRAME_USED
#define CLASS_1 (FRAME_USED | FRAME_DIRTY)
#define CLASS_2 (FRAME_USED | FRAME_REF)
#define CLASS_3 (FRAME_USED | FRAME_REF | FRAME_DIRTY)

static const uint8_t class_bits[CLASSES] = { CLASS_0, CLASS_1, CLASS_2, CLASS_3 };

struct nru {
	struct frame_table *frames;
	const uint64_t *now;
	uint64_t reset, last_reset;   /* virtual time */
	uint8_t (*in_block)[CLASSES]; /* evictable frames by block and class; valid during a choice */
};

static int nru_create(void **state, const struct policy_env *env)
{
	struct nru *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->now = env->now;
	s->reset = env->values[0] ? env->values[0] : env->frames->capacity;
	s->in_block = calloc(env->frames->capacity / BLOCK + 1, sizeof(*s->in_block));
	if (!s->in_block) {
		free(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static void nru_destroy(void *state)
{
	struct nru *s = state;

	free(s->in_block);
	free(s);
}

static void reset_bits(struct nru *s)
{
	struct frame_table *t = s->frames;

	if (*s->now - s->last_reset < s->reset)
		return;
	s->last_reset = *s->now;
	for (uint32_t f = 0; f < t->fresh; f++)
		if (frame_evictable(t, f))
			frame_clear_referenced(t, f);
}

static bool in_class(const struct frame_table *t, uint32_t f, int class)
{
	return t->bits[f] == class_bits[class];
}

static void count_one_by_one(const struct frame_table *t, uint32_t first, uint32_t end,
			     uint8_t count[CLASSES])
{
	for (int c = 0; c < CLASSES; c++) {
		count[c] = 0;
		for (uint32_t f = first; f < end; f++)
			count[c] += in_class(t, f, c);
	}
}

static uint8_t sum_bytes(bytes v)
{
	uint64_t half[2];

	/* every byte is at most BLOCK / 16, so the sums do not carry */
	memcpy(half, &v, sizeof(half));
	return (uint8_t)(((half[0] + half[1]) * 0x0101010101010101ull) >> 56);
}

static void count_block(const struct frame_table *t, uint32_t first, uint8_t count[CLASSES])
{
	bytes sum[CLASSES] = { 0 }, v;

	for (uint32_t i = 0; i < BLOCK; i += sizeof(v)) {
		memcpy(&v, &t->bits[first + i], sizeof(v));
		sum[0] -= (bytes)(v == CLASS_0); /* true is -1 */
		sum[1] -= (bytes)(v == CLASS_1);
		sum[2] -= (bytes)(v == CLASS_2);
		sum[3] -= (bytes)(v == CLASS_3);
	}
	for (int c = 0; c < CLASSES; c++)
		count[c] = sum_bytes(sum[c]);
}

/* The k-th frame of a class. */
static uint32_t find_kth(const struct nru *s, int class, uint64_t k)
{
	uint32_t f = 0;

	for (uint32_t b = 0; k >= s->in_block[b][class]; b++) {
		k -= s->in_block[b][class];
		f += BLOCK;
	}
	while (!in_class(s->frames, f, class) || k--)
		f++;
	return f;
}

static uint32_t nru_victim(void *state, uint32_t page)
{
	struct nru *s = state;
	const struct frame_table *t = s->frames;
	uint64_t total[CLASSES] = { 0 };

	(void)page;
	reset_bits(s);
	for (uint32_t f = 0, b = 0; f < t->fresh; f += BLOCK, b++) {
		uint32_t end = t->fresh - f < BLOCK ? t->fresh : f + BLOCK;

		if (end - f == BLOCK)
			count_block(t, f, s->in_block[b]);
		else
			count_one_by_one(t, f, end, s->in_block[b]);
		for (int c = 0; c < CLASSES; c++)
			total[c] += s->in_block[b][c];
	}
	for (int c = 0; c < CLASSES; c++)
		if (total[c])
			return find_kth(s, c, rng_below(&s->frames->rng, total[c]));
	return VMM_NONE;
}

static void nru_reject(void *state, uint32_t f)
{
	(void)state;
	(void)f;
}

static void nru_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	(void)state;
	(void)f;
	(void)page;
	(void)why;
}

static void nru_insert(void *state, uint32_t f, uint32_t page)
{
	(void)state;
	(void)f;
	(void)page;
}

static int nru_check(const void *state)
{
	const struct nru *s = state;

	return s->reset && s->last_reset <= *s->now ? 0 : -EINVAL;
}

static const struct policy_param nru_params[] = {
	{ "reset", 0, 0, UINT64_MAX,
	  "clear all reference bits every so many references (sim) or faults (run); 0: as many as "
	  "there are frames, so that a reset costs at most one soft fault a fault (the book says: at "
	  "a clock interrupt)" },
	{ 0 },
};

static const struct policy_ops nru = {
	.abi = VMM_POLICY_ABI,
	.name = "nru",
	.alias = "not-recently-used",
	.summary = "at random within the lowest class of (referenced, modified)",
	.source = "A. S. Tanenbaum, Modern Operating Systems, section on page replacement",
	.class = POLICY_R1,
	.flags = POLICY_NEEDS_DIRTY,
	.params = nru_params,
	.order = 50,
	.create = nru_create,
	.destroy = nru_destroy,
	.victim = nru_victim,
	.reject = nru_reject,
	.remove = nru_remove,
	.insert = nru_insert,
	.check = nru_check,
};
POLICY_REGISTER(nru);
