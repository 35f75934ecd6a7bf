/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare_report.c - the results of a comparison (compare.h): a table, JSON, CSV.
 *
 * The best of a size has fewer faults in each of its runs than any other policy in any of its own.
 */
#include "cli/cli.h"
#include "cli/compare.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/sim_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES 4096ull
#define NAME_WIDTH 20

static bool is_best(const struct comparison *c, const struct compare_cell *cell)
{
	bool rivals = false;

	for (uint32_t i = 0; i < c->n_cells; i++) {
		const struct compare_cell *other = &c->cells[i];

		if (other == cell || other->frames != cell->frames || !other->good)
			continue;
		rivals = true;
		if (other->faults.least <= cell->faults.most)
			return false;
	}
	return rivals && cell->good;
}

/* How many times the faults of OPT; 0: unknown. */
static double over_opt(const struct comparison *c, const struct compare_cell *cell)
{
	const struct sim_options *o = &c->options->sim;

	for (uint32_t i = 0; i < o->n_sizes && c->opt; i++)
		if (o->sizes[i] == cell->frames && c->opt[i])
			return cell->faults.median / (double)c->opt[i];
	return 0;
}

static double slowdown(const struct comparison *c, const struct compare_cell *cell)
{
	return c->alone.time_s.median > 0 ? cell->time_s.median / c->alone.time_s.median : 0;
}

/* --- text -------------------------------------------------------------------------------------------------------- */

static int by_answer(const void *a, const void *b)
{
	const struct compare_cell *x = *(const struct compare_cell *const *)a;
	const struct compare_cell *y = *(const struct compare_cell *const *)b;

	if (x->frames != y->frames)
		return x->frames < y->frames ? -1 : 1;
	if (x->good != y->good)
		return x->good ? -1 : 1;
	return (x->faults.median > y->faults.median) - (x->faults.median < y->faults.median);
}

/* "1.26 s", and in what range when there are several. */
static void text_spread(char *text, size_t bytes, const struct compare_spread *s, bool seconds,
			bool several)
{
	const char *one = seconds ? "%.2f s" : "%.0f",
		   *more = seconds ? " (%.2f..%.2f)" : " (%.0f..%.0f)";
	int n = snprintf(text, bytes, one, s->median);

	if (several)
		snprintf(text + n, bytes - (size_t)n, more, s->least, s->most);
}

static const struct compare_run *first_bad(const struct compare_cell *cell)
{
	for (uint32_t i = 0; i < cell->n_runs; i++)
		if (!cell->runs[i].same)
			return &cell->runs[i];
	return NULL;
}

static void text_bad(const struct compare_run *run, int expected)
{
	if (run->fatal[0])
		printf("  stopped: %s", run->fatal);
	else if (run->status != expected)
		printf("  exit status %d", run->status);
	else
		printf("  other output than alone");
}

static void text_row(const struct comparison *c, const struct compare_cell *cell)
{
	char name[64], size[SIZE_TEXT_BYTES], faults[64], time[64];
	bool several = c->options->sim.repeat > 1;
	const struct compare_run *bad = first_bad(cell);

	sim_policy_short(cell->policy, name, sizeof(name));
	text_spread(faults, sizeof(faults), &cell->faults, false, several);
	text_spread(time, sizeof(time), &cell->time_s, true, several);
	printf("%c %-*s %8s %5.0f%% %8u  %*s %*s %7.1fx", is_best(c, cell) ? '*' : ' ', NAME_WIDTH,
	       name, size_text(size, cell->frames * PAGE_BYTES),
	       100.0 * cell->frames / (double)c->footprint, cell->frames, several ? 28 : 10, faults,
	       several ? 22 : 10, time, slowdown(c, cell));
	if (c->opt)
		printf(" %7.2fx", over_opt(c, cell));
	if (cell->run.class == POLICY_T)
		printf("  window %u", cell->run.config.window);
	if (bad)
		text_bad(bad, c->status);
	putchar('\n');
}

static void text_head(const struct comparison *c)
{
	const struct sim_options *o = &c->options->sim;
	char size[SIZE_TEXT_BYTES], time[64], times[32] = "once";

	if (o->repeat > 1)
		snprintf(times, sizeof(times), "%" PRIu64 " times", o->repeat);
	printf("vmm: %s under %u policies in %u sizes, each was run %s, in random order (seed %" PRIu64
	       ")\n",
	       c->program[0], c->n_cells / o->n_sizes, o->n_sizes, times, o->seed);
	text_spread(time, sizeof(time), &c->alone.time_s, true, o->repeat > 1);
	printf("  alone       %s\n  footprint   %" PRIu64 " pages (%s)\n", time, c->footprint,
	       size_text(size, c->footprint * PAGE_BYTES));
	if (c->processes > 1)
		printf("  note        %u processes, each with so many frames of its own; %s\n",
		       c->processes,
		       c->opt ? "opt has one pool for all" : "the footprint is of all");
	if (c->opt)
		printf("  opt         replayed from a recording through a window of %u pages: approximate\n",
		       c->opt_window);
}

static int text_table(const struct comparison *c)
{
	const struct compare_cell **rows = calloc(c->n_cells + 1, sizeof(struct compare_cell *));
	bool several = c->options->sim.repeat > 1, same = c->alone.good;

	if (!rows)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->n_cells; i++)
		rows[i] = &c->cells[i];
	qsort(rows, c->n_cells, sizeof(struct compare_cell *), by_answer);
	printf("\n  %-*s %8s %6s %8s  %*s %*s %8s%s\n", NAME_WIDTH, "policy", "memory", "",
	       "frames", several ? 28 : 10, "faults", several ? 22 : 10, "time", "x alone",
	       c->opt ? "    x opt" : "");
	for (uint32_t i = 0; i < c->n_cells; i++) {
		if (i && rows[i]->frames != rows[i - 1]->frames)
			putchar('\n');
		text_row(c, rows[i]);
		same &= rows[i]->good;
	}
	printf("\n  output      %s\n",
	       same ? "the same in every run" : "not the same in every run: see the rows");
	free(rows);
	return 0;
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *times(const struct compare_cell *cell)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < cell->n_runs; i++)
		json_array_append_new(array, json_real(cell->runs[i].elapsed_s));
	return array;
}

static json_t *opt_tree(const struct comparison *c)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < c->options->sim.n_sizes; i++)
		json_array_append_new(array,
				      json_pack("{s:I, s:I, s:b, s:I}", "frames",
						(json_int_t)c->options->sim.sizes[i], "faults",
						(json_int_t)c->opt[i], "approximate", 1, "window",
						(json_int_t)c->opt_window));
	return array;
}

/* Each run's report as `vmm run` makes it, and whether the run ended as the program alone does. */
static json_t *runs_tree(const struct comparison *c)
{
	json_t *array = json_array(), *report;
	size_t k;

	for (uint32_t i = 0; i < c->n_cells; i++)
		json_array_foreach(c->cells[i].reports, k, report)
		{
			json_object_set_new(report, "same_as_alone",
					    json_boolean(c->cells[i].runs[k].same));
			json_object_set_new(
				report, "slowdown",
				json_real(c->cells[i].runs[k].elapsed_s / c->alone.time_s.median));
			json_array_append(array, report);
		}
	return array;
}

static json_t *json_tree(const struct comparison *c)
{
	json_t *root = json_pack("{s:i, s:s, s:o, s:I, s:I, s:{s:o, s:i}, s:o}", "schema",
				 REPORT_SCHEMA, "mode", "compare", "program",
				 report_text_json(c->program[0]), "seed",
				 (json_int_t)c->options->sim.seed, "footprint_pages",
				 (json_int_t)c->footprint, "alone", "elapsed_s", times(&c->alone),
				 "status", c->status, "runs", runs_tree(c));

	if (root && c->opt && json_object_set_new(root, "opt", opt_tree(c))) {
		json_decref(root);
		root = NULL;
	}
	return root;
}

/* --- CSV --------------------------------------------------------------------------------------------------------- */

static void csv_row(FILE *f, const struct comparison *c, const struct compare_cell *cell,
		    const struct compare_run *run)
{
	const struct vm_stats *s = &run->stats;
	char params[256];

	csv_field(f, c->options->sim.config_name);
	fprintf(f, ",%s,%u,,,,%" PRIu64 ",,,,,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",,%.3f,,",
		sim_policy_name(cell->policy), cell->frames, s->faults, s->store_reads,
		s->store_writes, s->evictions, run->elapsed_s * 1e3);
	sim_policy_params(cell->policy, params, sizeof(params));
	csv_field(f, params);
	fprintf(f, ",%" PRIu64 ",%s,\n", run->seed,
		report_fidelity(
			&(struct report){ .config = &cell->run.config, .class = cell->run.class }));
}

static int csv_write(FILE *f, const void *arg)
{
	const struct comparison *c = arg;

	fputs(SIM_CSV_HEADER "\n", f);
	for (uint32_t i = 0; i < c->n_cells; i++)
		for (uint32_t k = 0; k < c->cells[i].n_runs; k++)
			if (c->cells[i].runs[k].same)
				csv_row(f, c, &c->cells[i], &c->cells[i].runs[k]);
	return 0;
}

/* --- all of them ------------------------------------------------------------------------------------------------- */

int compare_report(const struct comparison *c)
{
	const struct sim_options *o = &c->options->sim;
	int err = 0;

	if (o->csv)
		err = output_written(o->csv, "report", output_write(o->csv, csv_write, c));
	if (o->json && output_written(o->json, "report", sim_json_write(json_tree(c), o->json)))
		err = -EIO;
	if (o->html && output_written(o->html, "report", sim_html_write(json_tree(c), o->html)))
		err = -EIO;
	if (!o->quiet && !output_is_stdout(o->csv) && !output_is_stdout(o->json) &&
	    !output_is_stdout(o->html)) {
		text_head(c);
		err = text_table(c) ? -ENOMEM : err;
	}
	return fflush(stdout) ? output_written("stdout", "report", -errno) : err;
}
