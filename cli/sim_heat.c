/* SPDX-License-Identifier: Apache-2.0 */
/* sim_heat.c - see sim_heat.h. */
#include "cli/sim_heat.h"
#include "core/replay/replay.h"

#include <errno.h>
#include <stdlib.h>

#define COLUMNS 180u
#define ROWS 96u
#define BLOCK 65536u

struct place {
	uint64_t vpn;
	uint32_t space, id;
};

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->space != y->space)
		return x->space < y->space ? -1 : 1;
	return (x->vpn > y->vpn) - (x->vpn < y->vpn);
}

/* The map's row of each page. NULL: no memory. */
static uint8_t *rows_make(const struct trace_reader *r, uint32_t pages, uint64_t page_size,
			  struct sim_heat *h)
{
	struct place *places = calloc((size_t)pages + 1, sizeof(*places));
	uint8_t *row_of = calloc((size_t)pages + 1, 1);

	if (!places || !row_of) {
		free(places);
		free(row_of);
		return NULL;
	}
	for (uint32_t i = 0; i < pages; i++)
		places[i] = (struct place){ trace_page_vpns(r)[i], trace_page_spaces(r)[i], i };
	qsort(places, pages, sizeof(*places), by_place);
	for (uint32_t i = 0; i < pages; i++)
		row_of[places[i].id] = (uint8_t)((uint64_t)i * h->rows / pages);
	h->first_pid = trace_space_pids(r)[places[0].space];
	h->first_address = places[0].vpn * page_size;
	h->last_pid = trace_space_pids(r)[places[pages - 1].space];
	h->last_address = places[pages - 1].vpn * page_size;
	free(places);
	return row_of;
}

/* Calls nothing, or counts with row_of. */
static int pass(struct trace_source *t, struct sim_heat *h, const uint8_t *row_of, uint32_t *refs)
{
	uint64_t at = 0;
	size_t n = 1;
	int err = 0;

	while (!err && n && at < h->references) {
		uint64_t left = h->references - at;

		err = t->source.read(&t->source, refs, left < BLOCK ? (size_t)left : BLOCK, &n);
		for (size_t i = 0; row_of && i < n; i++) {
			uint64_t column = (at + i) * h->columns / h->references;

			h->counts[row_of[refs[i] & REPLAY_PAGE] * h->columns + column]++;
		}
		at += n;
	}
	return err;
}

int sim_heat_make(const struct sim_options *o, uint64_t page_size, uint64_t references,
		  struct sim_heat *h)
{
	uint32_t *refs = malloc(BLOCK * sizeof(*refs));
	uint8_t *row_of = NULL;
	struct trace_source t;
	int err = trace_source_open(&t, o->trace, (uint32_t)__builtin_ctzll(page_size), 0, NULL);

	*h = (struct sim_heat){ .columns = references < COLUMNS ? (uint32_t)references : COLUMNS,
				.rows = ROWS,
				.references = references };
	if (err) {
		free(refs);
		return err;
	}
	err = refs ? pass(&t, h, NULL, refs) : -ENOMEM;
	if (!err && t.source.distinct < ROWS)
		h->rows = t.source.distinct;
	h->counts = calloc((size_t)h->columns * h->rows + 1, sizeof(*h->counts));
	if (!err)
		row_of = h->rows ? rows_make(t.reader, t.source.distinct, page_size, h) : NULL;
	if (!err && (!h->counts || !row_of))
		err = -ENOMEM;
	if (!err)
		err = t.source.rewind(&t.source);
	if (!err)
		err = pass(&t, h, row_of, refs);
	trace_source_close(&t);
	free(row_of);
	free(refs);
	return err;
}
