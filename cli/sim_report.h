/* SPDX-License-Identifier: Apache-2.0 */
/* sim_report.h - what `vmm sim` says: text on stdout, CSV, JSON (the same schema as live runs, mode "sim") and HTML. */
#ifndef CLI_SIM_REPORT_H
#define CLI_SIM_REPORT_H

#include "cli/sim_run.h"

#include "core/timing.h"

#include <jansson.h>

/* Of every CSV of runs. */
#define SIM_CSV_HEADER                                                                              \
	"config,policy,frames,total_accesses,reads,writes,page_faults,pf_rate,tlb_hits,tlb_misses," \
	"tlb_hit_rate,swap_ins,swap_outs,replacements,amt_ns,runtime_ms,trace_sha256,params,seed,"  \
	"fidelity,warmup"

struct sim_report {
	const struct sim_options *options;
	const struct sim_result *results; /* one a page size */
	uint32_t n_results;
	char **argv; /* of the command */
};

/* Cells that differ in the seed only: the first, how many, their mean faults and the 95% interval of the mean. */
struct sim_group {
	const struct sim_cell *cells;
	uint32_t n;
	double faults, low, high; /* bootstrap; all equal when there is one seed */
};

/* The group that begins at cell `first`; the next one begins at first + n. */
struct sim_group sim_group_at(const struct sim_result *result, uint32_t first);
/* No other group with the same table and frames can be said to have as few faults. */
bool sim_group_best(const struct sim_result *result, const struct sim_group *group);

struct timing sim_timing(const struct sim_options *options);
/* The timing model (core/timing.h) on the cell's counters; 0 where they do not suffice. */
double sim_amt_ns(const struct sim_options *options, const struct sim_cell *cell);
double sim_slowdown(const struct sim_options *options, const struct sim_cell *cell);

/* The counter of that name applies to the cell. */
bool sim_cell_has(const struct sim_cell *cell, const char *counter);
/* "exact", or what the trace is for the cell. */
const char *sim_fidelity(const struct sim_options *options, const struct sim_result *result,
			 const struct sim_cell *cell);
/* The cell's faults may not be those of the program: the trace lacks references that would matter to it. */
bool sim_approximate(const struct sim_result *result, const struct sim_cell *cell);

void sim_report_text(const struct sim_report *report);

/* 0, or -errno. "-" is stdout. */
int sim_report_csv(const struct sim_report *report, const char *path);
int sim_report_json(const struct sim_report *report, const char *path);
int sim_report_html(const struct sim_report *report, const char *path);

/* The array of runs that JSON and HTML hold. A new reference; NULL: no memory. */
json_t *sim_report_runs(const struct sim_report *report);
/* What every JSON of a trace says about where it came from. A new reference; NULL: no memory. */
json_t *sim_provenance(const struct sim_options *options, const struct sim_result *result,
		       char **argv);
/* Writes and releases the tree; NULL is -ENOMEM. */
int sim_json_write(json_t *tree, const char *path);
/* The same in a page that shows it: what sim_report_html makes, or the JSON of a comparison. */
int sim_html_write(json_t *tree, const char *path);
/* As a CSV field: in quotes when it has to be. */
void csv_field(FILE *file, const char *text);

/*
 * The command itself, for `sim` and for what is `sim` with other defaults: their options are one table. Returns the exit
 * status; `options` are set to the defaults.
 */
extern const struct option_spec sim_option_table[];
/* After sim_options_check: replays and reports. Complains itself: 0 or -errno. argv: of the command, for the reports. */
int sim_execute(struct sim_options *options, char **argv);
int sim_command(const struct command *self, int argc, char **argv, struct sim_options *options);

#endif
