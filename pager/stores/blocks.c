/* SPDX-License-Identifier: Apache-2.0 */
/* blocks.c - see blocks.h. */
#include "pager/stores/blocks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BITS 64u

static bool is_used(const struct blocks *b, uint32_t block)
{
	return b->used[block / WORD_BITS] >> block % WORD_BITS & 1;
}

int blocks_grow(struct blocks *b, uint32_t more)
{
	uint32_t words = (uint32_t)(((uint64_t)b->n + more + WORD_BITS - 1) / WORD_BITS);

	if (words > b->words_cap) {
		uint32_t cap = words > 2 * b->words_cap ? words : 2 * b->words_cap;
		uint64_t *used = realloc(b->used, cap * sizeof(*used));

		if (!used)
			return -ENOMEM;
		memset(used + b->words_cap, 0xff, (cap - b->words_cap) * sizeof(*used));
		b->used = used;
		b->words_cap = cap;
	}
	for (uint32_t i = 0; i < more; i++)
		blocks_give(b, b->n++);
	return 0;
}

/* The first free block from `from` on, or b->n. */
static uint32_t next_free(const struct blocks *b, uint32_t from)
{
	uint64_t left;
	uint32_t word = from / WORD_BITS, words = (b->n + WORD_BITS - 1) / WORD_BITS;

	if (from >= b->n)
		return b->n;
	left = ~b->used[word] & ~0ull << from % WORD_BITS;
	while (!left) {
		if (++word == words)
			return b->n;
		left = ~b->used[word];
	}
	return word * WORD_BITS + (uint32_t)__builtin_ctzll(left);
}

uint32_t blocks_take(struct blocks *b, uint32_t want, uint32_t *first)
{
	uint32_t block, n = 0;

	if (!b->free)
		return 0;
	block = next_free(b, b->cursor);
	if (block == b->n)
		block = next_free(b, 0);
	*first = block;
	for (; n < want && block < b->n && !is_used(b, block); n++, block++)
		b->used[block / WORD_BITS] |= 1ull << block % WORD_BITS;
	b->free -= n;
	b->cursor = block;
	return n;
}

void blocks_give(struct blocks *b, uint32_t block)
{
	b->used[block / WORD_BITS] &= ~(1ull << block % WORD_BITS);
	b->free++;
}

void blocks_destroy(struct blocks *b)
{
	free(b->used);
}
