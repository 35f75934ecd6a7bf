/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - where references come from: a stream of blocks that can be read again from its beginning.
 *
 * Page ids are dense, in order of first appearance, and the same in every pass (replay.h says what a reference is).
 *
 * Pages may *go* (unmapped, discarded, their process ended). Who wants to know gives the source a struct replay_events; the
 * id of a page that went is then given to the page that appears next, last gone first, as the core does it. Who does not
 * gets one id a page for the whole stream, as if nothing ever went.
 */
#ifndef VMM_REPLAY_SOURCE_H
#define VMM_REPLAY_SOURCE_H

#include "core/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Before reference `at` of a block the pages ids[first .. first + count) of its struct replay_events go (or leave). */
struct replay_gone {
	size_t at;
	uint32_t first, count;
	enum remove_why why;
};

struct replay_events {
	struct replay_gone *list;
	uint32_t n, capacity;
	uint32_t *ids;
	uint32_t n_ids, ids_capacity;
};

/* Page `id` goes at `at`, for the same reason as the page before when that went at the same place. 0, -ENOMEM. */
int replay_events_add(struct replay_events *e, size_t at, uint32_t id, enum remove_why why);
void replay_events_destroy(struct replay_events *e);

struct replay_source {
	/* Up to `max` references; *n == 0 (and turned == 0) at the end; pages may go even then. 0 or -errno. */
	int (*read)(struct replay_source *s, uint32_t *refs, size_t max, size_t *n);
	/* Back to the beginning. 0 or -errno (-ESPIPE: it can be read once only). */
	int (*rewind)(struct replay_source *s);
	/* What goes in the block that is read next; NULL: nobody wants to know. Set before the first read of a pass. */
	struct replay_events *events;
	/* Likewise what leaves the window of the recording (window.h), before what goes at the same place; `why` says nothing. */
	struct replay_events *leaves;
	bool fresh; /* with events: a page that comes back has an id that no page had before */
	uint64_t interval_ns; /* set like events: a block ends where time passes a multiple of it; 0: it does not */
	uint64_t turned; /* with interval_ns: the multiples that passed at the end of the block */
	bool timed;      /* with interval_ns: in this pass it was said what time it is */
	uint32_t pages;  /* ids that were read so far in any pass are below this */
	uint64_t appeared; /* pages that appeared in this pass; one that went and came back counts again */
	uint32_t distinct; /* different pages that appeared in this pass */
	double done; /* share of the source that was read in this pass, 0 to 1; < 0: unknown */
};

/* References in an array that somebody else owns. */
struct replay_array {
	struct replay_source source;
	const uint32_t *refs;
	size_t n, at;
};

void replay_array_init(struct replay_array *a, const uint32_t *refs, size_t n);

#endif
