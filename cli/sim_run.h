/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_run.h - opening a trace and replaying it under policies x sizes, for `vmm sim`, `vmm compare` and `vmm mrc`.
 *
 * Two engines: the fast one (core/replay/sweep.h) when it can, the full model (core/replay/full.h) when something was asked
 * for, or happens in the trace, that only that has. They count the same where both can run.
 */
#ifndef CLI_SIM_RUN_H
#define CLI_SIM_RUN_H

#include "cli/progress.h"
#include "cli/sim_options.h"
#include "core/replay/full.h"
#include "core/replay/source.h"
#include "core/replay/sweep.h"
#include "core/replay/trace_source.h"

/* Of the table of next uses in memory; a larger one is a temporary file, so that long traces take little memory. */
#define SIM_NEXT_BYTES (128ull << 20)

struct sim_cell {
	const struct sim_policy *policy;
	const char *table; /* kind of page table; NULL: none is simulated */
	uint32_t frames;
	uint64_t seed;
	struct vm_stats stats;
	struct vm_stats *rows; /* by interval, since the end of the warm-up */
	uint32_t n_rows;
	struct full_process *processes;
	uint32_t n_processes;
	bool applies[FULL_COUNTERS]; /* which counters mean something, by vm_stat_list */
	bool bracketed; /* LRU's faults by the program are between these ends: a trace of a window */
	uint64_t faults_low, faults_high;
	uint64_t extra_ns; /* of the timing model, beyond the counters */
	uint64_t cpu_ns;   /* of the replay, the median of --repeat; 0: not measured */
};

/* One page size: a pass over the trace, and its cells. */
struct sim_result {
	uint64_t page_size;
	struct sim_cell *cells; /* by policy, then page table, size and seed */
	uint32_t n_cells;
	bool full; /* through struct vmm */
	struct sweep_totals totals;
	struct sweep_row *rows;
	uint32_t n_rows;
	enum trace_fidelity fidelity; /* of the trace: TRACE_FAULTS only with --force */
	uint32_t window;              /* of the recording, in pages; 0: none */
	uint64_t reduced;             /* K of `vmm trace reduce --sad K`; 0: it was not */
	double elapsed_s;
	uint64_t opt_file_bytes; /* temporary file of opt's table; 0: it was in memory */
	char sha256[65];         /* of the trace; "" when it was not needed or cannot be made */
};

/* What a pass before the others found out. */
struct sim_count {
	uint64_t references;
	uint64_t pages;
	uint32_t *pids; /* of all processes, in order of appearance; free() */
	uint32_t n_pids;
};

/* These complain themselves: 0 or -errno. The source that the others want is &trace->source. */
/* `least` is what the command can do with: TRACE_FULL, or TRACE_WINDOW too. --force takes everything. */
int sim_open(struct trace_source *trace, const struct sim_options *options,
	     enum trace_fidelity least);
void sim_complain(const struct sim_options *options, const struct replay_source *source, int err);
/* The policy is LRU, of which a trace of a window says between how many faults it has (core/replay/window.h). */
bool sim_is_lru(const struct sim_policy *policy);
/* -EINVAL: with so few frames LRU cannot be answered by a trace of such a window, and --force is not given. */
int sim_window_check(const struct sim_options *options, uint32_t window, uint32_t frames);
/* One pass that finds the ends for all cells of LRU. The source is anywhere. */
int sim_bracket(const struct sim_options *options, struct trace_source *trace, uint64_t warmup,
		struct sim_result *result);
int sim_rewind(const struct sim_options *options, struct replay_source *source);
/* The trace can be read more than once; `why` is for the message. */
int sim_twice(const struct sim_options *options, const char *why);
/* After the last pass: what of the trace was not replayed. */
void sim_notes(const struct sim_options *options, const struct trace_source *trace,
	       uint64_t references);
void trace_sha256(const char *path, char hex[65]);

/* Reads the source to its end, and rewinds it. */
int sim_count(const struct sim_options *options, struct trace_source *trace,
	      struct sim_count *count);
/* The references to warm up with, when they are given in percent: reads the source once and rewinds it. */
int sim_warmup(const struct sim_options *options, struct replay_source *source, uint64_t *warmup);

/* Replays; result->cells has policies, tables, sizes and seeds. The source is at its beginning. */
int sim_run(const struct sim_options *options, struct replay_source *source, uint64_t warmup,
	    struct sim_result *result);
/* By the full model only; `count` is needed for local allocation. */
int sim_run_full(const struct sim_options *options, struct trace_source *trace,
		 const struct sim_count *count, uint64_t warmup, struct sim_result *result);
/* By whichever engine can: everything from counting to notes. */
int sim_all(struct sim_options *options, struct sim_result *result);

void sim_result_destroy(struct sim_result *result);

#endif
