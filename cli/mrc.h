/* SPDX-License-Identifier: Apache-2.0 */
/* mrc.h - miss-ratio curves: how they are made, plotted and written, for `vmm mrc`. */
#ifndef CLI_MRC_H
#define CLI_MRC_H

#include "cli/sim_run.h"

enum mrc_method {
	MRC_STACK,  /* lru: exact distances, all sizes from one pass */
	MRC_OPT,    /* opt: exact, size by size from the table of next uses */
	MRC_REPLAY, /* replayed at each size */
	MRC_SAMPLE, /* lru: SHARDS */
	MRC_WINDOW, /* lru: bracketed (core/replay/window.h) */
};

struct mrc_point {
	uint32_t frames;
	double misses;
	double low,
		high; /* the 95% interval of a sample, the ends of a bracket; equal where the curve is exact */
};

struct mrc_curve {
	const struct sim_policy *policy;
	enum mrc_method method;
	struct mrc_point *points;
	uint32_t n_points;
};

struct mrc {
	const struct sim_options *options;
	struct sim_result result; /* totals, time, opt's file, digest, `full`; no cells */
	struct mrc_curve *curves;
	uint32_t n_curves;
	double rate;      /* of the sample at the end, mean of the salts; 0: no sample */
	double in_sample; /* pages */
};

/* Reads the trace as often as it takes. Complains itself: 0 or -errno. */
int mrc_make(struct mrc *m, struct trace_source *trace);
void mrc_destroy(struct mrc *m);

void mrc_plot(const struct mrc *m); /* to stdout */
int mrc_csv(const struct mrc *m, const char *path);
int mrc_json(const struct mrc *m, char **argv, const char *path);

#endif
