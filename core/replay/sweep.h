/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep.h - many replays of one source in one pass: policies x sizes, on several threads.
 *
 * The source is read block by block by one thread while the cells replay the block before (crew.h); a cell is fed by one
 * thread at a time and shares nothing, so the counts do not depend on the number of threads. Memory: O(pages + frames)
 * for a cell, and a struct vm_stats a row.
 */
#ifndef VMM_REPLAY_SWEEP_H
#define VMM_REPLAY_SWEEP_H

#include "core/replay/pass.h"
#include "core/replay/replay.h"

struct sweep_cell {
	struct replay_config config; /* in */
	struct vm_stats stats;       /* out: after warm-up */
	struct vm_stats *rows;       /* out: the same at the end of each interval; free() */
	uint32_t n_rows;
	uint64_t cpu_ns; /* out: CPU time of its replay */
};

/* Called by the reading thread between blocks. Anything but 0 ends the sweep with that value. */
typedef int (*sweep_progress_fn)(void *arg, uint64_t references, double done);

struct sweep {
	struct replay_source *source; /* at its beginning */
	struct sweep_cell *cells;
	uint32_t n_cells;
	uint32_t jobs;           /* threads, this one included; 0 counts as 1 */
	uint64_t references_max; /* 0: all */
	uint64_t warmup;         /* references that only warm up */
	uint64_t interval;       /* references of a row; 0: no rows, or */
	uint64_t interval_ns;    /* rows by the trace's time (pass.h) */
	uint32_t block;          /* references at a time; 0: a good number */
	bool events;             /* pages that go are replayed */
	sweep_progress_fn progress;
	void *progress_arg;
	struct sweep_totals totals; /* out */
	struct sweep_row *rows;     /* out: free() */
	uint32_t n_rows;
};

/*
 * 0, or -errno: of the source (without cells it is only read, and the totals made); -ENOMEM; -E2BIG (SWEEP_ROWS_MAX); -ENODATA (pass.h); -ENOENT
 * or -EINVAL for a policy that cannot be made or misbehaves, with its cell in *bad (n_cells when it is no cell's fault).
 */
int sweep_run(struct sweep *s, uint32_t *bad);

/* The threads that this process may run on: a good number of jobs. */
uint32_t sweep_jobs_default(void);

#endif
