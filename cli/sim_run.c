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

#define OPT_MEMORY_BYTES (256ull << 20) /* of opt's table; a larger one is a temporary file */

/* --- the trace --------------------------------------------------------------------------------------------------- */

int sim_open(struct trace_source *t, const struct sim_options *o)
{
	struct trace_problem problem = { 0 };
	int err = trace_source_open(t, o->trace, (uint32_t)__builtin_ctzll(o->page_size), &problem);

	if (err) {
		trace_complain(o->trace, err, &problem);
		return err;
	}
	if (trace_header(t->reader)->fidelity == TRACE_FULL)
		return 0;
	complain(o->trace, "Replay a full trace: `vmm gen`, lackey, drmemtrace.",
		 "it does not hold every reference, and a replay of the others would mislead");
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

/* --- replays ----------------------------------------------------------------------------------------------------- */

static void cell_complain(const struct sim_options *o, const struct replay_source *source,
			  const struct sim_cell *cell, int err)
{
	char what[64];

	if (!cell) {
		sim_complain(o, source, err);
		return;
	}
	snprintf(what, sizeof(what), "policy '%.40s'", sim_policy_name(cell->policy));
	complain(what, NULL, "with %u frames: %s", cell->frames,
		 err == -EINVAL ? "it chose a frame that is no victim" : strerror(-err));
}

/* Every cell but opt's. */
static int sweep_cells(const struct sim_options *o, struct replay_source *source, uint64_t warmup,
		       struct sim_result *r)
{
	struct sweep s = { .source = source,
			   .jobs = (uint32_t)o->jobs,
			   .references_max = o->accesses_max,
			   .warmup = warmup,
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
			.seed = o->seed,
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
	for (uint32_t i = 0; i < s.n_cells; i++) {
		of[i]->stats = cells[i].stats;
		of[i]->cpu_ns = cells[i].cpu_ns;
	}
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
		err = opt_table_make(&table, source, r->totals.references, OPT_MEMORY_BYTES);
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

int sim_run(const struct sim_options *o, struct replay_source *source, uint64_t warmup,
	    struct sim_result *r)
{
	double start = now_s();
	int err = sweep_cells(o, source, warmup, r);

	if (!err && r->totals.references)
		err = opt_cells(o, source, r);
	r->elapsed_s = now_s() - start;
	return err;
}
