/* SPDX-License-Identifier: Apache-2.0 */
/* vmt_lists.c - the lists of a .vmt block: new spaces, new pages, events. Every number is checked before it is used. */
#include "core/trace/vmt_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

int vmt_lists_unpack(struct trace_reader *r, const uint8_t *stored)
{
	struct vmt_reader *v = r->state;
	const struct vmt_block *k = &v->block;
	size_t n;

	v->at = stored;
	if (k->low_flags & VMT_FLAG_ZSTD << 1) {
		if (!k->lists_bytes)
			return vmt_bad(r, "lists that are compressed but empty");
		if (k->lists_bytes > v->lists_capacity) {
			free(v->lists);
			v->lists_capacity = 0;
			v->lists = malloc(k->lists_bytes);
			if (!v->lists)
				return -ENOMEM;
			v->lists_capacity = k->lists_bytes;
		}
		n = ZSTD_decompress(v->lists, k->lists_bytes, stored, k->lists_stored);
		if (ZSTD_isError(n) || n != k->lists_bytes)
			return vmt_bad(r, "the lists of this block do not decompress");
		v->at = v->lists;
	} else if (k->lists_bytes != k->lists_stored) {
		return vmt_bad(r, "the lists of this block have two sizes");
	}
	v->lists_end = v->at + k->lists_bytes;
	return 0;
}

int vmt_number(struct trace_reader *r, uint64_t max, uint64_t *value)
{
	struct vmt_reader *v = r->state;

	*value = 0;
	v->at = varint_get(v->at, v->lists_end, value);
	if (!v->at || *value > max)
		return vmt_bad(r, "a list of this block has a wrong number");
	return 0;
}

int vmt_spaces_read(struct trace_reader *r)
{
	struct vmt_reader *v = r->state;
	uint64_t pid;
	uint32_t space;

	for (uint32_t i = 0; i < v->block.spaces; i++) {
		int err = vmt_number(r, UINT32_MAX, &pid);

		if (!err)
			err = page_ids_space_new(&r->ids, (uint32_t)pid, &space);
		if (err)
			return err;
	}
	if (r->ids.space_capacity > v->previous_capacity) {
		uint32_t capacity = r->ids.space_capacity;
		uint64_t *previous = realloc(v->previous, capacity * sizeof(*previous));

		if (!previous)
			return -ENOMEM;
		memset(previous + v->previous_capacity, 0,
		       (capacity - v->previous_capacity) * sizeof(*previous));
		v->previous = previous;
		v->previous_capacity = capacity;
	}
	return 0;
}

int vmt_pages_read(struct trace_reader *r)
{
	struct vmt_reader *v = r->state;
	struct page_ids *ids = vmt_ids(r);
	uint64_t space, count = 0, delta;

	for (uint32_t left = v->block.pages; left; left -= (uint32_t)count) {
		int err = vmt_number(r, (uint64_t)r->ids.space_count - 1, &space);

		if (!r->ids.space_count)
			return vmt_bad(r, "a page of no space");
		if (!err)
			err = vmt_number(r, left, &count);
		if (!err && !count)
			err = vmt_bad(r, "a group without pages");
		for (uint64_t i = 0; i < count && !err; i++) {
			err = vmt_number(r, UINT64_MAX, &delta);
			if (err)
				break;
			v->previous[space] += unzigzag(delta);
			err = page_ids_append(ids, (uint32_t)space, v->previous[space]);
		}
		if (err)
			return err;
	}
	return 0;
}

/* Where the next event is; at the end of the list, that nothing is left over. */
int vmt_event_find(struct trace_reader *r)
{
	struct vmt_reader *v = r->state;
	uint64_t distance;
	int err;

	if (!v->events_left)
		return v->at == v->lists_end ? 0
					     : vmt_bad(r, "bytes behind the lists of this block");
	err = vmt_number(r, v->block.refs - v->event_at, &distance);
	v->event_at += err ? 0 : (uint32_t)distance;
	return err;
}

static int event_mark(struct trace_reader *r, struct trace_record *rec)
{
	struct vmt_reader *v = r->state;
	uint64_t n;
	int err = vmt_number(r, TRACE_NAME_MAX, &n);

	if (err)
		return err;
	if (!n || n > (uint64_t)(v->lists_end - v->at) || memchr(v->at, 0, n) ||
	    memchr(v->at, '\n', n))
		return vmt_bad(r, "a mark without a proper name");
	rec->name = trace_intern(r, (const char *)v->at, n);
	v->at += n;
	return rec->name ? 0 : -ENOMEM;
}

static int event_range(struct trace_reader *r, struct trace_record *rec)
{
	struct vmt_reader *v = r->state;
	uint64_t object = 0;
	int err = vmt_number(r, UINT64_MAX, &rec->vpn);

	if (!err)
		err = vmt_number(r, UINT64_MAX, &rec->value);
	if (!err && (!rec->value || rec->value - 1 > UINT64_MAX - rec->vpn))
		err = vmt_bad(r, "a range that passes the end of the address space");
	if (err || rec->kind != TRACE_MAP)
		return err;
	if (v->at == v->lists_end || *v->at >= TRACE_BACKINGS)
		return vmt_bad(r, "a mapping of an unknown kind");
	rec->backing = *v->at++;
	if (rec->backing == TRACE_ANON)
		return 0;
	err = vmt_number(r, UINT32_MAX, &object);
	rec->object = (uint32_t)object;
	return err ? err : vmt_number(r, UINT64_MAX, &rec->object_page);
}

static int event_fields(struct trace_reader *r, struct trace_event *e)
{
	const struct page_ids *ids = vmt_ids(r);
	struct trace_record *rec = &e->record;
	uint64_t value;
	int err;

	switch (rec->kind) {
	case TRACE_MAP:
	case TRACE_UNMAP:
	case TRACE_DISCARD:
		return event_range(r, rec);
	case TRACE_FORK:
		err = vmt_number(r, (uint64_t)r->ids.space_count - 1, &value);
		if (err)
			return err;
		e->child = (uint32_t)value;
		rec->value = r->ids.pids[value];
		return 0;
	case TRACE_EXIT:
		return 0;
	case TRACE_LEAVE:
		err = vmt_number(r, UINT32_MAX, &value);
		if (!err && value >= ids->count)
			err = vmt_bad(r, "an event of a page that is not there");
		if (!err && ids->spaces[value] != e->space)
			err = vmt_bad(r, "an event of another space's page");
		if (!err)
			rec->vpn = ids->vpns[value];
		return err;
	case TRACE_MARK:
		return event_mark(r, rec);
	case TRACE_THREAD:
	case TRACE_TIME:
		return vmt_number(r, UINT64_MAX, &rec->value);
	default:
		return vmt_bad(r, "an event of an unknown kind");
	}
}

int vmt_event_read(struct trace_reader *r, struct trace_event *e)
{
	struct vmt_reader *v = r->state;
	uint64_t space;
	uint8_t kind;
	int err;

	if (v->at == v->lists_end)
		return vmt_bad(r, "the events of this block end too early");
	kind = *v->at++;
	err = vmt_number(r, (uint64_t)r->ids.space_count - 1, &space);
	if (!r->ids.space_count)
		return vmt_bad(r, "an event of no space");
	if (err)
		return err;
	*e = (struct trace_event){ .space = (uint32_t)space };
	e->record.kind = kind;
	e->record.pid = r->ids.pids[space];
	err = event_fields(r, e);
	v->events_left--;
	v->events++;
	return err ? err : vmt_event_find(r);
}
