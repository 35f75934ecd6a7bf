/* SPDX-License-Identifier: Apache-2.0 */
/* sim_run.h - opening a trace and replaying it under policies x sizes, for `vmm sim` and `vmm mrc`. */
#ifndef CLI_SIM_RUN_H
#define CLI_SIM_RUN_H

#include "cli/progress.h"
#include "cli/sim_options.h"
#include "core/replay/source.h"
#include "core/replay/sweep.h"
#include "core/replay/trace_source.h"

struct sim_cell {
	const struct sim_policy *policy;
	uint32_t frames;
	struct vm_stats stats; /* opt: only accesses, reads, writes, faults */
	uint64_t cpu_ns;       /* of the replay; 0: not measured */
};

struct sim_result {
	struct sim_cell *cells; /* by policy, then by size */
	uint32_t n_cells;
	struct sweep_totals totals;
	double elapsed_s;
	uint64_t opt_file_bytes; /* temporary file of opt's table; 0: it was in memory */
	char sha256[65];         /* of the trace; "" when it was not needed or cannot be made */
};

/* These complain themselves: 0 or -errno. The source that the others want is &trace->source. */
int sim_open(struct trace_source *trace, const struct sim_options *options);
void sim_complain(const struct sim_options *options, const struct replay_source *source, int err);
int sim_rewind(const struct sim_options *options, struct replay_source *source);
/* After the last pass: what of the trace was not replayed. */
void sim_notes(const struct sim_options *options, const struct trace_source *trace,
	       uint64_t references);
void trace_sha256(const char *path, char hex[65]);

/* The references to warm up with, when they are given in percent: reads the source once and rewinds it. */
int sim_warmup(const struct sim_options *options, struct replay_source *source, uint64_t *warmup);

/* Replays; result->cells has policies and sizes. The source is at its beginning. */
int sim_run(const struct sim_options *options, struct replay_source *source, uint64_t warmup,
	    struct sim_result *result);

#endif
