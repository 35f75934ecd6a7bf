/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.h - `vmm compare -- PROGRAM`: a program under several policies and memory sizes.
 *
 * A *cell* is a policy and a size. Each is run --repeat times, all runs of all cells and as many of the program alone in one
 * random order, so that what else the machine does falls on all of them. Every run reads the same standard input; its output is kept
 * out of sight and compared with that of the program alone.
 *
 * OPT cannot be run. Where it is asked for, the program is also recorded through a window, and OPT is what a replay of that trace says:
 * approximately.
 */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include "cli/run_options.h"
#include "cli/sim_options.h"

#include <jansson.h>

struct compare_options {
	struct sim_options sim; /* policies, sizes, reports */
	struct run_options run; /* how each run is done */
	bool replay;            /* record once, replay the rest */
};

/* One run. */
struct compare_run {
	double elapsed_s;
	struct vm_stats stats; /* all 0 when alone */
	int status;            /* as a shell has it: 128 + signal */
	bool same;             /* status and output are those of the program alone */
	uint64_t seed;
	char fatal[256]; /* why vmm stopped it, "" when not */
};

/* Three numbers of a cell's runs that ended well. */
struct compare_spread {
	double median, least, most;
};

struct compare_cell {
	const struct sim_policy *policy; /* NULL: the program alone */
	uint32_t frames;
	struct run_options run; /* complete, for pager_run */
	struct compare_run *runs;
	uint32_t n_runs;
	json_t *reports; /* an array, of each run; NULL: alone, or not asked for */
	bool good;       /* every run ended as the program alone does */
	struct compare_spread time_s, faults;
};

struct comparison {
	const struct compare_options *options;
	char **argv, **program; /* of the command; of what it runs */
	uint64_t footprint;     /* pages, in memory without limit */
	uint32_t processes;     /* of that run */
	struct compare_cell alone, *cells;
	uint32_t n_cells;    /* by size, then policy as given; the report sorts them */
	uint64_t *opt;       /* faults of OPT by size, as sim.sizes; NULL: not asked for */
	uint32_t opt_window; /* of its trace */
	int status;          /* of the program alone */
};

/* compare_run.c. It complains itself: STATUS_OK, or the status to exit with. */
int compare_measure(struct comparison *c, struct compare_options *options);
void compare_destroy(struct comparison *c);

/* compare_record.c: the program is recorded once and the trace replayed, with the reports of `vmm sim`. */
int compare_replay(struct comparison *c, struct compare_options *options);

/* compare_report.c: all that were asked for. Complains itself: 0 or -errno. */
int compare_report(const struct comparison *c);

#endif
