/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pass.h - one pass over a source, block by block: what of it counts, and what all cells have in common.
 *
 * A block ends where the warm-up or an interval ends, so a cell looks at its counts between blocks only.
 */
#ifndef VMM_REPLAY_PASS_H
#define VMM_REPLAY_PASS_H

#include "core/replay/source.h"
#include "core/replay/working_set.h"

/* What every cell has in common, whatever the policy. */
struct sweep_totals {
	uint64_t references; /* fed, with warm-up */
	uint64_t warmup;     /* of these, not counted */
	uint64_t writes;     /* after warm-up */
	uint32_t pages;      /* distinct ones */
	uint64_t pages_cold; /* first touches after warm-up: of pages never seen, or that came back after they went */
	uint64_t gone; /* pages that went */
};

/* An interval of the references after warm-up. */
struct sweep_row {
	uint64_t references; /* in it: the last may be short */
	uint64_t pages;      /* distinct pages in it: the working set of its length */
	uint64_t start_ns; /* of an interval of time: when it began; the first one may begin later */
};

#define SWEEP_ROWS_MAX (1u << 20) /* rows of all cells together */

struct pass_block {
	uint32_t *refs;
	size_t n;
	struct replay_events events;
	uint32_t pages; /* ids in it are below this */
	uint64_t first; /* number of its first reference */
	bool warm;      /* its references are not counted */
	uint64_t rows; /* intervals that end with it: more than one when time passed without a reference */
};

/* Zeroed, but for the fields of the first part. */
struct pass {
	struct replay_source *source; /* at its beginning */
	uint64_t references_max;      /* 0: all */
	uint64_t warmup;
	uint64_t interval;    /* references of a row; 0: no rows, or */
	uint64_t interval_ns; /* rows by the trace's own time, at multiples of this */
	uint32_t block;       /* references at a time: what refs of a block has room for */
	uint32_t n_cells;     /* that keep rows */
	bool events;          /* pages that go are wanted */

	struct sweep_totals totals;
	struct sweep_row *rows; /* free() */
	uint32_t n_rows;
	struct working_set set;
	uint64_t appeared_warm, in_row; /* references of the row so far */
	uint64_t turned;                /* multiples of interval_ns that passed */
};

/*
 * The next block; *more is false when there is none. An empty one may come last: what goes at the end, the end of a row. -ENODATA:
 * rows by time, and the source never said what time it is.
 */
int pass_read(struct pass *p, struct pass_block *b, bool *more);
void pass_destroy(struct pass *p); /* all but rows */

int pass_block_init(struct pass_block *b, uint32_t refs); /* 0, -ENOMEM */
void pass_block_destroy(struct pass_block *b);

/* Room for one more of n rows: 0, -ENOMEM. */
int pass_rows_grow(void **rows, uint32_t n, size_t size);

#endif
