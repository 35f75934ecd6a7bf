/* SPDX-License-Identifier: Apache-2.0 */
/* pass.c - see pass.h. */
#include "core/replay/pass.h"
#include "core/replay/replay.h"

#include <errno.h>
#include <stdlib.h>

/* References that the next block may have. */
static uint64_t block_limit(const struct pass *p)
{
	uint64_t done = p->totals.references, limit = p->block;

	if (p->references_max && p->references_max - done < limit)
		limit = p->references_max - done;
	if (done < p->warmup && p->warmup - done < limit)
		limit = p->warmup - done;
	if (done >= p->warmup && p->interval && p->interval - p->in_row < limit)
		limit = p->interval - p->in_row;
	return limit;
}

int pass_rows_grow(void **rows, uint32_t n, size_t size)
{
	void *more;

	if (n & (n - 1)) /* the room is the next power of two */
		return 0;
	more = realloc(*rows, (n ? 2 * (size_t)n : 1) * size);
	if (!more)
		return -ENOMEM;
	*rows = more;
	return 0;
}

/* The row that the block ends, or that the trace ends. */
static int row_end(struct pass *p)
{
	int err = pass_rows_grow((void **)&p->rows, p->n_rows, sizeof(*p->rows));

	if (!err && (uint64_t)(p->n_rows + 1) * (p->n_cells + 1) > SWEEP_ROWS_MAX)
		err = -E2BIG;
	if (err)
		return err;
	p->rows[p->n_rows++] = (struct sweep_row){ p->in_row, working_set_turn(&p->set),
						   p->turned * p->interval_ns };
	p->in_row = 0;
	return 0;
}

static int row_note(struct pass *p, struct pass_block *b)
{
	size_t at = 0;
	int err = 0;

	if (b->warm || (!p->interval && !p->interval_ns))
		return 0;
	for (uint32_t k = 0; k <= b->events.n && !err; k++) {
		const struct replay_gone *g = k < b->events.n ? &b->events.list[k] : NULL;
		size_t to = g ? g->at : b->n;

		err = working_set_feed(&p->set, b->refs + at, to - at, b->pages);
		at = to;
		for (uint32_t i = 0; g && i < g->count; i++)
			working_set_forget(&p->set, b->events.ids[g->first + i]);
	}
	p->in_row += b->n;
	b->rows = p->source->turned;
	if (!b->rows && p->in_row && (p->in_row == p->interval || !b->n))
		b->rows = 1;
	for (uint64_t k = 0; k < b->rows && !err; k++, p->turned += p->interval_ns != 0)
		err = row_end(p);
	return err;
}

static void totals_note(struct pass *p, const struct pass_block *b)
{
	uint32_t writes = 0;

	p->totals.references += b->n;
	p->totals.gone += b->events.n_ids;
	p->totals.pages = p->source->distinct;
	if (b->warm) {
		p->totals.warmup += b->n;
		p->appeared_warm = p->source->appeared;
	} else {
		for (size_t i = 0; i < b->n; i++)
			writes += b->refs[i] >> 31;
		p->totals.writes += writes;
	}
	p->totals.pages_cold = p->source->appeared - p->appeared_warm;
}

int pass_read(struct pass *p, struct pass_block *b, bool *more)
{
	uint64_t limit = block_limit(p);
	int err = 0;

	b->n = 0;
	b->rows = 0;
	b->first = p->totals.references;
	b->warm = b->first < p->warmup;
	b->events.n = b->events.n_ids = 0;
	p->source->events = p->events ? &b->events : NULL;
	p->source->interval_ns = p->interval_ns;
	p->source->turned = 0;
	if (limit)
		err = p->source->read(p->source, b->refs, (size_t)limit, &b->n);
	b->pages = p->source->pages;
	totals_note(p, b);
	if (!err)
		err = row_note(p, b);
	if (b->warm)
		p->turned += p->source->turned;
	*more = b->n || b->events.n || b->rows || p->source->turned;
	if (!err && !*more && p->interval_ns && !p->source->timed)
		err = -ENODATA;
	return err;
}

void pass_destroy(struct pass *p)
{
	p->source->events = NULL;
	p->source->interval_ns = 0;
	working_set_destroy(&p->set);
}

int pass_block_init(struct pass_block *b, uint32_t refs)
{
	*b = (struct pass_block){ .refs = malloc(refs * sizeof(uint32_t)) };
	return b->refs ? 0 : -ENOMEM;
}

void pass_block_destroy(struct pass_block *b)
{
	free(b->refs);
	replay_events_destroy(&b->events);
}
