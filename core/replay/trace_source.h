/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_source.h - a trace of any format (core/trace) as a source of references.
 *
 * With source.events set, pages go at UNMAP, DISCARD and EXIT. Forks and mappings are beyond page ids (pages that are shared
 * have no id of their own): they are counted, and with stop_at_model the first one ends the reading with -EXDEV, for who
 * then drives the full model (full.h), which wants to know everything: `full`.
 */
#ifndef VMM_REPLAY_TRACE_SOURCE_H
#define VMM_REPLAY_TRACE_SOURCE_H

#include "core/replay/source.h"
#include "core/trace/trace.h"

/* An event before reference `at` of a block. */
struct trace_at {
	size_t at;
	struct trace_record record;
};

/* What the full model needs of a block besides its refs. The caller owns vpns and pids (as many as refs) and list. */
struct trace_full {
	uint64_t *vpns;
	uint32_t *pids;
	struct trace_at *list; /* free() */
	uint32_t n, capacity;
};

struct trace_source {
	struct replay_source source;
	struct trace_reader *reader;
	struct trace_read_options options;
	const char *path;
	bool stop_at_model;
	struct trace_full *full; /* of the block that is read next; NULL: nobody wants it */
	uint64_t events;         /* seen in this pass, and not replayed */

	/* From the first page that went on: ids of the source by ids of the trace. */
	uint32_t *id_of, id_capacity; /* UINT32_MAX: it has none now */
	uint32_t *free_ids, n_free, free_capacity;
	bool renamed;
};

/* "-" is stdin, which can be read once only. `path` must stay. 0 or -errno, as trace_open. */
int trace_source_open(struct trace_source *t, const char *path, uint32_t page_shift,
		      struct trace_problem *problem);
void trace_source_close(struct trace_source *t);

/* Another reader of the same file, from its beginning: 0, -ESPIPE (it can be read once only), -errno. */
int trace_open_again(struct trace_reader **r, const char *path,
		     const struct trace_read_options *options);

#endif
