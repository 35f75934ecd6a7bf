/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mrc.c - making miss-ratio curves (mrc.h).
 *
 * The first pass makes lru's distances, or the samples, and counts references and pages; the sizes that are shown follow from the
 * pages unless they were given. opt and the policies that are replayed take a pass each; where one of those needs the full
 * model, all of them are simulated by it.
 */
#include "cli/mrc.h"
#include "cli/cli.h"
#include "core/replay/shards.h"
#include "core/replay/stack_distance.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 65536u
#define SALTS_MAX 64

/* What the first pass collects. */
struct first_pass {
	struct stack_distance stack;
	uint64_t *by_distance; /* references counted; distances from 1 */
	uint32_t distances;    /* entries of by_distance */
	struct shards *samples[SALTS_MAX];
	uint32_t n_samples;
	uint32_t *distance; /* of a block */
	bool exact;         /* distances are wanted */
};

static int histogram_reserve(struct first_pass *f, uint32_t pages)
{
	size_t n = f->distances ? f->distances : 1024;
	uint64_t *p;

	if (pages < f->distances)
		return 0;
	while (n <= pages)
		n *= 2;
	p = realloc(f->by_distance, n * sizeof(*p));
	if (!p)
		return -ENOMEM;
	memset(p + f->distances, 0, (n - f->distances) * sizeof(*p));
	f->by_distance = p;
	f->distances = (uint32_t)n;
	return 0;
}

/* References between two events; `pages` is the bound of their ids. */
static int stretch_feed(struct first_pass *f, const uint32_t *refs, size_t n, uint32_t pages,
			bool warm)
{
	int err = 0;

	for (uint32_t k = 0; k < f->n_samples && !err; k++)
		err = shards_feed(f->samples[k], refs, n);
	if (err || !f->exact)
		return err;
	err = histogram_reserve(f, pages);
	if (!err)
		err = stack_distance_feed(&f->stack, refs, n, pages, f->distance);
	for (size_t i = 0; i < n && !warm && !err; i++)
		if (f->distance[i] != STACK_DISTANCE_COLD)
			f->by_distance[f->distance[i]]++;
	return err;
}

static int page_gone(struct first_pass *f, uint32_t page)
{
	int err = f->exact ? stack_distance_gone(&f->stack, page) : 0;

	for (uint32_t k = 0; k < f->n_samples && !err; k++)
		err = shards_gone(f->samples[k], page);
	return err;
}

static int block_feed(struct first_pass *f, const struct pass_block *b)
{
	size_t at = 0;
	int err = 0;

	for (uint32_t k = 0; k <= b->events.n && !err; k++) {
		const struct replay_gone *g = k < b->events.n ? &b->events.list[k] : NULL;
		size_t to = g ? g->at : b->n;

		err = stretch_feed(f, b->refs + at, to - at, b->pages, b->warm);
		at = to;
		for (uint32_t i = 0; g && i < g->count && !err; i++)
			err = page_gone(f, b->events.ids[g->first + i]);
	}
	for (uint32_t k = 0; k < f->n_samples && b->warm; k++)
		shards_warm(f->samples[k]);
	return err;
}

static int first_run(struct mrc *m, struct first_pass *f, struct replay_source *source,
		     uint64_t warmup)
{
	struct pass pass = { .source = source,
			     .references_max = m->options->accesses_max,
			     .warmup = warmup,
			     .block = BLOCK,
			     .events = true };
	struct pass_block block;
	struct progress p;
	bool more = true;
	int err = pass_block_init(&block, BLOCK);

	progress_begin(&p,
		       f->n_samples ? "sampling"
		       : f->exact   ? "distances"
				    : "counting",
		       m->options->quiet);
	while (!err && more) {
		err = pass_read(&pass, &block, &more);
		if (!err)
			err = block_feed(f, &block);
		progress_update(&p, pass.totals.references, source->done);
	}
	progress_end(&p);
	m->result.totals = pass.totals;
	pass_block_destroy(&block);
	pass_destroy(&pass);
	return err;
}

/* --- sizes ------------------------------------------------------------------------------------------------------- */

/*
 * Spaced evenly on a logarithmic scale from `least` to all pages, each once; with 0 points every size.
 */
static int sizes_choose(const struct sim_options *o, uint32_t least, uint32_t pages,
			uint32_t **sizes, uint32_t *n)
{
	uint32_t all = pages - least + 1, *list;
	uint64_t points = o->points && o->points < all ? o->points : all;
	double step = points > 1 ? log((double)pages / least) / (double)(points - 1) : 0;

	*n = 0;
	if (o->n_sizes)
		points = o->n_sizes;
	*sizes = list = calloc(points + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	if (o->n_sizes) {
		memcpy(list, o->sizes, o->n_sizes * sizeof(*list));
		*n = o->n_sizes;
		return 0;
	}
	for (uint64_t i = 0; i < points; i++) {
		double x = points == all ? (double)i + least : least * exp(step * (double)i);
		uint32_t size = (uint32_t)(x + 0.5);

		if (!*n || size > list[*n - 1])
			list[(*n)++] = size < pages ? size : pages;
	}
	return 0;
}

static enum mrc_method method_of(const struct mrc *m, const struct sim_policy *p)
{
	const struct sim_options *o = m->options;

	if (m->result.full)
		return MRC_REPLAY;
	if (p->opt)
		return MRC_OPT;
	if (strcmp(p->ops->name, "lru") != 0)
		return MRC_REPLAY;
	if (m->result.window)
		return MRC_WINDOW;
	return o->sample_rate > 0 ? MRC_SAMPLE : MRC_STACK;
}

static bool bracket_wanted(const struct mrc *m)
{
	bool wanted = false;

	for (uint32_t k = 0; k < m->options->n_policies; k++)
		wanted |= method_of(m, &m->options->policies[k]) == MRC_WINDOW;
	return wanted && !m->options->force;
}

/* A sample cannot tell sizes below the pages that one sampled page stands for, nor a window lru below twice its own. */
static uint32_t least_size(const struct mrc *m)
{
	double least = m->rate > 0 ? ceil(1 / m->rate) : 1;

	if (bracket_wanted(m))
		return 2 * m->result.window;
	return least < m->result.totals.pages ? (uint32_t)least : m->result.totals.pages;
}

/* The sizes that were given can be answered. Complains itself. */
static int sizes_check(const struct mrc *m)
{
	const struct sim_options *o = m->options;
	uint32_t least = least_size(m);
	int err = 0;

	for (uint32_t i = 0; i < o->n_sizes && !err; i++) {
		if (bracket_wanted(m)) {
			err = sim_window_check(o, m->result.window, o->sizes[i]);
		} else if (o->sizes[i] < least) {
			complain("--sample", "Take a larger sample, or leave --sample out.",
				 "%u frames are too few for it: a sampled page stands for %u pages",
				 o->sizes[i], least);
			err = -EINVAL;
		}
	}
	return err;
}

static void rates_note(struct mrc *m, const struct first_pass *f)
{
	for (uint32_t k = 0; k < f->n_samples; k++) {
		m->rate += shards_rate(f->samples[k]) / f->n_samples;
		m->in_sample += (double)shards_pages(f->samples[k]) / f->n_samples;
	}
}

/* --- curves ------------------------------------------------------------------------------------------------------ */

static void point_set(struct mrc_point *p, double misses, double half)
{
	p->misses = misses;
	p->low = misses - half;
	p->high = misses + half;
}

static void stack_curve(const struct mrc *m, const struct first_pass *f, struct mrc_curve *c)
{
	uint64_t counted = m->result.totals.references - m->result.totals.warmup, hits = 0;
	uint32_t d = 1;

	for (uint32_t i = 0; i < c->n_points; i++) {
		for (; d <= c->points[i].frames && d < f->distances; d++)
			hits += f->by_distance[d];
		point_set(&c->points[i], (double)(counted - hits), 0);
	}
}

static void sample_curve(const struct mrc *m, const struct first_pass *f, struct mrc_curve *c)
{
	double counted = (double)(m->result.totals.references - m->result.totals.warmup);
	double ratio[SALTS_MAX], mean, half;

	for (uint32_t i = 0; i < c->n_points; i++) {
		for (uint32_t k = 0; k < f->n_samples; k++)
			ratio[k] = shards_miss_ratio(f->samples[k], c->points[i].frames);
		shards_interval(ratio, f->n_samples, &mean, &half);
		point_set(&c->points[i], mean * counted, half * counted);
	}
}

static int curves_make(struct mrc *m, const uint32_t *sizes, uint32_t n)
{
	const struct sim_options *o = m->options;

	m->curves = calloc(o->n_policies, sizeof(*m->curves));
	if (!m->curves)
		return -ENOMEM;
	m->n_curves = o->n_policies;
	for (uint32_t k = 0; k < m->n_curves; k++) {
		struct mrc_curve *c = &m->curves[k];

		c->policy = &o->policies[k];
		c->method = method_of(m, c->policy);
		c->points = calloc((size_t)n + 1, sizeof(*c->points));
		if (!c->points)
			return -ENOMEM;
		c->n_points = n;
		for (uint32_t i = 0; i < n; i++)
			c->points[i].frames = sizes[i];
	}
	return 0;
}

/* wsclock writes back, which only the full model does; all cells then go through it. */
static bool policies_need_full(const struct sim_options *o)
{
	bool full = false;

	for (uint32_t k = 0; k < o->n_policies; k++)
		full |= sim_policy_needs_full(&o->policies[k]);
	return full;
}

static int cells_run(struct mrc *m, struct trace_source *trace, const struct sim_count *count,
		     struct sim_result *r)
{
	const struct sim_options *o = m->options;
	int err = sim_rewind(o, &trace->source);

	if (err)
		return err;
	trace->stop_at_model = !m->result.full && !policies_need_full(o);
	if (!trace->stop_at_model)
		return sim_run_full(o, trace, count, m->result.totals.warmup, r);
	return sim_run(o, &trace->source, m->result.totals.warmup, r);
}

static bool is_replayed(const struct mrc_curve *c)
{
	return c->method == MRC_OPT || c->method == MRC_REPLAY;
}

/* opt and all policies that are replayed, with the cells of `vmm sim`. */
static int replay_curves(struct mrc *m, struct trace_source *trace, const struct sim_count *count,
			 const uint32_t *sizes, uint32_t n)
{
	struct sim_result r = { .n_cells = 0 };
	int err;

	r.cells = calloc((size_t)m->n_curves * n + 1, sizeof(*r.cells));
	if (!r.cells)
		return -ENOMEM;
	for (uint32_t k = 0; k < m->n_curves; k++)
		for (uint32_t i = 0; is_replayed(&m->curves[k]) && i < n; i++)
			r.cells[r.n_cells++] = (struct sim_cell){ .policy = m->curves[k].policy,
								  .frames = sizes[i],
								  .seed = m->options->seed };
	err = r.n_cells ? cells_run(m, trace, count, &r) : 0;
	for (uint32_t k = 0, at = 0; k < m->n_curves && !err; k++)
		for (uint32_t i = 0; is_replayed(&m->curves[k]) && i < n; i++)
			point_set(&m->curves[k].points[i], (double)r.cells[at++].stats.faults, 0);
	m->result.opt_file_bytes = r.opt_file_bytes;
	sim_result_destroy(&r);
	return err;
}

/* The ends of lru's curve; the curve itself is that of the references of the trace. */
static int bracket_curve(const struct mrc *m, struct trace_source *trace, struct mrc_curve *c)
{
	struct sim_result r = { .window = m->result.window, .n_cells = c->n_points };
	int err = -ENOMEM;

	r.cells = calloc(c->n_points, sizeof(*r.cells));
	for (uint32_t i = 0; r.cells && i < c->n_points; i++)
		r.cells[i] =
			(struct sim_cell){ .policy = c->policy, .frames = c->points[i].frames };
	if (r.cells)
		err = sim_bracket(m->options, trace, m->result.totals.warmup, &r);
	for (uint32_t i = 0; i < c->n_points && !err && r.cells[i].bracketed; i++) {
		c->points[i].low = (double)r.cells[i].faults_low;
		c->points[i].high = (double)r.cells[i].faults_high;
	}
	sim_result_destroy(&r);
	return err;
}

static int first_make(const struct mrc *m, struct first_pass *f)
{
	const struct sim_options *o = m->options;

	memset(f, 0, sizeof(*f));
	for (uint32_t k = 0; k < o->n_policies; k++) {
		enum mrc_method method = method_of(m, &o->policies[k]);

		f->exact |= method == MRC_STACK || method == MRC_WINDOW;
		if (method == MRC_SAMPLE)
			f->n_samples = (uint32_t)o->salts;
	}
	for (uint32_t k = 0; k < f->n_samples; k++) {
		f->samples[k] =
			shards_create(o->sample_rate, (uint32_t)o->sample_pages, o->seed + k);
		if (!f->samples[k])
			return -ENOMEM;
	}
	if (!f->exact)
		return 0;
	f->distance = malloc(BLOCK * sizeof(*f->distance));
	return f->distance ? stack_distance_init(&f->stack) : -ENOMEM;
}

static void first_destroy(struct first_pass *f)
{
	for (uint32_t k = 0; k < f->n_samples; k++)
		shards_destroy(f->samples[k]);
	stack_distance_destroy(&f->stack);
	free(f->by_distance);
	free(f->distance);
}

/* Forks and mappings are beyond distances: references and pages are counted, and then every size is simulated. */
static int full_count(struct mrc *m, struct trace_source *trace, uint64_t warmup,
		      struct sim_count *count)
{
	const struct sim_options *o = m->options;
	int err = 0;

	trace->stop_at_model = false;
	if (o->sample_text) {
		complain("--sample", "Leave it out: every size is simulated then.",
			 "%s has forks or mappings, of which no sample can be taken", o->trace);
		return -ENOTSUP;
	}
	err = sim_twice(o, "a trace with forks or mappings");
	if (!err)
		err = sim_rewind(o, &trace->source);
	if (!err)
		err = sim_count(o, trace, count);
	m->result.full = true;
	m->result.totals = (struct sweep_totals){ .references = count->references,
						  .warmup = warmup < count->references
								    ? warmup
								    : count->references,
						  .pages = (uint32_t)count->pages };
	return err;
}

/* Everything that is known before sizes are chosen. Complains itself. */
static int totals_make(struct mrc *m, struct first_pass *f, struct trace_source *trace,
		       struct sim_count *count)
{
	uint64_t warmup = 0;
	int err = sim_warmup(m->options, &trace->source, &warmup);

	if (err)
		return err;
	trace->stop_at_model = true;
	err = first_run(m, f, &trace->source, warmup);
	if (err == -EXDEV)
		err = full_count(m, trace, warmup, count);
	else if (err)
		sim_complain(m->options, &trace->source, err);
	rates_note(m, f);
	if (!err && m->result.totals.references == m->result.totals.warmup) {
		complain(m->options->trace, NULL, "there is no reference %s",
			 m->result.totals.warmup ? "after the warm-up" : "in it");
		err = -EINVAL;
	}
	return err;
}

static int curves_fill(struct mrc *m, const struct first_pass *f, struct trace_source *trace,
		       const struct sim_count *count)
{
	uint32_t *sizes = NULL, n = 0, least = least_size(m), pages = m->result.totals.pages;
	int err = sizes_check(m);

	if (err)
		return err;
	err = sizes_choose(m->options, least, pages > least ? pages : least, &sizes, &n);
	if (!err)
		err = curves_make(m, sizes, n);
	if (err)
		complain("mrc", NULL, "%s", strerror(-err));
	for (uint32_t k = 0; k < m->n_curves && !err; k++) {
		if (m->curves[k].method == MRC_STACK || m->curves[k].method == MRC_WINDOW)
			stack_curve(m, f, &m->curves[k]);
		else if (m->curves[k].method == MRC_SAMPLE)
			sample_curve(m, f, &m->curves[k]);
		if (m->curves[k].method == MRC_WINDOW)
			err = bracket_curve(m, trace, &m->curves[k]);
	}
	if (!err)
		err = replay_curves(m, trace, count, sizes, n);
	free(sizes);
	return err;
}

int mrc_make(struct mrc *m, struct trace_source *trace)
{
	struct sim_count count = { .n_pids = 0 };
	struct first_pass f;
	double start = now_s();
	int err = first_make(m, &f);

	if (err)
		complain("mrc", NULL, "%s", strerror(-err));
	if (!err)
		err = totals_make(m, &f, trace, &count);
	if (!err)
		err = curves_fill(m, &f, trace, &count);
	m->result.elapsed_s = now_s() - start;
	first_destroy(&f);
	free(count.pids);
	return err;
}

void mrc_destroy(struct mrc *m)
{
	for (uint32_t k = 0; k < m->n_curves; k++)
		free(m->curves[k].points);
	free(m->curves);
}
