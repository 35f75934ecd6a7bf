/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.c - many replays of one source in one pass (sweep.h). */
#define _GNU_SOURCE
#include "core/replay/sweep.h"
#include "core/replay/crew.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#define BLOCK_DEFAULT (1024u * 1024)

struct run {
	struct sweep *sweep;
	struct replay **replays;
	struct pass pass;
	struct pass_block blocks[2];
};

static int block_read(void *arg, int turn, bool *more)
{
	struct run *r = arg;

	return pass_read(&r->pass, &r->blocks[turn], more);
}

static int between(void *arg)
{
	struct run *r = arg;
	struct sweep *s = r->sweep;

	return s->progress
		       ? s->progress(s->progress_arg, r->pass.totals.references, s->source->done)
		       : 0;
}

static int cell_feed(struct replay *r, const struct pass_block *b)
{
	int err = replay_reserve(r, b->pages);
	size_t at = 0;

	for (uint32_t k = 0; k < b->events.n && !err; k++) {
		const struct replay_gone *g = &b->events.list[k];

		err = replay_feed(r, b->refs + at, g->at - at);
		at = g->at;
		for (uint32_t i = 0; i < g->count && !err; i++)
			replay_forget(r, b->events.ids[g->first + i], g->why);
	}
	return err ? err : replay_feed(r, b->refs + at, b->n - at);
}

static int cell_work(void *arg, uint32_t item, int turn)
{
	struct run *r = arg;
	const struct pass_block *b = &r->blocks[turn];
	struct sweep_cell *c = &r->sweep->cells[item];
	uint64_t before = crew_cpu_ns();
	int err = cell_feed(r->replays[item], b);

	if (b->warm)
		replay_stats_reset(r->replays[item]);
	for (uint64_t k = 0; k < b->rows && !err; k++) {
		err = pass_rows_grow((void **)&c->rows, c->n_rows, sizeof(*c->rows));
		if (!err)
			c->rows[c->n_rows++] = *replay_stats(r->replays[item]);
	}
	c->cpu_ns += crew_cpu_ns() - before;
	return err;
}

static int replays_make(struct run *r, uint32_t *bad)
{
	struct sweep *s = r->sweep;

	for (uint32_t i = 0; i < s->n_cells; i++) {
		s->cells[i].cpu_ns = 0;
		s->cells[i].rows = NULL;
		s->cells[i].n_rows = 0;
	}
	for (uint32_t i = 0; i < s->n_cells; i++) {
		r->replays[i] = replay_create(&s->cells[i].config);
		if (!r->replays[i]) {
			*bad = i;
			return -errno;
		}
	}
	return 0;
}

static void run_destroy(struct run *r)
{
	for (uint32_t i = 0; r->replays && i < r->sweep->n_cells; i++)
		replay_destroy(r->replays[i]);
	free(r->replays);
	for (int k = 0; k < 2; k++)
		pass_block_destroy(&r->blocks[k]);
	pass_destroy(&r->pass);
}

int sweep_run(struct sweep *s, uint32_t *bad)
{
	uint32_t block = s->block ? s->block : BLOCK_DEFAULT;
	struct run r = { .sweep = s,
			 .pass = { .source = s->source,
				   .references_max = s->references_max,
				   .warmup = s->warmup,
				   .interval = s->interval,
				   .interval_ns = s->interval_ns,
				   .block = block,
				   .n_cells = s->n_cells,
				   .events = s->events } };
	struct crew crew = { .arg = &r,
			     .n_items = s->n_cells,
			     .jobs = s->jobs,
			     .read = block_read,
			     .work = cell_work,
			     .done = between };
	int err = -ENOMEM;

	*bad = s->n_cells;
	r.replays = calloc(s->n_cells ? s->n_cells : 1, sizeof(struct replay *));
	if (r.replays && !pass_block_init(&r.blocks[0], block) &&
	    !pass_block_init(&r.blocks[1], block))
		err = replays_make(&r, bad);
	if (!err)
		err = crew_run(&crew, bad);
	for (uint32_t i = 0; !err && i < s->n_cells; i++)
		s->cells[i].stats = *replay_stats(r.replays[i]);
	s->totals = r.pass.totals;
	s->rows = r.pass.rows;
	s->n_rows = r.pass.n_rows;
	run_destroy(&r);
	return err;
}

uint32_t sweep_jobs_default(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (uint32_t)CPU_COUNT(&set);
}
