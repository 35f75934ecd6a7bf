/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep.c - many replays of one source in one pass (sweep.h).
 *
 * A block ends where the warm-up or an interval ends, so a cell looks at its counts between blocks only.
 */
#define _GNU_SOURCE
#include "core/replay/sweep.h"
#include "core/replay/crew.h"
#include "core/replay/working_set.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#define BLOCK_DEFAULT (1024u * 1024)

struct block {
	uint32_t *refs;
	size_t n;
	struct replay_events events;
	uint32_t pages; /* ids in it are below this */
	bool warm;      /* its references are not counted */
	bool row;       /* an interval ends with it */
};

struct run {
	struct sweep *sweep;
	struct replay **replays;
	struct block blocks[2];
	struct working_set set;
	uint64_t appeared_warm, in_row; /* references of the row so far */
};

/* --- the reading thread ------------------------------------------------------------------------------------------ */

/* References that the next block may have. */
static uint64_t block_limit(const struct run *r)
{
	const struct sweep *s = r->sweep;
	uint64_t done = s->totals.references, limit = s->block;

	if (s->references_max && s->references_max - done < limit)
		limit = s->references_max - done;
	if (done < s->warmup && s->warmup - done < limit)
		limit = s->warmup - done;
	if (done >= s->warmup && s->interval && s->interval - r->in_row < limit)
		limit = s->interval - r->in_row;
	return limit;
}

int sweep_rows_grow(void **rows, uint32_t n, size_t size)
{
	void *p;

	if (n & (n - 1)) /* the room is the next power of two */
		return 0;
	p = realloc(*rows, (n ? 2 * (size_t)n : 1) * size);
	if (!p)
		return -ENOMEM;
	*rows = p;
	return 0;
}

/* The row that the block ends, or that the trace ends. */
static int row_end(struct run *r)
{
	struct sweep *s = r->sweep;
	int err = sweep_rows_grow((void **)&s->rows, s->n_rows, sizeof(*s->rows));

	if (!err && (uint64_t)(s->n_rows + 1) * (s->n_cells + 1) > SWEEP_ROWS_MAX)
		err = -E2BIG;
	if (err)
		return err;
	s->rows[s->n_rows++] = (struct sweep_row){ r->in_row, working_set_turn(&r->set) };
	r->in_row = 0;
	return 0;
}

static int row_note(struct run *r, struct block *b)
{
	size_t at = 0;
	int err = 0;

	if (b->warm || !r->sweep->interval)
		return 0;
	for (uint32_t k = 0; k <= b->events.n && !err; k++) {
		const struct replay_gone *g = k < b->events.n ? &b->events.list[k] : NULL;
		size_t to = g ? g->at : b->n;

		err = working_set_feed(&r->set, b->refs + at, to - at, b->pages);
		at = to;
		for (uint32_t i = 0; g && i < g->count; i++)
			working_set_forget(&r->set, b->events.ids[g->first + i]);
	}
	r->in_row += b->n;
	b->row = r->in_row == r->sweep->interval || (!b->n && r->in_row);
	return !err && b->row ? row_end(r) : err;
}

static void totals_note(struct run *r, const struct block *b)
{
	struct sweep *s = r->sweep;
	uint32_t writes = 0;

	s->totals.references += b->n;
	s->totals.gone += b->events.n_ids;
	s->totals.pages = s->source->distinct;
	if (b->warm) {
		s->totals.warmup += b->n;
		r->appeared_warm = s->source->appeared;
	} else {
		for (size_t i = 0; i < b->n; i++)
			writes += b->refs[i] >> 31;
		s->totals.writes += writes;
	}
	s->totals.pages_cold = s->source->appeared - r->appeared_warm;
}

/* An empty block may follow the last: what goes at the end, and the end of a short row. */
static int block_read(void *arg, int turn, bool *more)
{
	struct run *r = arg;
	struct sweep *s = r->sweep;
	struct block *b = &r->blocks[turn];
	uint64_t limit = block_limit(r);
	int err = 0;

	b->n = 0;
	b->row = false;
	b->warm = s->totals.references < s->warmup;
	b->events.n = b->events.n_ids = 0;
	s->source->events = s->events ? &b->events : NULL;
	if (limit)
		err = s->source->read(s->source, b->refs, (size_t)limit, &b->n);
	b->pages = s->source->pages;
	totals_note(r, b);
	if (!err)
		err = row_note(r, b);
	*more = b->n || b->events.n || b->row;
	return err;
}

static int between(void *arg)
{
	struct run *r = arg;
	struct sweep *s = r->sweep;

	return s->progress ? s->progress(s->progress_arg, s->totals.references, s->source->done)
			   : 0;
}

/* --- the cells --------------------------------------------------------------------------------------------------- */

static int cell_feed(struct replay *r, const struct block *b)
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
	const struct block *b = &r->blocks[turn];
	struct sweep_cell *c = &r->sweep->cells[item];
	uint64_t before = crew_cpu_ns();
	int err = cell_feed(r->replays[item], b);

	if (b->warm)
		replay_stats_reset(r->replays[item]);
	if (!err && b->row)
		err = sweep_rows_grow((void **)&c->rows, c->n_rows, sizeof(*c->rows));
	if (!err && b->row)
		c->rows[c->n_rows++] = *replay_stats(r->replays[item]);
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
	for (int k = 0; k < 2; k++) {
		free(r->blocks[k].refs);
		replay_events_destroy(&r->blocks[k].events);
	}
	r->sweep->source->events = NULL;
	working_set_destroy(&r->set);
}

int sweep_run(struct sweep *s, uint32_t *bad)
{
	struct run r = { .sweep = s };
	struct crew crew = { .arg = &r,
			     .n_items = s->n_cells,
			     .jobs = s->jobs,
			     .read = block_read,
			     .work = cell_work,
			     .done = between };
	int err = -ENOMEM;

	*bad = s->n_cells;
	s->block = s->block ? s->block : BLOCK_DEFAULT;
	s->totals = (struct sweep_totals){ 0 };
	s->rows = NULL;
	s->n_rows = 0;
	r.replays = calloc(s->n_cells ? s->n_cells : 1, sizeof(struct replay *));
	for (int k = 0; k < 2; k++)
		r.blocks[k].refs = malloc(s->block * sizeof(uint32_t));
	if (r.replays && r.blocks[0].refs && r.blocks[1].refs)
		err = replays_make(&r, bad);
	if (!err)
		err = crew_run(&crew, bad);
	for (uint32_t i = 0; !err && i < s->n_cells; i++)
		s->cells[i].stats = *replay_stats(r.replays[i]);
	run_destroy(&r);
	return err;
}

uint32_t sweep_jobs_default(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (uint32_t)CPU_COUNT(&set);
}
