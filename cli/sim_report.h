/* SPDX-License-Identifier: Apache-2.0 */
/* sim_report.h - what `vmm sim` says: text on stdout, CSV and JSON (the same schema as live runs, mode "sim"). */
#ifndef CLI_SIM_REPORT_H
#define CLI_SIM_REPORT_H

#include "cli/sim_run.h"

#include <jansson.h>

struct sim_report {
	const struct sim_options *options;
	const struct sim_result *result;
	char **argv; /* of the command */
};

/* The timing model: every reference costs tlb + mem, a fault costs fault, a page read from or written to swap costs swap. */
double sim_amt_ns(const struct sim_options *options, const struct vm_stats *stats);

/* The cells' evictions and swap are known (opt is computed without them). */
bool sim_cell_complete(const struct sim_cell *cell);

void sim_report_text(const struct sim_report *report);

/* 0, or -errno. "-" is stdout. */
int sim_report_csv(const struct sim_report *report, const char *path);
int sim_report_json(const struct sim_report *report, const char *path);

/* What every JSON of a trace says about where it came from. A new reference; NULL: no memory. */
json_t *sim_provenance(const struct sim_options *options, const struct sim_result *result,
		       char **argv);
/* Writes and releases the tree; NULL is -ENOMEM. */
int sim_json_write(json_t *tree, const char *path);
/* As a CSV field: in quotes when it has to be. */
void csv_field(FILE *file, const char *text);

#endif
