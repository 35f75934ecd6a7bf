/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_source.c - see trace_source.h. A ref of a trace has its write bit at the bottom, one of replay at the top.
 *
 * Ids of the trace are never used again, those of the source are (source.h). They are the same until the first page goes, and
 * until then nothing is looked up.
 */
#include "core/replay/trace_source.h"
#include "core/replay/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NO_ID UINT32_MAX
#define GOING (TRACE_MASK(TRACE_UNMAP) | TRACE_MASK(TRACE_DISCARD) | TRACE_MASK(TRACE_EXIT))
#define SHARING (TRACE_MASK(TRACE_FORK) | TRACE_MASK(TRACE_MAP))

static int ids_reserve(struct trace_source *t, uint32_t n)
{
	uint64_t want = t->id_capacity ? t->id_capacity : 1024;
	uint32_t *p;

	if (n <= t->id_capacity)
		return 0;
	while (want < n)
		want *= 2;
	p = realloc(t->id_of, want * sizeof(*p));
	if (!p)
		return -ENOMEM;
	memset(p + t->id_capacity, 0xFF, (want - t->id_capacity) * sizeof(*p)); /* NO_ID */
	t->id_of = p;
	t->id_capacity = (uint32_t)want;
	return 0;
}

/* From here on ids are looked up: those that appeared so far are what they are. */
static int rename_begin(struct trace_source *t)
{
	int err = ids_reserve(t, t->source.distinct + 1);

	if (err || t->renamed)
		return err;
	for (uint32_t i = 0; i < t->source.distinct; i++)
		t->id_of[i] = i;
	t->renamed = true;
	return 0;
}

static int rename_refs(struct trace_source *t, uint32_t *refs, size_t n)
{
	struct replay_source *s = &t->source;
	int err = ids_reserve(t, trace_page_count(t->reader));

	for (size_t i = 0; i < n && !err; i++) {
		uint32_t id = refs[i] & REPLAY_PAGE, *to = &t->id_of[id];

		if (*to == NO_ID) {
			if (id >= s->distinct)
				s->distinct = id + 1;
			s->appeared++;
			*to = t->n_free && !s->fresh ? t->free_ids[--t->n_free] : s->pages++;
			if (s->pages > REPLAY_PAGES_MAX)
				return -E2BIG;
		}
		refs[i] = (refs[i] & REPLAY_WRITE) | *to;
	}
	return err;
}

static void refs_turn(struct replay_source *s, uint32_t *refs, size_t n)
{
	uint32_t ids = s->distinct;

	for (size_t i = 0; i < n; i++) {
		uint32_t id = refs[i] >> 1;

		ids = id >= ids ? id + 1 : ids;
		refs[i] = id | refs[i] << 31;
	}
	s->distinct = ids;
}

static void full_take(const struct trace_source *t, const uint32_t *refs, size_t at, size_t n)
{
	const uint64_t *vpns = trace_page_vpns(t->reader);
	const uint32_t *spaces = trace_page_spaces(t->reader), *pids = trace_space_pids(t->reader);

	for (size_t i = 0; i < n; i++) {
		uint32_t id = refs[i] >> 1;

		t->full->vpns[at + i] = vpns[id];
		t->full->pids[at + i] = pids[spaces[id]];
	}
}

static int refs_take(struct trace_source *t, uint32_t *refs, size_t at, size_t n)
{
	struct replay_source *s = &t->source;

	if (t->full)
		full_take(t, refs + at, at, n);
	refs += at;
	if (t->renamed) {
		for (size_t i = 0; i < n; i++)
			refs[i] = refs[i] >> 1 | refs[i] << 31;
		return rename_refs(t, refs, n);
	}
	refs_turn(s, refs, n);
	s->appeared = s->distinct;
	if (s->pages < s->distinct)
		s->pages = s->distinct;
	return 0;
}

struct going {
	uint64_t vpn;
	uint32_t id;
};

static int by_vpn(const void *a, const void *b)
{
	const struct going *x = a, *y = b;

	return (x->vpn > y->vpn) - (x->vpn < y->vpn);
}

static int id_free(struct trace_source *t, uint32_t id)
{
	if (t->n_free == t->free_capacity) {
		uint64_t want = t->free_capacity ? 2 * (uint64_t)t->free_capacity : 64;
		uint32_t *p = realloc(t->free_ids, want * sizeof(*p));

		if (!p)
			return -ENOMEM;
		t->free_ids = p;
		t->free_capacity = (uint32_t)want;
	}
	t->free_ids[t->n_free++] = id;
	return 0;
}

/* The core forgets pages in the order of their addresses, and so it is here: frames and ids are freed in the same order. */
static int pages_go(struct trace_source *t, const struct trace_event *e, size_t at)
{
	enum remove_why why = e->record.kind == TRACE_EXIT ? REMOVE_EXIT : REMOVE_UNMAP;
	struct going *list = malloc((e->n_pages + 1) * sizeof(*list));
	uint32_t n = 0;
	int err = list ? rename_begin(t) : -ENOMEM;

	for (uint32_t i = 0; i < e->n_pages && !err; i++)
		if (e->pages[i] < t->id_capacity && t->id_of[e->pages[i]] != NO_ID)
			list[n++] = (struct going){ trace_page_vpns(t->reader)[e->pages[i]],
						    e->pages[i] };
	if (!err)
		qsort(list, n, sizeof(*list), by_vpn);
	for (uint32_t i = 0; i < n && !err; i++) {
		uint32_t *id = &t->id_of[list[i].id];

		err = replay_events_add(t->source.events, at, *id, why);
		if (!err)
			err = id_free(t, *id);
		*id = NO_ID;
	}
	free(list);
	return err;
}

static int full_add(struct trace_full *f, const struct trace_record *record, size_t at)
{
	if (f->n == f->capacity) {
		uint32_t want = f->capacity ? 2 * f->capacity : 64;
		struct trace_at *p = realloc(f->list, want * sizeof(*p));

		if (!p)
			return -ENOMEM;
		f->list = p;
		f->capacity = want;
	}
	f->list[f->n++] = (struct trace_at){ at, *record };
	return 0;
}

static int event_take(struct trace_source *t, const struct trace_event *e, size_t at)
{
	bool sharing = TRACE_MASK(e->record.kind) & SHARING;
	int err = t->full ? full_add(t->full, &e->record, at) : 0;

	if (err || (sharing && t->stop_at_model))
		return err ? err : -EXDEV;
	if (!t->source.events || sharing) {
		t->events += !t->full;
		return 0;
	}
	return pages_go(t, e, at);
}

static int source_read(struct replay_source *s, uint32_t *refs, size_t max, size_t *n)
{
	struct trace_source *t = (struct trace_source *)s;
	struct trace_event event;
	uint64_t done, total;
	size_t got;
	int rc, err = 0;

	*n = 0;
	if (s->events)
		s->events->n = s->events->n_ids = 0;
	if (t->full)
		t->full->n = 0;
	do {
		rc = trace_read_refs(t->reader, refs + *n, max - *n, &got, &event);
		if (rc < 0)
			return rc;
		err = refs_take(t, refs, *n, got);
		*n += got;
		if (!err && rc == 1)
			err = event_take(t, &event, *n);
	} while (!err && rc == 1 && *n < max);
	trace_progress(t->reader, &done, &total);
	s->done = total ? (double)done / (double)total : -1;
	return err;
}

int trace_open_again(struct trace_reader **r, const char *path,
		     const struct trace_read_options *options)
{
	struct stat st;

	if (!strcmp(path, "-"))
		return -ESPIPE;
	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ESPIPE;
	return trace_open(r, path, options, NULL);
}

static int source_rewind(struct replay_source *s)
{
	struct trace_source *t = (struct trace_source *)s;
	struct trace_reader *again;
	int err = trace_open_again(&again, t->path, &t->options);

	if (err)
		return err;
	trace_close(t->reader);
	t->reader = again;
	t->events = 0;
	t->renamed = false;
	t->n_free = 0;
	if (t->id_of)
		memset(t->id_of, 0xFF, t->id_capacity * sizeof(*t->id_of));
	s->pages = s->distinct = 0;
	s->appeared = 0;
	s->done = 0;
	return 0;
}

int trace_source_open(struct trace_source *t, const char *path, uint32_t page_shift,
		      struct trace_problem *problem)
{
	*t = (struct trace_source){
		.source = { .read = source_read, .rewind = source_rewind },
		.options = { .page_shift = page_shift, .events = GOING | SHARING },
		.path = path,
	};
	return trace_open(&t->reader, path, &t->options, problem);
}

void trace_source_close(struct trace_source *t)
{
	if (t->reader)
		trace_close(t->reader);
	t->reader = NULL;
	free(t->id_of);
	free(t->free_ids);
	t->id_of = t->free_ids = NULL;
}
