/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nru.c - not recently used: evicts at random within the lowest class of (referenced, modified) that is not empty:
 * (0,0), (0,1), (1,0), (1,1). Reference bits of all pages are cleared every `reset` units of virtual time.
 *
 * The k-th frame of the class in frame-number order is the victim, k = rng_below(size of the class).
 *
 * Hits and pins change a frame's class without a call, so classes are not kept but counted at every choice: the lowest
 * first, and no more of them than needed, a block of frames at a time with the widest vectors that the processor has.
 *
 * A frame is evictable exactly when its bits are one of the four values of class_bits (frame_evictable). The bits
 * array is read in whole blocks only where a whole block exists; the rest is read one by one.
 */
#include "core/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define BLOCK 64u /* frames; a count fits a byte */
#define CLASSES 4

typedef uint8_t bytes __attribute__((vector_size(16)));

static const uint8_t class_bits[CLASSES] = {
	FRAME_USED,
	FRAME_USED | FRAME_DIRTY,
	FRAME_USED | FRAME_REF,
	FRAME_USED | FRAME_REF | FRAME_DIRTY,
};

/* How many of the frames of each of n blocks have these bits, to in_block; returns their sum. */
typedef uint64_t (*count_fn)(const uint8_t *bits, uint32_t n, uint8_t value, uint8_t *in_block);

struct nru {
	struct frame_table *frames;
	const uint64_t *now;
	uint64_t reset, last_reset; /* virtual time */
	uint8_t *in_block;          /* frames of the class by block; valid during a choice */
	count_fn count;
};

/* --- counting ---------------------------------------------------------------------------------------------------- */

static uint8_t sum_bytes(bytes v)
{
	uint64_t half[2];

	/* every byte is at most BLOCK / 16, so the sums do not carry */
	memcpy(half, &v, sizeof(half));
	return (uint8_t)(((half[0] + half[1]) * 0x0101010101010101ull) >> 56);
}

static uint64_t count_base(const uint8_t *bits, uint32_t n, uint8_t value, uint8_t *in_block)
{
	const bytes wanted = (bytes){ 0 } + value;
	uint64_t total = 0;

	for (uint32_t b = 0; b < n; b++, bits += BLOCK) {
		bytes sum = { 0 }, v;

		for (uint32_t i = 0; i < BLOCK; i += sizeof(v)) {
			memcpy(&v, bits + i, sizeof(v));
			sum -= (bytes)(v == wanted); /* true is -1 */
		}
		total += in_block[b] = sum_bytes(sum);
	}
	return total;
}

#ifdef __x86_64__
__attribute__((target("avx2,popcnt"))) static uint64_t count_avx2(const uint8_t *bits, uint32_t n,
								  uint8_t value, uint8_t *in_block)
{
	const __m256i wanted = _mm256_set1_epi8((char)value);
	uint64_t total = 0;

	for (uint32_t b = 0; b < n; b++, bits += BLOCK) {
		__m256i low = _mm256_loadu_si256((const void *)bits);
		__m256i high = _mm256_loadu_si256((const void *)(bits + 32));
		uint32_t x = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted));
		uint32_t y = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted));

		total += in_block[b] = (uint8_t)__builtin_popcountll((uint64_t)y << 32 | x);
	}
	return total;
}

__attribute__((target("avx512bw,popcnt"))) static uint64_t
count_avx512(const uint8_t *bits, uint32_t n, uint8_t value, uint8_t *in_block)
{
	const __m512i wanted = _mm512_set1_epi8((char)value);
	uint64_t total = 0;

	for (uint32_t b = 0; b < n; b++, bits += BLOCK) {
		uint64_t equal = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(bits), wanted);

		total += in_block[b] = (uint8_t)__builtin_popcountll(equal);
	}
	return total;
}
#endif

static count_fn count_best(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("popcnt"))
		return count_avx512;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt"))
		return count_avx2;
#endif
	return count_base;
}

/* --- the policy -------------------------------------------------------------------------------------------------- */

static int nru_create(void **state, const struct policy_env *env)
{
	struct nru *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->now = env->now;
	s->reset = env->values[0] ? env->values[0] : env->frames->capacity;
	s->count = count_best();
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

/* The number of frames of a class; in_block is set. */
static uint64_t count_class(struct nru *s, int class)
{
	const struct frame_table *t = s->frames;
	uint32_t blocks = t->fresh / BLOCK;
	uint64_t total = s->count(t->bits, blocks, class_bits[class], s->in_block);
	uint8_t rest = 0;

	for (uint32_t f = blocks * BLOCK; f < t->fresh; f++)
		rest += in_class(t, f, class);
	s->in_block[blocks] = rest;
	return total + rest;
}

/* The k-th frame of the class that was counted last. */
static uint32_t find_kth(const struct nru *s, int class, uint64_t k)
{
	uint32_t f = 0;

	for (uint32_t b = 0; k >= s->in_block[b]; b++) {
		k -= s->in_block[b];
		f += BLOCK;
	}
	while (!in_class(s->frames, f, class) || k--)
		f++;
	return f;
}

static uint32_t nru_victim(void *state, uint32_t page)
{
	struct nru *s = state;

	(void)page;
	reset_bits(s);
	for (int class = 0; class < CLASSES; class ++) {
		uint64_t total = count_class(s, class);

		if (total)
			return find_kth(s, class, rng_below(&s->frames->rng, total));
	}
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
