/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sad.c - safely allowed drop (sad.h), in constant time a reference.
 *
 * Times are numbers of references, from 1. `out` is the time at which the page that is K + 1st most recently used was last
 * used, 0 while there are not so many. It is that of the page that left the K most recent ones last: whoever comes in from
 * outside pushes another out. So "between t and now at most K pages, the page itself among them" is `out` <= t, and once
 * that is false for a t it stays so: then a record that waits for it is there to stay.
 *
 * Waiting records are a list in order of time. Invariants: a page has at most one record that may still go, its last; the first
 * of the list is such a record (else it would have been handed on).
 */
#include "core/trace/sad.h"
#include "core/trace/page_ids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX
#define NEVER 0u

struct waiting {
	struct trace_record record;
	uint64_t before; /* time of the reference before it that stays; NEVER: it stays itself */
	uint32_t page;   /* NONE: an event */
	uint32_t older, newer;
};

struct page {
	uint64_t last;          /* time of its last reference */
	uint32_t waiting;       /* that reference, while it waits; else NONE */
	uint32_t recent, stale; /* neighbours among the K most recent */
	bool top;               /* one of the K most recent */
};

struct sad {
	uint32_t k;
	sad_emit_fn emit;
	void *arg;
	struct page_ids ids;
	struct page *pages;
	uint32_t pages_capacity;
	struct waiting *list;
	uint32_t capacity, free, oldest, newest;
	uint32_t top_first, top_last, top_count;
	uint64_t now, out;
	uint64_t barrier; /* references up to here count as never made */
};

int sad_create(struct sad **result, uint32_t k, sad_emit_fn emit, void *arg)
{
	struct sad *s;

	if (!k)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct sad){ .k = k,
			   .emit = emit,
			   .arg = arg,
			   .free = NONE,
			   .oldest = NONE,
			   .newest = NONE,
			   .top_first = NONE,
			   .top_last = NONE };
	page_ids_init(&s->ids);
	*result = s;
	return 0;
}

void sad_destroy(struct sad *s)
{
	if (!s)
		return;
	page_ids_destroy(&s->ids);
	free(s->pages);
	free(s->list);
	free(s);
}

/* --- the K most recent pages ------------------------------------------------------------------------------------- */

static void top_remove(struct sad *s, uint32_t id)
{
	struct page *p = &s->pages[id];

	*(p->recent == NONE ? &s->top_first : &s->pages[p->recent].stale) = p->stale;
	*(p->stale == NONE ? &s->top_last : &s->pages[p->stale].recent) = p->recent;
	p->top = false;
	s->top_count--;
}

static void top_use(struct sad *s, uint32_t id)
{
	struct page *p = &s->pages[id];

	if (p->top)
		top_remove(s, id);
	p->recent = NONE;
	p->stale = s->top_first;
	*(s->top_first == NONE ? &s->top_last : &s->pages[s->top_first].recent) = id;
	s->top_first = id;
	p->top = true;
	if (++s->top_count > s->k) {
		s->out = s->pages[s->top_last].last;
		top_remove(s, s->top_last);
	}
}

/* --- waiting records --------------------------------------------------------------------------------------------- */

static int list_reserve(struct sad *s)
{
	uint64_t want = s->capacity ? 2 * (uint64_t)s->capacity : 256;
	struct waiting *list;

	if (s->free != NONE)
		return 0;
	list = want < NONE ? realloc(s->list, want * sizeof(*list)) : NULL;
	if (!list)
		return -ENOMEM;
	for (uint32_t i = s->capacity; i < want; i++)
		list[i].newer = i + 1 < want ? i + 1 : NONE;
	s->list = list;
	s->free = s->capacity;
	s->capacity = (uint32_t)want;
	return 0;
}

static void list_append(struct sad *s, const struct trace_record *record, uint32_t page,
			uint64_t before)
{
	uint32_t i = s->free;
	struct waiting *w = &s->list[i];

	s->free = w->newer;
	*w = (struct waiting){ *record, before, page, s->newest, NONE };
	*(s->newest == NONE ? &s->oldest : &s->list[s->newest].newer) = i;
	s->newest = i;
	if (page != NONE)
		s->pages[page].waiting = i;
}

static void list_remove(struct sad *s, uint32_t i)
{
	struct waiting *w = &s->list[i];

	*(w->older == NONE ? &s->oldest : &s->list[w->older].newer) = w->newer;
	*(w->newer == NONE ? &s->newest : &s->list[w->newer].older) = w->older;
	if (w->page != NONE && s->pages[w->page].waiting == i)
		s->pages[w->page].waiting = NONE;
	w->newer = s->free;
	s->free = i;
}

static bool may_go(const struct sad *s, uint32_t i)
{
	const struct waiting *w = &s->list[i];

	return w->page != NONE && s->pages[w->page].waiting == i && w->before != NEVER &&
	       s->out <= w->before;
}

/* Hands on what is known to stay, or with `all` everything. */
static int hand_on(struct sad *s, bool all)
{
	int err = 0;

	while (!err && s->oldest != NONE && (all || !may_go(s, s->oldest))) {
		err = s->emit(s->arg, &s->list[s->oldest].record);
		list_remove(s, s->oldest);
	}
	return err;
}

/* --- records ----------------------------------------------------------------------------------------------------- */

static int page_get(struct sad *s, const struct trace_record *record, uint32_t *id)
{
	uint32_t space;
	int err = page_ids_space(&s->ids, record->pid, &space);

	if (!err)
		err = page_ids_get(&s->ids, space, record->vpn, id, NULL);
	if (!err && s->pages_capacity < s->ids.capacity) {
		struct page *pages = realloc(s->pages, s->ids.capacity * sizeof(*pages));

		if (!pages)
			return -ENOMEM;
		for (uint32_t i = s->pages_capacity; i < s->ids.capacity; i++)
			pages[i] = (struct page){ .waiting = NONE };
		s->pages = pages;
		s->pages_capacity = s->ids.capacity;
	}
	return err;
}

static int reference(struct sad *s, const struct trace_record *record)
{
	struct trace_record r = *record;
	uint64_t before;
	struct page *p;
	uint32_t id;
	int err = page_get(s, record, &id);

	if (!err)
		err = list_reserve(s);
	if (err)
		return err;
	p = &s->pages[id];
	before = p->last > s->barrier ? p->last : NEVER;
	if (p->waiting != NONE && may_go(s, p->waiting)) {
		before = s->list[p->waiting].before;
		if (s->list[p->waiting].record.kind == TRACE_WRITE)
			r.kind = TRACE_WRITE;
		list_remove(s, p->waiting);
	}
	list_append(s, &r, id, before);
	p->last = ++s->now;
	top_use(s, id);
	return hand_on(s, false);
}

static int event(struct sad *s, const struct trace_record *record)
{
	static const uint32_t changing = TRACE_MASK(TRACE_MAP) | TRACE_MASK(TRACE_UNMAP) |
					 TRACE_MASK(TRACE_DISCARD) | TRACE_MASK(TRACE_FORK) |
					 TRACE_MASK(TRACE_EXIT);
	int err = list_reserve(s);

	if (!err)
		list_append(s, record, NONE, NEVER);
	if (err || !(changing & TRACE_MASK(record->kind)))
		return err ? err : hand_on(s, false);
	s->barrier = s->now;
	if (record->kind == TRACE_EXIT)
		page_ids_space_close(&s->ids, record->pid);
	return hand_on(s, true);
}

int sad_feed(struct sad *s, const struct trace_record *records, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = records[i].kind <= TRACE_WRITE ? reference(s, &records[i])
						     : event(s, &records[i]);
	return err;
}

int sad_finish(struct sad *s)
{
	return hand_on(s, true);
}
