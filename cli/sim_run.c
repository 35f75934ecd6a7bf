/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_run.c - replaying a trace (sim_run.h): one pass for all policies that go forward, then one for opt, which must know the
 * whole trace.
 */
#include "cli/sim_run.h"
#include "cli/cli.h"
#include "cli/trace_text.h"
#include "core/replay/opt.h"

#include <errno.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- the trace --------------------------------------------------------------------------------------------------- */

/* Of larger pages a window is not known: it held pages as they were recorded. */
static int recorded_check(const struct trace_source *t, const struct sim_options *o)
{
	const struct trace_header *h = trace_header(t->reader);

	if (h->fidelity != TRACE_WINDOW || h->page_shift == trace_recorded_shift(t->reader))
		return 0;
	complain(o->trace, "Leave -p out, take a full trace, or give --force.",
		 "it was recorded through a window of pages of another size");
	return -ENOTSUP;
}

int sim_open(struct trace_source *t, const struct sim_options *o, enum trace_fidelity least)
{
	struct trace_problem problem = { 0 };
	int err = trace_source_open(t, o->trace, (uint32_t)__builtin_ctzll(o->page_size),
				    o->interval_ns ? TRACE_MASK(TRACE_TIME) : 0, &problem);

	if (err) {
		trace_complain(o->trace, err, &problem);
		return err;
	}
	if (trace_header(t->reader)->fidelity <= least || o->force) {
		err = o->force ? 0 : recorded_check(t, o);
		if (!err)
			return 0;
	} else {
		complain(o->trace,
			 "Take a full trace (`vmm gen`, lackey, drmemtrace), or give --force.",
			 "it does not hold every reference, and the others alone would mislead");
	}
	trace_source_close(t);
	return -ENOTSUP;
}

void sim_complain(const struct sim_options *o, const struct replay_source *source, int err)
{
	const struct trace_source *t = (const struct trace_source *)source;
	const struct trace_problem *problem = trace_problem(t->reader);

	if (err == -ESPIPE)
		complain(o->trace, "Save it to a file first.",
			 "this needs the trace twice, and a pipe can be read once only");
	else if (err == -E2BIG)
		complain("--interval", "Take longer intervals, or fewer policies and sizes.",
			 "more than %u rows in all", SWEEP_ROWS_MAX);
	else if (err == -ENODATA)
		complain("--interval", "Give a number of references, as --interval 100000.",
			 "%s does not say what time it was, so it has no intervals of time",
			 o->trace);
	else
		trace_complain(o->trace, err, problem && problem->what ? problem : NULL);
}

void sim_notes(const struct sim_options *o, const struct trace_source *t, uint64_t references)
{
	if (!o->accesses_max)
		trace_complain_cut(o->trace, t->reader, references);
	if (t->events)
		complain(o->trace,
			 "Pages that were unmapped stay in memory until they are evicted.",
			 "%" PRIu64 " events (map, unmap, discard, fork, exit) were not replayed",
			 t->events);
}

int sim_rewind(const struct sim_options *o, struct replay_source *source)
{
	int err = source->rewind(source);

	if (err)
		sim_complain(o, source, err);
	return err;
}

void trace_sha256(const char *path, char hex[65])
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : NULL;
	uint8_t block[65536], digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx sha;
	size_t n;

	hex[0] = 0;
	if (!file)
		return;
	sha256_init(&sha);
	while ((n = fread(block, 1, sizeof(block), file)))
		sha256_update(&sha, n, block);
	sha256_digest(&sha, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest) && !ferror(file); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	fclose(file);
}

static int show(void *arg, uint64_t references, double done)
{
	progress_update(arg, references, done);
	return 0;
}

static int show_opt(void *arg, double done)
{
	progress_update(arg, 0, done);
	return 0;
}

int sim_warmup(const struct sim_options *o, struct replay_source *source, uint64_t *warmup)
{
	struct sweep s = { .source = source, .references_max = o->accesses_max, .progress = show };
	struct progress p;
	uint32_t bad;
	int err;

	*warmup = o->warmup;
	if (o->warmup_percent <= 0)
		return 0;
	progress_begin(&p, "counting", o->quiet);
	s.progress_arg = &p;
	err = sweep_run(&s, &bad);
	progress_end(&p);
	if (err) {
		sim_complain(o, source, err);
		return err;
	}
	*warmup = (uint64_t)((double)s.totals.references * o->warmup_percent / 100);
	return sim_rewind(o, source);
}

int sim_twice(const struct sim_options *o, const char *why)
{
	struct stat st;

	if (strcmp(o->trace, "-") != 0 && (stat(o->trace, &st) || S_ISREG(st.st_mode)))
		return 0; /* what is missing is said when it is opened */
	complain(o->trace, "Save it to a file first.",
		 "%s needs the trace twice, and a pipe can be read once only", why);
	return -ESPIPE;
}

static int pids_take(const struct trace_reader *r, struct sim_count *c)
{
	uint32_t n = trace_space_count(r);
	const uint32_t *pids = trace_space_pids(r);

	c->pids = calloc((size_t)n + 1, sizeof(*c->pids));
	if (!c->pids)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = 0;

		while (k < c->n_pids && c->pids[k] != pids[i])
			k++;
		if (k == c->n_pids)
			c->pids[c->n_pids++] = pids[i];
	}
	return 0;
}

int sim_count(const struct sim_options *o, struct trace_source *trace, struct sim_count *c)
{
	struct sweep s = { .source = &trace->source,
			   .references_max = o->accesses_max,
			   .progress = show };
	struct progress p;
	uint32_t bad;
	int err;

	progress_begin(&p, "counting", o->quiet);
	s.progress_arg = &p;
	err = sweep_run(&s, &bad);
	progress_end(&p);
	if (!err)
		err = pids_take(trace->reader, c);
	c->references = s.totals.references;
	c->pages = s.totals.pages;
	if (!err)
		err = trace->source.rewind(&trace->source);
	if (err)
		sim_complain(o, &trace->source, err);
	return err;
}

/* --- replays ----------------------------------------------------------------------------------------------------- */

static void cell_complain(const struct sim_options *o, const struct replay_source *source,
			  const struct sim_cell *cell, int err)
{
	char what[64];

	if (err == -EXDEV) /* for the full model */
		return;
	if (!cell) {
		sim_complain(o, source, err);
		return;
	}
	snprintf(what, sizeof(what), "policy '%.40s'", sim_policy_name(cell->policy));
	complain(what, NULL, "with %u frames: %s", cell->frames,
		 err == -EINVAL ? "it chose a frame that is no victim" : strerror(-err));
}

/* The counters that a replay of references has; opt, computed without evictions, has the first ones only. */
static const char *const counted[] = {
	"accesses",        "reads",        "writes",       "faults",
	"faults_zero",     "faults_major", "evictions",    "evictions_clean",
	"evictions_dirty", "store_reads",  "store_writes", "resident_peak_frames",
	"footprint_pages", "unmapped",
};
#define COUNTED (sizeof(counted) / sizeof(counted[0]))
#define COUNTED_OPT 4u

static void applies_set(struct sim_cell *c, size_t n)
{
	for (uint32_t i = 0; i < vm_stat_count; i++)
		for (size_t k = 0; k < n; k++)
			c->applies[i] |= !strcmp(vm_stat_list[i].name, counted[k]);
}

static void cell_take(struct sim_cell *c, const struct sweep_cell *from)
{
	c->stats = from->stats;
	c->rows = from->rows;
	c->n_rows = from->n_rows;
	c->cpu_ns = from->cpu_ns;
	applies_set(c, COUNTED - !from->stats.unmapped);
}

/* Every cell but opt's. */
static int sweep_cells(const struct sim_options *o, struct replay_source *source, uint64_t warmup,
		       struct sim_result *r)
{
	struct sweep s = { .source = source,
			   .jobs = (uint32_t)o->jobs,
			   .references_max = o->accesses_max,
			   .warmup = warmup,
			   .interval = o->interval,
			   .interval_ns = o->interval_ns,
			   .events = true,
			   .progress = show };
	struct sweep_cell *cells = calloc(r->n_cells + 1, sizeof(*cells));
	struct sim_cell **of = calloc(r->n_cells + 1, sizeof(struct sim_cell *));
	struct progress p;
	uint32_t bad;
	int err = -ENOMEM;

	if (!cells || !of) {
		complain("sim", NULL, "out of memory");
		goto out;
	}
	s.cells = cells;
	for (uint32_t i = 0; i < r->n_cells; i++) {
		if (r->cells[i].policy->opt)
			continue;
		of[s.n_cells] = &r->cells[i];
		cells[s.n_cells++].config = (struct replay_config){
			.policy = r->cells[i].policy->spec,
			.frames = r->cells[i].frames,
			.seed = r->cells[i].seed,
			.time_faults = o->time_faults,
		};
	}
	progress_begin(&p, "replaying", o->quiet);
	s.progress_arg = &p;
	err = sweep_run(&s, &bad);
	progress_end(&p);
	if (err)
		cell_complain(o, source, bad < s.n_cells ? of[bad] : NULL, err);
	r->totals = s.totals;
	r->rows = s.rows;
	r->n_rows = s.n_rows;
	for (uint32_t i = 0, k = 0; i < r->n_cells; i++)
		if (!r->cells[i].policy->opt)
			cell_take(&r->cells[i], &cells[k++]);
out:
	free(cells);
	free(of);
	return err;
}

static void opt_take(struct sim_result *r, const uint64_t *misses)
{
	struct vm_stats stats = {
		.accesses = r->totals.references - r->totals.warmup,
		.writes = r->totals.writes,
	};

	stats.reads = stats.accesses - stats.writes;
	for (uint32_t i = 0; i < r->n_cells; i++) {
		if (!r->cells[i].policy->opt)
			continue;
		r->cells[i].stats = stats;
		r->cells[i].stats.faults = *misses++;
		applies_set(&r->cells[i], COUNTED_OPT);
	}
}

static int opt_cells(const struct sim_options *o, struct replay_source *source,
		     struct sim_result *r)
{
	uint32_t *frames = calloc(r->n_cells + 1, sizeof(*frames)), n = 0;
	uint64_t *misses = calloc(r->n_cells + 1, sizeof(*misses));
	struct opt_table table = { .fd = -1 };
	struct progress p;
	int err = frames && misses ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < r->n_cells && !err; i++)
		if (r->cells[i].policy->opt)
			frames[n++] = r->cells[i].frames;
	if (!n)
		goto out;
	err = source->rewind(source);
	progress_begin(&p, "opt", o->quiet);
	if (!err)
		err = opt_table_make(&table, source, r->totals.references, SIM_NEXT_BYTES);
	r->opt_file_bytes = table.file_bytes;
	if (!err)
		err = opt_curve(&table, frames, n, r->totals.warmup, (uint32_t)o->jobs, show_opt,
				&p, misses);
	progress_end(&p);
	if (!err)
		opt_take(r, misses);
out:
	if (err)
		sim_complain(o, source, err);
	opt_table_destroy(&table);
	free(frames);
	free(misses);
	return err;
}

/* What opt's own pass cannot do: rows. */
static bool opt_needs_full(const struct sim_options *o, const struct sim_result *r)
{
	bool opt = false;

	for (uint32_t i = 0; i < r->n_cells; i++)
		opt |= r->cells[i].policy->opt;
	return opt && o->interval_text;
}

int sim_run(const struct sim_options *o, struct replay_source *source, uint64_t warmup,
	    struct sim_result *r)
{
	double start = now_s();
	int err = sweep_cells(o, source, warmup, r);

	if (!err && opt_needs_full(o, r))
		err = -EXDEV;
	if (!err && r->totals.references)
		err = opt_cells(o, source, r);
	r->elapsed_s = now_s() - start;
	return err;
}
