/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mrc.c - making miss-ratio curves (mrc.h).
 *
 * The first pass makes lru's distances, or the samples, and counts references and pages; the sizes that are shown follow from the
 * pages unless they were given. opt and the policies that are replayed take a pass each.
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
	bool exact; /* distances are wanted */
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

/* A block, of which the first `warm` references only warm up. */
static int first_feed(struct first_pass *f, const uint32_t *refs, size_t n, size_t warm,
		      uint32_t pages, uint32_t *distance)
{
	int err = 0;

	for (uint32_t k = 0; k < f->n_samples && !err; k++) {
		err = shards_feed(f->samples[k], refs, warm);
		if (warm)
			shards_warm(f->samples[k]);
		if (!err)
			err = shards_feed(f->samples[k], refs + warm, n - warm);
	}
	if (err || !f->exact)
		return err;
	err = histogram_reserve(f, pages);
	if (!err)
		err = stack_distance_feed(&f->stack, refs, n, pages, distance);
	for (size_t i = warm; i < n && !err; i++)
		if (distance[i] != STACK_DISTANCE_COLD)
			f->by_distance[distance[i]]++;
	return err;
}

static void pages_seen(struct sweep_totals *t, const uint32_t *refs, size_t warm)
{
	for (size_t i = 0; i < warm; i++)
		if ((refs[i] & REPLAY_PAGE) >= t->pages_cold)
			t->pages_cold = (refs[i] & REPLAY_PAGE) + 1;
}

static int first_run(struct mrc *m, struct first_pass *f, struct replay_source *source,
		     uint64_t warmup)
{
	uint32_t *refs = malloc(BLOCK * sizeof(*refs)), *distance = malloc(BLOCK * sizeof(*refs));
	struct sweep_totals *t = &m->result.totals;
	uint64_t max = m->options->accesses_max ? m->options->accesses_max : UINT64_MAX;
	struct progress p;
	size_t n = 1;
	int err = refs && distance ? 0 : -ENOMEM;

	progress_begin(&p,
		       f->n_samples ? "sampling"
		       : f->exact   ? "distances"
				    : "counting",
		       m->options->quiet);
	while (!err && t->references < max) {
		uint64_t left = max - t->references, cold = warmup - t->warmup;
		size_t warm;

		err = source->read(source, refs, left < BLOCK ? (size_t)left : BLOCK, &n);
		if (err || !n)
			break;
		warm = cold < n ? (size_t)cold : n;
		pages_seen(t, refs, warm);
		for (size_t i = warm; i < n; i++)
			t->writes += refs[i] >> 31;
		t->warmup += warm;
		t->references += n;
		err = first_feed(f, refs, n, warm, source->pages, distance);
		progress_update(&p, t->references, source->done);
	}
	progress_end(&p);
	t->pages = source->pages;
	t->pages_cold = t->pages - t->pages_cold;
	free(refs);
	free(distance);
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

/* A sample cannot tell sizes below the pages that one sampled page stands for. */
static uint32_t least_size(const struct mrc *m)
{
	double least = m->rate > 0 ? ceil(1 / m->rate) : 1;

	return least < m->result.totals.pages ? (uint32_t)least : m->result.totals.pages;
}

static void rates_note(struct mrc *m, const struct first_pass *f)
{
	for (uint32_t k = 0; k < f->n_samples; k++) {
		m->rate += shards_rate(f->samples[k]) / f->n_samples;
		m->in_sample += (double)shards_pages(f->samples[k]) / f->n_samples;
	}
}

/* --- curves ------------------------------------------------------------------------------------------------------ */

static void stack_curve(const struct mrc *m, const struct first_pass *f, struct mrc_curve *c)
{
	uint64_t counted = m->result.totals.references - m->result.totals.warmup, hits = 0;
	uint32_t d = 1;

	for (uint32_t i = 0; i < c->n_points; i++) {
		for (; d <= c->points[i].frames && d < f->distances; d++)
			hits += f->by_distance[d];
		c->points[i].misses = (double)(counted - hits);
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
		c->points[i].misses = mean * counted;
		c->points[i].half = half * counted;
	}
}

static enum mrc_method method_of(const struct sim_options *o, const struct sim_policy *p)
{
	if (p->opt)
		return MRC_OPT;
	if (strcmp(p->ops->name, "lru") != 0)
		return MRC_REPLAY;
	return o->sample_rate > 0 ? MRC_SAMPLE : MRC_STACK;
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
		c->method = method_of(o, c->policy);
		c->points = calloc(n, sizeof(*c->points));
		if (!c->points)
			return -ENOMEM;
		c->n_points = n;
		for (uint32_t i = 0; i < n; i++)
			c->points[i].frames = sizes[i];
	}
	return 0;
}

/* opt and all policies that are replayed, with the cells of `vmm sim`. */
static int replay_curves(struct mrc *m, struct replay_source *source, const uint32_t *sizes,
			 uint32_t n)
{
	struct sim_result r = { .n_cells = 0 };
	int err;

	r.cells = calloc((size_t)m->n_curves * n, sizeof(*r.cells));
	if (!r.cells)
		return -ENOMEM;
	for (uint32_t k = 0; k < m->n_curves; k++)
		for (uint32_t i = 0; m->curves[k].method <= MRC_REPLAY && i < n; i++)
			if (m->curves[k].method != MRC_STACK)
				r.cells[r.n_cells++] =
					(struct sim_cell){ .policy = m->curves[k].policy,
							   .frames = sizes[i],
							   .seed = m->options->seed };
	err = r.n_cells ? sim_rewind(m->options, source) : 0;
	if (!err && r.n_cells)
		err = sim_run(m->options, source, m->result.totals.warmup, &r);
	if (err == -EXDEV)
		complain(m->options->trace, "`vmm sim -a opt` with a list of sizes counts them.",
			 "opt's curve needs a trace in which no page is unmapped");
	for (uint32_t k = 0, at = 0; k < m->n_curves && !err; k++)
		for (uint32_t i = 0; m->curves[k].method <= MRC_REPLAY && i < n; i++)
			if (m->curves[k].method != MRC_STACK)
				m->curves[k].points[i].misses = (double)r.cells[at++].stats.faults;
	m->result.opt_file_bytes = r.opt_file_bytes;
	sim_result_destroy(&r);
	return err;
}

static int first_make(const struct sim_options *o, struct first_pass *f)
{
	memset(f, 0, sizeof(*f));
	for (uint32_t k = 0; k < o->n_policies; k++) {
		enum mrc_method method = method_of(o, &o->policies[k]);

		f->exact |= method == MRC_STACK;
		if (method == MRC_SAMPLE)
			f->n_samples = (uint32_t)o->salts;
	}
	for (uint32_t k = 0; k < f->n_samples; k++) {
		f->samples[k] =
			shards_create(o->sample_rate, (uint32_t)o->sample_pages, o->seed + k);
		if (!f->samples[k])
			return -ENOMEM;
	}
	return f->exact ? stack_distance_init(&f->stack) : 0;
}

static void first_destroy(struct first_pass *f)
{
	for (uint32_t k = 0; k < f->n_samples; k++)
		shards_destroy(f->samples[k]);
	stack_distance_destroy(&f->stack);
	free(f->by_distance);
}

int mrc_make(struct mrc *m, struct replay_source *source)
{
	struct first_pass f;
	uint64_t warmup = 0;
	uint32_t *sizes = NULL, n = 0;
	double start = now_s();
	int err = first_make(m->options, &f), quiet = 0;

	if (!err)
		err = quiet = sim_warmup(m->options, source, &warmup);
	if (!err)
		err = first_run(m, &f, source, warmup);
	rates_note(m, &f);
	if (!err && m->result.totals.references == m->result.totals.warmup) {
		complain(m->options->trace, NULL, "there is no reference %s",
			 m->result.totals.warmup ? "after the warm-up" : "in it");
		err = quiet = -EINVAL;
	}
	if (!err)
		err = sizes_choose(m->options, least_size(m), m->result.totals.pages, &sizes, &n);
	if (!err && m->options->n_sizes && sizes[0] < least_size(m)) {
		complain("--sample", "Take a larger sample, or leave --sample out.",
			 "%u frames are too few for it: a sampled page stands for %u pages",
			 sizes[0], least_size(m));
		err = quiet = -EINVAL;
	}
	if (!err)
		err = curves_make(m, sizes, n);
	for (uint32_t k = 0; k < m->n_curves && !err; k++) {
		if (m->curves[k].method == MRC_STACK)
			stack_curve(m, &f, &m->curves[k]);
		else if (m->curves[k].method == MRC_SAMPLE)
			sample_curve(m, &f, &m->curves[k]);
	}
	if (err && !quiet)
		sim_complain(m->options, source, err);
	if (!err)
		err = replay_curves(m, source, sizes, n);
	m->result.elapsed_s = now_s() - start;
	first_destroy(&f);
	free(sizes);
	return err;
}

void mrc_destroy(struct mrc *m)
{
	for (uint32_t k = 0; k < m->n_curves; k++)
		free(m->curves[k].points);
	free(m->curves);
}
