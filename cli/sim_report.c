/* SPDX-License-Identifier: Apache-2.0 */
/* sim_report.c - what the reports of `vmm sim` share, and the CSV (sim_report.h). */
#include "cli/sim_report.h"
#include "cli/cli.h"
#include "cli/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESAMPLES 2000u

bool sim_cell_has(const struct sim_cell *cell, const char *counter)
{
	for (uint32_t i = 0; i < vm_stat_count; i++)
		if (!strcmp(vm_stat_list[i].name, counter))
			return cell->applies[i];
	return false;
}

struct timing sim_timing(const struct sim_options *o)
{
	return (struct timing){ .tlb_ns = (uint32_t)o->tlb_ns,
				.mem_ns = (uint32_t)o->mem_ns,
				.fault_us = (uint32_t)o->fault_us,
				.swap_us = (uint32_t)o->swap_us };
}

double sim_amt_ns(const struct sim_options *o, const struct sim_cell *c)
{
	struct timing t = sim_timing(o);

	return sim_cell_has(c, "store_reads") ? timing_amt_ns(&t, &c->stats, c->extra_ns) : 0;
}

double sim_slowdown(const struct sim_options *o, const struct sim_cell *c)
{
	struct timing t = sim_timing(o);

	return sim_cell_has(c, "store_reads") ? timing_slowdown(&t, &c->stats, c->extra_ns) : 0;
}

bool sim_approximate(const struct sim_result *r, const struct sim_cell *c)
{
	bool stack = c->policy->opt || !strcmp(c->policy->ops->name, "lru");

	if (c->bracketed)
		return c->faults_low != c->faults_high;
	return r->fidelity != TRACE_FULL || (r->reduced && !(stack && c->frames >= r->reduced));
}

const char *sim_fidelity(const struct sim_options *o, const struct sim_result *r,
			 const struct sim_cell *c)
{
	static const char *const names[TRACE_FIDELITIES] = {
		[TRACE_FULL] = "exact",
		[TRACE_WINDOW] = "window",
		[TRACE_FAULTS] = "faults",
	};

	if (c->bracketed && !sim_approximate(r, c))
		return names[TRACE_FULL];
	if (r->fidelity == TRACE_FULL && r->reduced)
		return sim_approximate(r, c) ? "reduced" : "exact";
	return r->fidelity == TRACE_FULL && o->probation ? "probation" : names[r->fidelity];
}

/* --- seeds ------------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Percentile bootstrap of the mean, with a generator of its own: the same report each time. */
static void interval_make(struct sim_group *g)
{
	double *means = malloc(RESAMPLES * sizeof(*means));
	struct rng rng = { g->n };

	for (uint32_t k = 0; means && k < RESAMPLES; k++) {
		double sum = 0;

		for (uint32_t i = 0; i < g->n; i++)
			sum += (double)g->cells[rng_below(&rng, g->n)].stats.faults;
		means[k] = sum / g->n;
	}
	if (!means)
		return;
	qsort(means, RESAMPLES, sizeof(*means), by_value);
	g->low = means[RESAMPLES / 40];
	g->high = means[RESAMPLES - 1 - RESAMPLES / 40];
	free(means);
}

struct sim_group sim_group_at(const struct sim_result *r, uint32_t first)
{
	const struct sim_cell *c = &r->cells[first];
	struct sim_group g = { .cells = c };

	while (first + g.n < r->n_cells && c[g.n].policy == c->policy && c[g.n].table == c->table &&
	       c[g.n].frames == c->frames && c[g.n].seed == c->seed + g.n)
		g.faults += (double)c[g.n++].stats.faults;
	g.faults /= g.n;
	g.low = g.high = g.faults;
	if (g.n > 1)
		interval_make(&g);
	return g;
}

bool sim_group_best(const struct sim_result *r, const struct sim_group *g)
{
	uint32_t n;

	if (r->fidelity != TRACE_FULL) /* who knows? */
		return false;
	for (uint32_t i = 0; i < r->n_cells; i += n) {
		struct sim_group other = sim_group_at(r, i);

		n = other.n;
		if (other.cells != g->cells && other.cells->frames == g->cells->frames &&
		    other.cells->table == g->cells->table && other.low <= g->high)
			return false;
	}
	return true;
}

/* --- CSV --------------------------------------------------------------------------------------------------------- */

void csv_field(FILE *file, const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, file);
		return;
	}
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', file);
		fputc(*text, file);
	}
	fputc('"', file);
}

/* A counter, or nothing where it does not apply. */
static void csv_count(FILE *file, const struct sim_cell *c, const char *name,
		      const struct vm_stats *s)
{
	fputc(',', file);
	for (uint32_t i = 0; i < vm_stat_count; i++)
		if (!strcmp(vm_stat_list[i].name, name) && c->applies[i])
			fprintf(file, "%" PRIu64, vm_stat_get(s, &vm_stat_list[i]));
}

static double ratio(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

/* The header has no column for page sizes and page tables: where there are several, the name of the row tells them apart. */
static void csv_config(FILE *file, const struct sim_report *r, const struct sim_result *res,
		       const struct sim_cell *c)
{
	char name[512], size[SIZE_TEXT_BYTES];
	int n = snprintf(name, sizeof(name), "%.400s", r->options->config_name);

	if (r->n_results > 1)
		n += snprintf(name + n, sizeof(name) - (size_t)n, "/%s",
			      size_text(size, res->page_size));
	if (r->options->n_tables > 1)
		snprintf(name + n, sizeof(name) - (size_t)n, "/%s", c->table);
	csv_field(file, name);
}

static void csv_row(FILE *file, const struct sim_report *r, const struct sim_result *res,
		    const struct sim_cell *c, const struct vm_stats *s)
{
	const struct sim_options *o = r->options;
	struct sim_cell part = *c;
	char params[256];

	part.stats = *s;
	part.extra_ns = s == &c->stats ? c->extra_ns : 0;
	csv_config(file, r, res, c);
	fprintf(file, ",%s,%u,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.9f",
		sim_policy_name(c->policy), c->frames, s->accesses, s->reads, s->writes, s->faults,
		ratio(s->faults, s->accesses));
	csv_count(file, c, "tlb_hits", s);
	csv_count(file, c, "tlb_misses", s);
	fputc(',', file);
	if (sim_cell_has(c, "tlb_hits"))
		fprintf(file, "%.9f", ratio(s->tlb_hits, s->tlb_hits + s->tlb_misses));
	csv_count(file, c, "store_reads", s);
	csv_count(file, c, "store_writes", s);
	csv_count(file, c, "evictions", s);
	if (sim_cell_has(c, "store_reads"))
		fprintf(file, ",%.3f", sim_amt_ns(o, &part));
	else
		fputc(',', file);
	fputc(',', file);
	if (c->cpu_ns && s == &c->stats)
		fprintf(file, "%.3f", (double)c->cpu_ns / 1e6);
	sim_policy_params(c->policy, params, sizeof(params));
	fprintf(file, ",%s,", r->results[0].sha256);
	csv_field(file, params);
	fprintf(file, ",%" PRIu64 ",%s,%" PRIu64, c->seed, sim_fidelity(o, res, c),
		res->totals.warmup);
	if (c->bracketed && s == &c->stats)
		fprintf(file, ",%" PRIu64 ",%" PRIu64, c->faults_low, c->faults_high);
	else if (r->results[0].window)
		fputs(",,", file);
}

/* What was counted between two rows; peaks stay. */
static struct vm_stats row_stats(const struct sim_cell *c, uint32_t k)
{
	struct vm_stats s = c->rows[k];

	for (uint32_t i = 0; k && i < vm_stat_count; i++)
		if (!vm_stat_is_peak(&vm_stat_list[i]))
			*(uint64_t *)((char *)&s + vm_stat_list[i].offset) -=
				vm_stat_get(&c->rows[k - 1], &vm_stat_list[i]);
	return s;
}

static void csv_rows(FILE *file, const struct sim_report *r, const struct sim_result *res,
		     const struct sim_cell *c)
{
	uint64_t first = res->totals.warmup;

	for (uint32_t k = 0; r->options->interval_text && k < c->n_rows; k++) {
		struct vm_stats s = row_stats(c, k);

		csv_row(file, r, res, c, &s);
		fprintf(file, ",%u,%" PRIu64 ",%" PRIu64, k, first, res->rows[k].pages);
		if (r->options->interval_ns)
			fprintf(file, ",%" PRIu64, res->rows[k].start_ns);
		fputc('\n', file);
		first += res->rows[k].references;
	}
}

static int csv_write(FILE *file, const void *arg)
{
	const struct sim_report *r = arg;
	const struct sim_options *o = r->options;
	bool intervals = o->interval_text != NULL;

	fprintf(file, SIM_CSV_HEADER "%s%s%s\n",
		r->results[0].window ? ",faults_low,faults_high" : "",
		intervals ? ",interval,first_access,working_set_pages" : "",
		o->interval_ns ? ",interval_start_ns" : "");
	for (uint32_t k = 0; k < r->n_results; k++) {
		const struct sim_result *res = &r->results[k];

		for (uint32_t i = 0; i < res->n_cells; i++) {
			csv_row(file, r, res, &res->cells[i], &res->cells[i].stats);
			fprintf(file, "%s%s\n", intervals ? ",,," : "", o->interval_ns ? "," : "");
			csv_rows(file, r, res, &res->cells[i]);
		}
	}
	return 0;
}

int sim_report_csv(const struct sim_report *r, const char *path)
{
	return output_write(path, csv_write, r);
}
