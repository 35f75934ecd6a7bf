/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sizes.h - a brute-force model of pages of two sizes (1 and 512) of one process under fifo, lru or clock: one list of what is
 * resident. It shares no code with core/. Where in memory pages are it does not know: whether a group of 512 frames is free
 * is a question to whoever runs it.
 */
#ifndef TESTS_MODEL_SIZES_H
#define TESTS_MODEL_SIZES_H

#include <stdbool.h>
#include <stdint.h>

#define SIZES_LARGE 512u
#define SIZES_RANGES 8u
#define SIZES_PAGES (SIZES_RANGES * SIZES_LARGE)

enum sizes_policy { SIZES_FIFO, SIZES_LRU, SIZES_CLOCK };

struct sizes_config {
	enum sizes_policy policy;
	bool automatic; /* else always */
	uint32_t frames, dense, hot;
	/* Is a group free now, when so many small frames are free? */
	bool (*group)(void *arg, uint32_t frames_free);
	void *arg;
};

struct sizes {
	struct sizes_config c;
	/* by page: which unit it belongs to, -1: none. A unit's number is its first page; large ones are marked. */
	int unit[SIZES_PAGES];
	bool large[SIZES_PAGES];                                      /* by unit */
	bool dirty[SIZES_PAGES], copy[SIZES_PAGES], ref[SIZES_PAGES]; /* by unit */
	bool resident[SIZES_PAGES];                                   /* by unit */
	bool touched[SIZES_PAGES];                                    /* by page of a large unit */
	int line[SIZES_PAGES], n_line, hand;
	uint32_t used;
	uint64_t faults, major, clean, dirty_out, reads, writes, made, split, small, saved;
};

void sizes_init(struct sizes *m, const struct sizes_config *c);
void sizes_access(struct sizes *m, uint32_t page, bool write);
void sizes_unmap(struct sizes *m, uint32_t first, uint32_t n);
/* May, and should, the range become one large page? The caller knows whether a group is free, and then says so. */
bool sizes_deserves(const struct sizes *m, uint32_t page);
void sizes_promote(struct sizes *m, uint32_t page);

#endif
