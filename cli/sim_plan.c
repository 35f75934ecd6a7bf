/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_plan.c - what is replayed, and how often the trace is read for that (sim_run.h): a pass that counts when something
 * depends on the whole trace, then the fast engine, and the full model where the fast one cannot.
 */
#include "cli/cli.h"
#include "cli/sim_run.h"
#include "core/replay/chance.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TIMELINE_ROWS 120 /* intervals of --html when --interval does not say */

static const char text_line[] = "A line of a text trace is `<pid> <R|W> <address>`.";

static void cells_reset(struct sim_result *r)
{
	for (uint32_t i = 0; i < r->n_cells; i++) {
		struct sim_cell *c = &r->cells[i];

		free(c->rows);
		free(c->processes);
		*c = (struct sim_cell){
			.policy = c->policy, .table = c->table, .frames = c->frames, .seed = c->seed
		};
	}
	free(r->rows);
	r->rows = NULL;
	r->n_rows = 0;
}

void sim_result_destroy(struct sim_result *r)
{
	cells_reset(r);
	free(r->cells);
	r->cells = NULL;
	r->n_cells = 0;
}

/* Policies that never draw a random number need one seed only. */
static int seeds_of(const struct sim_options *o, const struct sim_policy *p, uint32_t *n)
{
	int draws = o->seeds > 1 && !p->opt ? policy_draws(p->spec) : 0;

	*n = draws > 0 ? (uint32_t)o->seeds : 1;
	return draws < 0 ? draws : 0;
}

static int cells_make(const struct sim_options *o, struct sim_result *r)
{
	uint32_t tables = o->n_tables ? o->n_tables : 1, seeds;
	uint64_t most = (uint64_t)o->n_policies * tables * o->n_sizes * o->seeds;
	int err = 0;

	r->cells = most < UINT32_MAX / 2 ? calloc(most + 1, sizeof(*r->cells)) : NULL;
	for (uint32_t p = 0; p < o->n_policies && r->cells && !err; p++) {
		err = seeds_of(o, &o->policies[p], &seeds);
		for (uint32_t i = 0; i < tables * o->n_sizes * seeds && !err; i++)
			r->cells[r->n_cells++] = (struct sim_cell){
				.policy = &o->policies[p],
				.table = o->tables[i / (o->n_sizes * seeds)],
				.frames = o->sizes[i / seeds % o->n_sizes],
				.seed = o->seed + i % seeds,
			};
	}
	if (!r->cells || err) {
		complain("sim", NULL, "%s", r->cells ? strerror(-err) : "out of memory");
		return err ? err : -ENOMEM;
	}
	return 0;
}

static bool is_pipe(const struct sim_options *o)
{
	struct stat st;

	return !strcmp(o->trace, "-") || (!stat(o->trace, &st) && !S_ISREG(st.st_mode));
}

/* The pass before the others, when something depends on the whole trace. */
static int count(struct sim_options *o, struct trace_source *trace, struct sim_count *c,
		 uint64_t *warmup)
{
	bool timeline = o->html && !o->interval_text && !is_pipe(o);
	int err = 0;

	if (sim_sizes_percent(o) || o->warmup_percent > 0 || o->local || timeline) {
		err = sim_count(o, trace, c);
		if (!err && !c->references) {
			complain(o->trace, text_line, "there is no reference in it");
			err = -EINVAL;
		}
	}
	*warmup = o->warmup_percent > 0
			  ? (uint64_t)((double)c->references * o->warmup_percent / 100)
			  : o->warmup;
	if (timeline)
		o->interval = (c->references - *warmup) / TIMELINE_ROWS + 1;
	return err ? err : sim_sizes_resolve(o, c->pages);
}

static int replay_once(const struct sim_options *o, struct trace_source *trace,
		       const struct sim_count *c, uint64_t warmup, struct sim_result *r)
{
	int err = -EXDEV;

	trace->stop_at_model = true;
	if (!sim_options_full(o))
		err = sim_run(o, &trace->source, warmup, r);
	if (err != -EXDEV)
		return err;
	trace->stop_at_model = false;
	if (!sim_options_full(o)) {
		cells_reset(r);
		err = sim_twice(o, "without --model, a trace with forks, mappings or opt's events");
		if (!err)
			err = sim_rewind(o, &trace->source);
		if (err)
			return err;
	}
	return sim_run_full(o, trace, c, warmup, r);
}

static int by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* --repeat: the counts must be the same each time; the time is the median. */
static int replay_again(const struct sim_options *o, struct trace_source *trace,
			const struct sim_count *c, uint64_t warmup, struct sim_result *r)
{
	uint64_t *times = calloc(o->repeat * r->n_cells + 1, sizeof(*times));
	struct vm_stats *first = calloc(r->n_cells + 1, sizeof(*first));
	int err = times && first ? 0 : -ENOMEM;

	if (err)
		complain("--repeat", NULL, "out of memory");
	for (uint64_t k = 0; k < o->repeat && !err; k++) {
		if (k) {
			cells_reset(r);
			err = sim_rewind(o, &trace->source);
		}
		if (!err)
			err = replay_once(o, trace, c, warmup, r);
		for (uint32_t i = 0; i < r->n_cells && !err; i++) {
			times[i * o->repeat + k] = r->cells[i].cpu_ns;
			if (!k)
				first[i] = r->cells[i].stats;
			if (!memcmp(&first[i], &r->cells[i].stats, sizeof(*first)))
				continue;
			complain("--repeat", "Has the trace changed meanwhile?",
				 "replay %" PRIu64 " of policy %s counted otherwise", k + 1,
				 sim_policy_name(r->cells[i].policy));
			err = -EINVAL;
		}
	}
	for (uint32_t i = 0; i < r->n_cells && !err; i++) {
		qsort(times + i * o->repeat, o->repeat, sizeof(*times), by_time);
		r->cells[i].cpu_ns = times[i * o->repeat + o->repeat / 2];
	}
	free(times);
	free(first);
	return err;
}

/* What is asked of the trace that a pipe cannot give, before it is read. */
static int pipe_check(const struct sim_options *o)
{
	const char *why = NULL;

	if (o->warmup_percent > 0)
		why = "a warm-up in percent";
	if (sim_sizes_percent(o))
		why = "a memory size in percent";
	if (o->local)
		why = "--allocation local";
	if (o->repeat > 1)
		why = "--repeat";
	if (o->n_page_sizes > 1)
		why = "more than one page size";
	for (uint32_t i = 0; i < o->n_policies; i++)
		if (o->policies[i].ops->class == POLICY_X)
			why = "a policy that needs the future";
	return why ? sim_twice(o, why) : 0;
}

/* "sad=K" among the lines that a trace says about its origin. */
static uint64_t reduced_by(const char *meta)
{
	const char *line = meta;

	while (line && strncmp(line, "sad=", 4) != 0) {
		line = strchr(line, '\n');
		line += line != NULL;
	}
	return line ? strtoull(line + 4, NULL, 10) : 0;
}

int sim_all(struct sim_options *o, struct sim_result *r)
{
	struct sim_count c = { .n_pids = 0 };
	struct trace_source trace;
	uint64_t warmup = 0;
	int err = pipe_check(o);

	if (!err)
		err = sim_open(&trace, o, TRACE_WINDOW);
	if (err)
		return err;
	r->page_size = o->page_size;
	r->fidelity = trace_header(trace.reader)->fidelity;
	r->window = trace_header(trace.reader)->window;
	r->reduced = reduced_by(trace_header(trace.reader)->meta);
	err = count(o, &trace, &c, &warmup);
	if (!err)
		err = cells_make(o, r);
	for (uint32_t i = 0; i < r->n_cells && !err && r->window; i++)
		if (sim_is_lru(r->cells[i].policy))
			err = sim_window_check(o, r->window, r->cells[i].frames);
	if (!err)
		err = replay_again(o, &trace, &c, warmup, r);
	if (!err && r->window)
		err = sim_bracket(o, &trace, warmup, r);
	if (!err && r->totals.references == r->totals.warmup) {
		complain(o->trace, r->totals.warmup ? "Take a shorter warm-up." : text_line,
			 "there is no reference %s",
			 r->totals.warmup ? "after the warm-up" : "in it");
		err = -EINVAL;
	}
	trace.events = 0; /* whatever was left out in one pass was replayed in another */
	if (!err)
		sim_notes(o, &trace, r->totals.references);
	trace_source_close(&trace);
	free(c.pids);
	return err;
}
