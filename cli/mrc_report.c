/* SPDX-License-Identifier: Apache-2.0 */
/* mrc_report.c - curves as a plot of text, CSV and JSON (mrc.h). */
#include "cli/cli.h"
#include "cli/mrc.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/sim_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define WIDTH 68
#define HEIGHT 18

static const char marks[] = "*o+x#@%&";
static const char *const methods[] = {
	[MRC_STACK] = "from stack distances",
	[MRC_OPT] = "from next uses",
	[MRC_REPLAY] = "replayed",
	[MRC_SAMPLE] = "SHARDS, mean and 95% interval over salts",
	[MRC_WINDOW] = "from stack distances",
};

/* How far the curve can be trusted: as in `fidelity` of a replay. */
static const char *fidelity_of(const struct mrc *m, const struct mrc_curve *c)
{
	uint32_t i = 0;

	if (c->method == MRC_SAMPLE)
		return "sampled";
	if (m->result.fidelity == TRACE_FULL)
		return "exact";
	while (c->method == MRC_WINDOW && !m->options->force && i < c->n_points &&
	       c->points[i].low == c->points[i].high)
		i++;
	return i == c->n_points                     ? "exact"
	       : m->result.fidelity == TRACE_WINDOW ? "window"
						    : "faults";
}

static bool has_ends(const struct mrc *m, const struct mrc_curve *c)
{
	return c->method == MRC_SAMPLE || (c->method == MRC_WINDOW && !m->options->force);
}

static char mark_of(uint32_t curve)
{
	return marks[curve % (sizeof(marks) - 1)];
}

static double counted(const struct mrc *m)
{
	return (double)(m->result.totals.references - m->result.totals.warmup);
}

/* --- the plot ---------------------------------------------------------------------------------------------------- */

/* Column of a size on a logarithmic axis. */
static int column_of(const struct mrc *m, uint32_t frames)
{
	const struct mrc_curve *c = &m->curves[0];
	double low = log(c->points[0].frames), high = log(c->points[c->n_points - 1].frames);

	if (high <= low)
		return 0;
	return (int)((log(frames) - low) / (high - low) * (WIDTH - 1) + 0.5);
}

static double highest(const struct mrc *m)
{
	double high = 0;

	for (uint32_t k = 0; k < m->n_curves; k++)
		for (uint32_t i = 0; i < m->curves[k].n_points; i++)
			if (high < m->curves[k].points[i].misses)
				high = m->curves[k].points[i].misses;
	return high > 0 ? high : 1;
}

/* Linear between the points, so that the curve has no gaps. */
static double misses_at(const struct mrc *m, const struct mrc_curve *c, int column)
{
	uint32_t i = 0;
	int left, right;

	while (i + 1 < c->n_points && column_of(m, c->points[i + 1].frames) <= column)
		i++;
	left = column_of(m, c->points[i].frames);
	if (i + 1 == c->n_points || left == column)
		return c->points[i].misses;
	right = column_of(m, c->points[i + 1].frames);
	return c->points[i].misses +
	       (c->points[i + 1].misses - c->points[i].misses) * (column - left) / (right - left);
}

static void plot_draw(const struct mrc *m, double high, char grid[HEIGHT][WIDTH])
{
	memset(grid, ' ', HEIGHT * WIDTH);
	for (uint32_t k = m->n_curves; k-- > 0;)
		for (int x = 0; x < WIDTH; x++) {
			double y = misses_at(m, &m->curves[k], x) / high;

			if (m->curves[k].n_points == 1 && x)
				break;
			grid[HEIGHT - 1 - (int)(y * (HEIGHT - 1) + 0.5)][x] = mark_of(k);
		}
}

static void plot_axis(const struct mrc *m)
{
	const struct mrc_curve *c = &m->curves[0];
	uint32_t low = c->points[0].frames, high = c->points[c->n_points - 1].frames;
	char size[SIZE_TEXT_BYTES], left[64], right[64];

	snprintf(left, sizeof(left), "%u frame%s (%s)", low, low == 1 ? "" : "s",
		 size_text(size, low * m->options->page_size));
	snprintf(right, sizeof(right), "%u frames (%s)", high,
		 size_text(size, high * m->options->page_size));
	printf("         +");
	for (int x = 0; x < WIDTH; x++)
		putchar('-');
	printf("\n          %-*s%s\n\n", WIDTH - (int)strlen(right), left, right);
}

/* In words. A bracket is as wide as where it is widest. */
static const char *exactness(const struct mrc *m, const struct mrc_curve *c)
{
	static char text[96];
	double widest = 0;

	if (!strcmp(fidelity_of(m, c), "exact"))
		return "exact";
	if (!has_ends(m, c))
		return "approximate";
	for (uint32_t i = 0; i < c->n_points; i++)
		if (widest < c->points[i].high - c->points[i].low)
			widest = c->points[i].high - c->points[i].low;
	snprintf(text, sizeof(text), "the program's is within a bracket of at most %.0f misses",
		 widest);
	return text;
}

/* The smallest memory in which the miss ratio is at most 1.01 times that of all memory: where more does not help. */
static void curve_line(const struct mrc *m, uint32_t k)
{
	const struct mrc_curve *c = &m->curves[k];
	double least = c->points[c->n_points - 1].misses;
	bool is_sample = c->method == MRC_SAMPLE;
	char size[SIZE_TEXT_BYTES], params[256];
	uint32_t i = 0;

	while (c->points[i].misses > least * 1.01)
		i++;
	sim_policy_params(c->policy, params, sizeof(params));
	printf("  %c %s%s%s: %s%s%s", mark_of(k), sim_policy_name(c->policy), params[0] ? ":" : "",
	       params, is_sample ? "" : exactness(m, c), is_sample ? "" : ", ", methods[c->method]);
	if (c->n_points > 1)
		printf("; flat from %u frames (%s) on, at %.3f%%", c->points[i].frames,
		       size_text(size, c->points[i].frames * m->options->page_size),
		       100 * c->points[i].misses / counted(m));
	putchar('\n');
}

void mrc_plot(const struct mrc *m)
{
	const struct sweep_totals *t = &m->result.totals;
	char grid[HEIGHT][WIDTH], size[SIZE_TEXT_BYTES];
	double high = highest(m);

	plot_draw(m, high, grid);
	printf("%s: %.0f references to %u pages (%s); misses in percent of them\n\n",
	       m->options->trace, counted(m), t->pages,
	       size_text(size, t->pages * m->options->page_size));
	for (int y = 0; y < HEIGHT; y++) {
		if (y % 4 == 1 || y == 0)
			printf("%7.2f%% |",
			       100 * high / counted(m) * (HEIGHT - 1 - y) / (HEIGHT - 1));
		else
			printf("         |");
		printf("%.*s\n", WIDTH, grid[y]);
	}
	plot_axis(m);
	for (uint32_t k = 0; k < m->n_curves; k++)
		curve_line(m, k);
	if (m->rate > 0)
		printf("  sample: %.0f pages, a share of %.6f, in each of %" PRIu64 " salts\n",
		       m->in_sample, m->rate, m->options->salts);
	printf("  %.2f s", m->result.elapsed_s);
	if (m->result.opt_file_bytes)
		printf("; opt's table of next uses took %s of temporary file",
		       size_text(size, m->result.opt_file_bytes));
	putchar('\n');
}

/* --- CSV and JSON ------------------------------------------------------------------------------------------------ */

/* The counts are whole but for samples. */
static int csv_write(FILE *file, const void *arg)
{
	const struct mrc *m = arg;
	char params[256];

	fputs("policy,params,frames,bytes,references,misses,miss_ratio,miss_ratio_low,"
	      "miss_ratio_high,fidelity\n",
	      file);
	for (uint32_t k = 0; k < m->n_curves; k++) {
		const struct mrc_curve *c = &m->curves[k];

		sim_policy_params(c->policy, params, sizeof(params));
		for (uint32_t i = 0; i < c->n_points; i++) {
			const struct mrc_point *p = &c->points[i];

			fprintf(file, "%s,", sim_policy_name(c->policy));
			csv_field(file, params);
			fprintf(file, ",%u,%" PRIu64 ",%.0f,%.0f,%.9f,%.9f,%.9f,%s\n", p->frames,
				p->frames * m->options->page_size, counted(m), p->misses,
				p->misses / counted(m), p->low / counted(m), p->high / counted(m),
				fidelity_of(m, c));
		}
	}
	return 0;
}

int mrc_csv(const struct mrc *m, const char *path)
{
	return output_write(path, csv_write, m);
}

static json_t *curve_tree(const struct mrc *m, const struct mrc_curve *c)
{
	json_t *points = json_array();
	char params[256];

	sim_policy_params(c->policy, params, sizeof(params));
	for (uint32_t i = 0; i < c->n_points; i++) {
		const struct mrc_point *p = &c->points[i];
		json_t *point = json_pack("{s:I, s:I, s:f}", "frames", (json_int_t)p->frames,
					  "misses", (json_int_t)(p->misses + 0.5), "miss_ratio",
					  p->misses / counted(m));

		if (c->method == MRC_SAMPLE && point)
			json_object_set_new(point, "miss_ratio_interval",
					    json_pack("[f, f]", p->low / counted(m),
						      p->high / counted(m)));
		else if (has_ends(m, c) && point)
			json_object_set_new(point, "bounds",
					    json_pack("{s:[I, I]}", "misses", (json_int_t)p->low,
						      (json_int_t)p->high));
		json_array_append_new(points, point);
	}
	return json_pack("{s:s, s:s, s:s, s:b, s:o}", "policy", sim_policy_name(c->policy),
			 "params", params, "fidelity", fidelity_of(m, c), "approximate",
			 strcmp(fidelity_of(m, c), "exact") != 0, "points", points);
}

int mrc_json(const struct mrc *m, char **argv, const char *path)
{
	const struct sweep_totals *t = &m->result.totals;
	json_t *curves = json_array(), *root;

	for (uint32_t k = 0; k < m->n_curves; k++)
		json_array_append_new(curves, curve_tree(m, &m->curves[k]));
	root = json_pack("{s:i, s:s, s:o, s:I, s:I, s:I, s:I, s:f, s:o}", "schema", REPORT_SCHEMA,
			 "mode", "mrc", "provenance", sim_provenance(m->options, &m->result, argv),
			 "page_size", (json_int_t)m->options->page_size, "references",
			 (json_int_t)(t->references - t->warmup), "warmup", (json_int_t)t->warmup,
			 "trace_pages", (json_int_t)t->pages, "elapsed_s", m->result.elapsed_s,
			 "curves", curves);
	if (root && m->rate > 0)
		json_object_set_new(root, "sample",
				    json_pack("{s:f, s:f, s:I}", "rate", m->rate, "pages",
					      m->in_sample, "salts",
					      (json_int_t)m->options->salts));
	return sim_json_write(root, path);
}
