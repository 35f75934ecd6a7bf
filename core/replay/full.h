/* SPDX-License-Identifier: Apache-2.0 */
/*
 * full.h - traces through the full model: each cell is a struct vmm (vmm.h), told every reference and every event of the
 * trace, so that everything the library simulates can be asked for. The fast engine (sweep.h) counts the same where it can
 * replay a trace, in a fraction of the time.
 *
 * *Local allocation*: each process has a struct vmm of its own, with a quota of frames; nobody takes another's frame. What
 * a fork shares has then no common place: the child starts without frames, and what it touches is charged to it.
 *
 * Units (a cell, or a process of a cell with local allocation) are fed in parallel (crew.h); their counts do not depend on
 * the number of threads.
 */
#ifndef VMM_REPLAY_FULL_H
#define VMM_REPLAY_FULL_H

#include "core/replay/opt.h"
#include "core/replay/sweep.h"
#include "core/replay/trace_source.h"
#include "core/vmm.h"

#define X(name, help) FULL_COUNTER_##name,
enum { VM_STATS(X) FULL_COUNTERS };
#undef X

struct full_quota {
	uint32_t pid, frames;
};

struct full_process {
	uint32_t pid;
	uint32_t frames; /* its quota; 0: all share one pool */
	struct vm_stats stats;
};

struct full_cell {
	struct vmm_config config;        /* in; its strings must stay */
	const struct full_quota *quotas; /* in: local allocation, every pid of the trace; else NULL */
	uint32_t n_quotas;
	struct vm_stats
		stats; /* out: after warm-up; peaks (frames, pages, bytes) are of the whole run */
	struct vm_stats *rows; /* out: the same at the end of each interval; free() */
	uint32_t n_rows;
	struct full_process *processes; /* out: free() */
	uint32_t n_processes;
	bool applies[FULL_COUNTERS]; /* out: by vm_stat_list */
	uint64_t extra_ns; /* out: what references took beyond their counters (timing.h), after warm-up */
	uint64_t cpu_ns; /* out */
};

struct full {
	struct trace_source *source;  /* at its beginning */
	const struct opt_table *next; /* next uses, for policies of class X; NULL: there are none */
	struct full_cell *cells;
	uint32_t n_cells;
	uint32_t jobs;
	uint64_t references_max, warmup, interval, interval_ns; /* as in sweep.h */
	uint32_t block;
	sweep_progress_fn progress;
	void *progress_arg;
	struct sweep_totals totals; /* out */
	struct sweep_row *rows;     /* out: free() */
	uint32_t n_rows;
	uint64_t failed_at; /* out: number of the reference at which a cell failed, or before which the event came */
};

/*
 * 0 or -errno: as sweep_run, or what vmm_create, vmm_access or an event function gave; *bad is the cell, n_cells when it was none.
 */
int full_run(struct full *m, uint32_t *bad);

/* Frees rows and processes of a cell. */
void full_cell_destroy(struct full_cell *cell);

#endif
