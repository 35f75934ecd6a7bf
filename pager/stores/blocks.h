/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blocks.h - which blocks of 4096 bytes of a file are free.
 *
 * Blocks are taken from where the last ones ended (next fit), so pages that are written together lie together, and a block that was
 * just freed, or that could not be written, is not the next one taken.
 */
#ifndef PAGER_STORES_BLOCKS_H
#define PAGER_STORES_BLOCKS_H

#include <stdint.h>

struct blocks {
	uint64_t *used; /* a bit a block: set: taken. Bits beyond n are set. */
	uint32_t n, words_cap, free, cursor;
};

/* `more` free blocks at the end. 0 or -ENOMEM. */
int blocks_grow(struct blocks *b, uint32_t more);

/* Takes 1 to `want` neighbours; returns how many, the first in *first. 0: none is free. */
uint32_t blocks_take(struct blocks *b, uint32_t want, uint32_t *first);

void blocks_give(struct blocks *b, uint32_t block);

void blocks_destroy(struct blocks *b);

#endif
