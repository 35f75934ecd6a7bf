/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader_refs.c - refs from the formats that yield records, records from those that yield refs, and pages coarser than
 * the format's.
 *
 * Looking pages up in a large hash is waiting for memory, so a stretch of records is taken at once: first every slot is
 * fetched, then every page is looked up.
 */
#include "core/trace/trace_internal.h"

#include <errno.h>
#include <stdlib.h>

#define STRETCH 64u
#define REF_BATCH 4096u

/* In units of the coarse page. A range to unmap or discard shrinks to the pages that it covers whole. */
static void coarsen(const struct trace_reader *r, struct trace_record *rec)
{
	uint64_t mask = (1ull << r->shift) - 1, end = rec->vpn + rec->value;
	bool whole = rec->kind == TRACE_UNMAP || rec->kind == TRACE_DISCARD;

	if (rec->kind == TRACE_MAP || whole) {
		rec->vpn = (rec->vpn >> r->shift) + (whole && rec->vpn & mask ? 1 : 0);
		end = (end >> r->shift) + (!whole && end & mask ? 1 : 0);
		rec->value = end > rec->vpn ? end - rec->vpn : 0;
		if (rec->kind == TRACE_MAP)
			rec->object_page >>= r->shift;
		return;
	}
	rec->offset |= (uint32_t)(rec->vpn & mask) << r->native_shift;
	rec->vpn >>= r->shift;
}

/* Events that mean nothing any more in coarser pages. */
static bool lost(const struct trace_reader *r, const struct trace_record *rec)
{
	if (!r->shift)
		return false;
	return rec->kind == TRACE_LEAVE ||
	       ((rec->kind == TRACE_UNMAP || rec->kind == TRACE_DISCARD) && !rec->value);
}

static int pages_add(struct trace_reader *r, struct trace_event *e, uint32_t id)
{
	if (e->n_pages == r->pages_capacity) {
		size_t capacity = r->pages_capacity ? 2 * (size_t)r->pages_capacity : 64;
		uint32_t *pages = realloc(r->pages, capacity * sizeof(*pages));

		if (!pages)
			return -ENOMEM;
		r->pages = pages;
		r->pages_capacity = (uint32_t)capacity;
	}
	r->pages[e->n_pages++] = id;
	return 0;
}

/* Few pages are asked for one by one; for many, every page there is is looked at. */
int trace_event_pages(struct trace_reader *r, struct trace_event *e)
{
	const struct trace_record *rec = &e->record;
	bool all = rec->kind == TRACE_EXIT;
	uint64_t first = all ? 0 : rec->vpn, n = rec->kind == TRACE_LEAVE ? 1 : rec->value;
	uint32_t id;
	int err = 0;

	e->n_pages = 0;
	if (!all && n < r->ids.count / 8 + 2) {
		for (uint64_t i = 0; i < n && !err; i++) {
			err = page_ids_find(&r->ids, e->space, first + i, &id);
			if (!err && id != PAGE_IDS_NONE)
				err = pages_add(r, e, id);
		}
	} else {
		for (id = 0; id < r->ids.count && !err; id++)
			if (r->ids.spaces[id] == e->space && (all || r->ids.vpns[id] - first < n))
				err = pages_add(r, e, id);
	}
	e->pages = r->pages;
	return err;
}

static bool has_pages(const struct trace_record *rec)
{
	return rec->kind == TRACE_UNMAP || rec->kind == TRACE_DISCARD || rec->kind == TRACE_EXIT ||
	       rec->kind == TRACE_LEAVE;
}

/* From a record to an event with spaces. The space that exits is closed even if nobody wants to know. */
static int event_from_record(struct trace_reader *r, const struct trace_record *rec,
			     struct trace_event *e)
{
	int err = page_ids_space(&r->ids, rec->pid, &e->space);

	e->record = *rec;
	if (!err && rec->kind == TRACE_FORK)
		err = page_ids_space_new(&r->ids, (uint32_t)rec->value, &e->child);
	if (!err && rec->kind == TRACE_EXIT)
		page_ids_space_close(&r->ids, rec->pid);
	return err;
}

/* 1: the caller wants it, and it is complete. */
static int event_deliver(struct trace_reader *r, struct trace_event *e)
{
	int err = 0;

	if (r->shift)
		coarsen(r, &e->record);
	if (!(r->mask & TRACE_MASK(e->record.kind)) || lost(r, &e->record))
		return 0;
	e->n_pages = 0;
	e->pages = NULL;
	if (has_pages(&e->record))
		err = trace_event_pages(r, e);
	return err ? err : 1;
}

/* The references at the front of the pending records, at most `max`: their number, or -errno. */
static ssize_t take_refs(struct trace_reader *r, uint32_t *refs, size_t max)
{
	const struct trace_record *rec = r->pending + r->pending_at;
	size_t n = r->pending_end - r->pending_at, i;
	uint32_t space[STRETCH];
	uint64_t vpn[STRETCH];
	uint32_t id;
	int err;

	n = n < max ? n : max;
	n = n < STRETCH ? n : STRETCH;
	for (i = 0; i < n && trace_is_ref(&rec[i]); i++) {
		err = page_ids_space(&r->ids, rec[i].pid, &space[i]);
		if (err)
			return err;
		vpn[i] = rec[i].vpn >> r->shift;
		page_ids_prefetch(&r->ids, space[i], vpn[i]);
	}
	n = i;
	for (i = 0; i < n; i++) {
		err = page_ids_get(&r->ids, space[i], vpn[i], &id, NULL);
		if (err)
			return err;
		refs[i] = id << 1 | (rec[i].kind == TRACE_WRITE);
	}
	r->pending_at += n;
	return (ssize_t)n;
}

static int pending_fill(struct trace_reader *r)
{
	ssize_t got;

	if (!r->pending) {
		r->pending = malloc(RECORD_BATCH * sizeof(*r->pending));
		if (!r->pending)
			return -ENOMEM;
	}
	got = r->format->records(r, r->pending, RECORD_BATCH);
	r->pending_at = 0;
	r->pending_end = got > 0 ? (size_t)got : 0;
	return got > 0 ? 1 : (int)got;
}

static int refs_from_records(struct trace_reader *r, uint32_t *refs, size_t max, size_t *n,
			     struct trace_event *event)
{
	int result;

	while (*n < max) {
		ssize_t got;

		if (r->pending_at == r->pending_end) {
			result = pending_fill(r);
			if (result <= 0)
				return result;
		}
		got = take_refs(r, refs + *n, max - *n);
		if (got < 0)
			return (int)got;
		*n += (size_t)got;
		if (got)
			continue;
		result = event_from_record(r, &r->pending[r->pending_at++], event);
		if (!result)
			result = event_deliver(r, event);
		if (result)
			return result;
	}
	return 0;
}

/* Ids of coarser pages for the format's own pages that are new. */
static int coarse_extend(struct trace_reader *r)
{
	if (r->coarse_capacity < r->own.capacity) {
		uint32_t *coarse = realloc(r->coarse, r->own.capacity * sizeof(*coarse));

		if (!coarse)
			return -ENOMEM;
		r->coarse = coarse;
		r->coarse_capacity = r->own.capacity;
	}
	for (; r->coarse_count < r->own.count; r->coarse_count++) {
		uint32_t i = r->coarse_count;
		int err = page_ids_get(&r->ids, r->own.spaces[i], r->own.vpns[i] >> r->shift,
				       &r->coarse[i], NULL);

		if (err)
			return err;
	}
	return 0;
}

static int refs_from_format(struct trace_reader *r, uint32_t *refs, size_t max, size_t *n,
			    struct trace_event *event)
{
	while (*n < max) {
		size_t got = 0;
		int result = r->format->refs(r, refs + *n, max - *n, &got, event);

		if (r->shift) {
			int err = coarse_extend(r);

			if (err)
				return err;
			for (size_t i = *n; i < *n + got; i++)
				refs[i] = r->coarse[refs[i] >> 1] << 1 | (refs[i] & 1);
		}
		*n += got;
		if (result > 0)
			result = event_deliver(r, event);
		else if (!result && !got)
			return 0;
		if (result)
			return result;
	}
	return 0;
}

int trace_read_refs(struct trace_reader *r, uint32_t *refs, size_t max, size_t *n,
		    struct trace_event *event)
{
	int result;

	*n = 0;
	if (r->failed)
		return r->failed;
	result = r->format->refs ? refs_from_format(r, refs, max, n, event)
				 : refs_from_records(r, refs, max, n, event);
	if (result < 0)
		r->failed = result;
	return result;
}

static ssize_t records_from_refs(struct trace_reader *r, struct trace_record *records, size_t max)
{
	size_t n;

	if (r->refs_at == r->refs_end && !r->has_event) {
		int result;

		if (r->postponed)
			return r->postponed;
		if (!r->refs)
			r->refs = malloc(REF_BATCH * sizeof(*r->refs));
		if (!r->refs)
			return -ENOMEM;
		r->refs_at = r->refs_end = 0;
		result = refs_from_format(r, r->refs, REF_BATCH, &r->refs_end, &r->event);
		r->has_event = result > 0;
		if (result < 0 && !r->refs_end)
			return result;
		if (result < 0) /* after what precedes */
			r->postponed = result;
	}
	for (n = 0; n < max && r->refs_at < r->refs_end; n++) {
		uint32_t ref = r->refs[r->refs_at++], page = ref >> 1;

		records[n] = (struct trace_record){ .vpn = r->ids.vpns[page],
						    .pid = r->ids.pids[r->ids.spaces[page]],
						    .kind = ref & 1 ? TRACE_WRITE : TRACE_READ };
	}
	if (n < max && r->has_event) {
		records[n++] = r->event.record;
		r->has_event = false;
	}
	return (ssize_t)n;
}

ssize_t trace_read_records(struct trace_reader *r, struct trace_record *records, size_t max)
{
	ssize_t got, kept = 0;

	if (r->failed)
		return r->failed;
	if (r->format->refs) {
		got = records_from_refs(r, records, max);
		if (got < 0)
			r->failed = (int)got;
		return got;
	}
	do {
		got = r->format->records(r, records, max);
		for (ssize_t i = 0; i < got; i++) {
			struct trace_record *rec = &records[i];

			if (r->shift)
				coarsen(r, rec);
			if (trace_is_ref(rec) || (r->mask & TRACE_MASK(rec->kind) && !lost(r, rec)))
				records[kept++] = *rec;
		}
	} while (got > 0 && !kept);
	if (got < 0)
		r->failed = (int)got;
	return got > 0 ? kept : got;
}
