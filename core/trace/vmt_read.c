/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmt_read.c - reads .vmt. Nothing in the file is believed before it is checked: the sum of a block guards against damage,
 * the checks of every number against files that somebody made.
 *
 * A block is visible in the source as a whole while it is read; its refs are decoded straight into the caller's array.
 */
#include "core/trace/crc32c.h"
#include "core/trace/trace_internal.h"
#include "core/trace/vmt.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

struct vmt_reader {
	struct vmt_block block;
	size_t block_bytes; /* of the block in the source; 0: none is read */
	const uint8_t *coded, *coded_end;
	uint32_t refs_done, blocks;
	uint64_t refs_before; /* in earlier blocks */
	uint64_t writes, events;
	bool ended; /* the end block was seen, or the file is cut */

	uint64_t run_value, run_step; /* VMT_RUNS: the next value, while run_left > 0 */
	uint32_t run_left;

	uint8_t *lists;
	size_t lists_capacity;
	const uint8_t *at, *lists_end; /* the next event */
	uint32_t events_left, event_at;

	uint64_t *previous; /* by space: vpn of its last new page */
	uint32_t previous_capacity;
	char *meta;
};

static int bad(struct trace_reader *r, const char *what)
{
	return trace_bad_bytes(r, source_offset(&r->source), what);
}

static int cut(struct trace_reader *r, const char *how)
{
	struct vmt_reader *v = r->state;

	r->cut = r->source.cut ? "the compressed file ends in the middle of a zstd frame" : how;
	v->ended = true;
	return 0;
}

static int need(struct trace_reader *r, size_t n)
{
	int err = source_need(&r->source, n);

	if (err == -EBADMSG)
		return bad(r, "the zstd compression is broken here");
	return err;
}

/* --- the lists --- */

static int lists_unpack(struct trace_reader *r, const uint8_t *stored)
{
	struct vmt_reader *v = r->state;
	const struct vmt_block *k = &v->block;
	size_t n;

	v->at = stored;
	if (k->low_flags & VMT_FLAG_ZSTD << 1) {
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
			return bad(r, "the lists of this block do not decompress");
		v->at = v->lists;
	} else if (k->lists_bytes != k->lists_stored) {
		return bad(r, "the lists of this block have two sizes");
	}
	v->lists_end = v->at + k->lists_bytes;
	return 0;
}

static int number(struct trace_reader *r, uint64_t max, uint64_t *value)
{
	struct vmt_reader *v = r->state;

	*value = 0;
	v->at = varint_get(v->at, v->lists_end, value);
	if (!v->at || *value > max)
		return bad(r, "a list of this block has a wrong number");
	return 0;
}

static int spaces_read(struct trace_reader *r)
{
	struct vmt_reader *v = r->state;
	uint64_t pid;
	uint32_t space;

	for (uint32_t i = 0; i < v->block.spaces; i++) {
		int err = number(r, UINT32_MAX, &pid);

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

static int pages_read(struct trace_reader *r)
{
	struct vmt_reader *v = r->state;
	struct page_ids *ids = r->shift ? &r->own : &r->ids;
	uint64_t space, count, delta;

	for (uint32_t left = v->block.pages; left; left -= (uint32_t)count) {
		int err = number(r, (uint64_t)r->ids.space_count - 1, &space);

		if (!r->ids.space_count)
			return bad(r, "a page of no space");
		if (!err)
			err = number(r, left, &count);
		if (!err && !count)
			err = bad(r, "a group without pages");
		for (uint64_t i = 0; i < count && !err; i++) {
			err = number(r, UINT64_MAX, &delta);
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
static int event_find(struct trace_reader *r)
{
	struct vmt_reader *v = r->state;
	uint64_t distance;
	int err;

	if (!v->events_left)
		return v->at == v->lists_end ? 0 : bad(r, "bytes behind the lists of this block");
	err = number(r, v->block.refs - v->event_at, &distance);
	v->event_at += err ? 0 : (uint32_t)distance;
	return err;
}

static int event_mark(struct trace_reader *r, struct trace_record *rec)
{
	struct vmt_reader *v = r->state;
	uint64_t n;
	int err = number(r, TRACE_NAME_MAX, &n);

	if (err)
		return err;
	if (!n || n > (uint64_t)(v->lists_end - v->at) || memchr(v->at, 0, n) ||
	    memchr(v->at, '\n', n))
		return bad(r, "a mark without a proper name");
	rec->name = trace_intern(r, (const char *)v->at, n);
	v->at += n;
	return rec->name ? 0 : -ENOMEM;
}

static int event_range(struct trace_reader *r, struct trace_record *rec)
{
	struct vmt_reader *v = r->state;
	uint64_t object = 0;
	int err = number(r, UINT64_MAX, &rec->vpn);

	if (!err)
		err = number(r, UINT64_MAX, &rec->value);
	if (!err && (!rec->value || rec->value - 1 > UINT64_MAX - rec->vpn))
		err = bad(r, "a range that passes the end of the address space");
	if (err || rec->kind != TRACE_MAP)
		return err;
	if (v->at == v->lists_end || *v->at >= TRACE_BACKINGS)
		return bad(r, "a mapping of an unknown kind");
	rec->backing = *v->at++;
	if (rec->backing == TRACE_ANON)
		return 0;
	err = number(r, UINT32_MAX, &object);
	rec->object = (uint32_t)object;
	return err ? err : number(r, UINT64_MAX, &rec->object_page);
}

static int event_fields(struct trace_reader *r, struct trace_event *e)
{
	const struct page_ids *ids = r->shift ? &r->own : &r->ids;
	struct trace_record *rec = &e->record;
	uint64_t value;
	int err;

	switch (rec->kind) {
	case TRACE_MAP:
	case TRACE_UNMAP:
	case TRACE_DISCARD:
		return event_range(r, rec);
	case TRACE_FORK:
		err = number(r, (uint64_t)r->ids.space_count - 1, &value);
		if (err)
			return err;
		e->child = (uint32_t)value;
		rec->value = r->ids.pids[value];
		return 0;
	case TRACE_EXIT:
		return 0;
	case TRACE_LEAVE:
		err = number(r, UINT32_MAX, &value);
		if (!err && value >= ids->count)
			err = bad(r, "an event of a page that is not there");
		if (!err && ids->spaces[value] != e->space)
			err = bad(r, "an event of another space's page");
		if (!err)
			rec->vpn = ids->vpns[value];
		return err;
	case TRACE_MARK:
		return event_mark(r, rec);
	case TRACE_THREAD:
	case TRACE_TIME:
		return number(r, UINT64_MAX, &rec->value);
	default:
		return bad(r, "an event of an unknown kind");
	}
}

static int event_read(struct trace_reader *r, struct trace_event *e)
{
	struct vmt_reader *v = r->state;
	uint64_t space;
	uint8_t kind;
	int err;

	if (v->at == v->lists_end)
		return bad(r, "the events of this block end too early");
	kind = *v->at++;
	err = number(r, (uint64_t)r->ids.space_count - 1, &space);
	if (!r->ids.space_count)
		return bad(r, "an event of no space");
	if (err)
		return err;
	*e = (struct trace_event){ .space = (uint32_t)space };
	e->record.kind = kind;
	e->record.pid = r->ids.pids[space];
	err = event_fields(r, e);
	v->events_left--;
	v->events++;
	return err ? err : event_find(r);
}

/* --- blocks --- */

static int end_read(struct trace_reader *r)
{
	struct vmt_reader *v = r->state;
	const struct page_ids *ids = r->shift ? &r->own : &r->ids;
	struct trace_totals t;
	int err = number(r, UINT64_MAX, &t.refs);

	if (!err)
		err = number(r, UINT64_MAX, &t.writes);
	if (!err)
		err = number(r, UINT64_MAX, &t.events);
	if (!err)
		err = number(r, UINT64_MAX, &t.pages);
	if (!err)
		err = number(r, UINT64_MAX, &t.spaces);
	if (err)
		return err;
	if (v->at != v->lists_end || t.refs != v->refs_before || t.pages != ids->count ||
	    t.spaces != r->ids.space_count || t.events != v->events)
		return bad(r, "the end block does not agree with the blocks before it");
	r->totals = t;
	r->has_totals = true;
	v->ended = true;
	r->source.pos += v->block_bytes;
	v->block_bytes = 0;
	err = need(r, 1);
	if (!err && source_left(&r->source))
		err = bad(r, "bytes behind the end block");
	return err;
}

static int header_check(struct trace_reader *r, const struct vmt_block *k)
{
	const struct vmt_reader *v = r->state;
	bool end = k->magic == VMT_END_MAGIC;

	if (k->magic != VMT_BLOCK_MAGIC && !end)
		return bad(r, "expected a block");
	if (k->refs > VMT_REFS_MAX || k->lists_bytes > VMT_LISTS_MAX ||
	    k->lists_stored > k->lists_bytes || k->refs_bytes > 4 * VMT_REFS_MAX)
		return bad(r, "a block with impossible sizes");
	if (k->number != v->blocks)
		return bad(r, "a block is missing or out of order");
	return 0;
}

/* After the sum is known to be right. */
static int refs_check(struct trace_reader *r, const struct vmt_block *k)
{
	bool good = k->shift <= 1 && k->low_flags <= 3 && (k->shift || !(k->low_flags & 1));

	if (k->encoding == VMT_PACKED)
		good = good && k->width <= 32 &&
		       k->refs_bytes == vmt_packed_bytes(k->refs, k->width);
	else
		good = good && k->encoding == VMT_RUNS && !k->width && !k->base;
	if (k->magic == VMT_END_MAGIC)
		good = good && !k->refs && !k->pages && !k->spaces && !k->events;
	return good ? 0 : bad(r, "refs in an unknown coding");
}

/* The next block: 1, 0 at the end or the cut. */
static int block_read(struct trace_reader *r)
{
	struct vmt_reader *v = r->state;
	struct vmt_block *k = &v->block;
	const uint8_t *p;
	int err;

	r->source.pos += v->block_bytes;
	v->block_bytes = 0;
	v->refs_before += k->refs;
	k->refs = v->refs_done = v->events_left = v->event_at = v->run_left = 0;
	v->run_value = 0;
	err = need(r, VMT_BLOCK_BYTES);
	if (err)
		return err;
	if (!source_left(&r->source))
		return cut(r, "the file ends without its end block");
	if (source_left(&r->source) < VMT_BLOCK_BYTES)
		return cut(r, "the file ends in the middle of a block");
	struct vmt_block head;
	memcpy(&head, source_at(&r->source), sizeof(head));
	err = header_check(r, &head);
	if (err)
		return err;
	size_t bytes = (size_t)VMT_BLOCK_BYTES + head.lists_stored + head.refs_bytes;
	err = need(r, bytes);
	if (err)
		return err;
	if (source_left(&r->source) < bytes)
		return cut(r, "the file ends in the middle of a block");
	p = source_at(&r->source);
	if (crc32c(0, p + 8, bytes - 8) != head.crc)
		return bad(r, "this block is damaged: its checksum is wrong");
	err = refs_check(r, &head);
	if (err)
		return err;
	*k = head;
	v->block_bytes = bytes;
	v->blocks++;
	v->coded = p + VMT_BLOCK_BYTES + k->lists_stored;
	v->coded_end = p + bytes;
	err = lists_unpack(r, p + VMT_BLOCK_BYTES);
	if (err)
		return err;
	if (k->magic == VMT_END_MAGIC)
		return end_read(r);
	err = spaces_read(r);
	if (!err)
		err = pages_read(r);
	v->events_left = k->events;
	if (!err)
		err = event_find(r);
	return err ? err : 1;
}

/* The next run of a block in runs. */
static int run_read(struct trace_reader *r)
{
	struct vmt_reader *v = r->state;
	uint64_t delta, step, count, last;

	v->coded = varint_get(v->coded, v->coded_end, &delta);
	if (v->coded)
		v->coded = varint_get(v->coded, v->coded_end, &step);
	if (v->coded)
		v->coded = varint_get(v->coded, v->coded_end, &count);
	if (!v->coded || !count || count > v->block.refs - v->refs_done)
		return bad(r, "a run is wrong");
	v->run_value += unzigzag(delta);
	v->run_step = unzigzag(step);
	v->run_left = (uint32_t)count;
	last = v->run_value + (count - 1) * v->run_step;
	if (v->run_value > UINT32_MAX || last > UINT32_MAX)
		return bad(r, "a run is wrong");
	return 0;
}

static int runs_decode(struct trace_reader *r, uint32_t *refs, size_t n, uint32_t *largest)
{
	struct vmt_reader *v = r->state;
	uint32_t shift = v->block.shift, low = v->block.low_flags & 1;
	size_t done = 0;

	*largest = 0;
	while (done < n) {
		uint32_t part, value, step;
		int err = v->run_left ? 0 : run_read(r);

		if (err)
			return err;
		part = n - done < v->run_left ? (uint32_t)(n - done) : v->run_left;
		value = (uint32_t)v->run_value << shift | low;
		step = (uint32_t)v->run_step << shift;
		for (uint32_t i = 0; i < part; i++) {
			refs[done + i] = value + i * step;
			*largest = refs[done + i] > *largest ? refs[done + i] : *largest;
		}
		/* the last value of a run is where the next one's difference begins */
		v->run_left -= part;
		v->run_value += (uint64_t)(v->run_left ? part : part - 1) * v->run_step;
		v->refs_done += part;
		done += part;
	}
	return 0;
}

static int refs_decode(struct trace_reader *r, uint32_t *refs, size_t n)
{
	struct vmt_reader *v = r->state;
	const struct page_ids *ids = r->shift ? &r->own : &r->ids;
	const struct vmt_block *k = &v->block;
	uint32_t largest;
	int err = 0;

	if (k->encoding == VMT_RUNS) {
		err = runs_decode(r, refs, n, &largest);
	} else {
		uint32_t add = (k->base << k->shift) + (k->low_flags & 1);

		largest = vmt_unpack(v->coded, v->refs_done, n, k->width, k->shift, add, refs);
		v->refs_done += (uint32_t)n;
	}
	if (!err && largest >> 1 >= ids->count)
		err = bad(r, "a reference to a page that is not there");
	return err;
}

/* Up to the next event, the end of the block, or max. */
static int vmt_refs(struct trace_reader *r, uint32_t *refs, size_t max, size_t *n,
		    struct trace_event *event)
{
	struct vmt_reader *v = r->state;
	size_t part;
	int result;

	while (v->refs_done == v->block.refs && !v->events_left) {
		if (v->ended)
			return 0;
		result = block_read(r);
		if (result <= 0) {
			v->ended = true;
			return result;
		}
	}
	part = (v->events_left ? v->event_at : v->block.refs) - v->refs_done;
	if (part > max)
		part = max;
	if (part) {
		result = refs_decode(r, refs, part);
		if (result)
			return result;
		*n = part;
	}
	if (!v->events_left || v->refs_done < v->event_at)
		return 0;
	result = event_read(r, event);
	return result ? result : 1;
}

static bool vmt_probe(const uint8_t *head, size_t n, bool whole)
{
	(void)whole;
	return n >= 4 && !memcmp(head, VMT_MAGIC, 4);
}

/* The header, whose meta text is kept. */
static int header_read(struct trace_reader *r)
{
	struct vmt_reader *v = r->state;
	uint32_t meta_bytes, crc, zero = 0;
	uint8_t head[VMT_HEADER_BYTES];
	uint16_t version;

	if (source_left(&r->source) < VMT_HEADER_BYTES)
		return bad(r, "the file ends in the middle of its header");
	memcpy(head, source_at(&r->source), sizeof(head));
	if (memcmp(head, VMT_MAGIC, VMT_MAGIC_BYTES) != 0)
		return bad(r, "the magic number is damaged: was the file copied as text?");
	memcpy(&version, head + 8, 2);
	memcpy(&meta_bytes, head + 16, 4);
	memcpy(&crc, head + 20, 4);
	if (version != VMT_VERSION)
		return bad(r, "a version of .vmt that this program does not know");
	if (meta_bytes > VMT_META_MAX)
		return bad(r, "the header is damaged");
	int err = need(r, VMT_HEADER_BYTES + (size_t)meta_bytes);
	if (err)
		return err;
	if (source_left(&r->source) < VMT_HEADER_BYTES + meta_bytes)
		return bad(r, "the file ends in the middle of its header");
	v->meta = strndup((const char *)source_at(&r->source) + VMT_HEADER_BYTES, meta_bytes);
	if (!v->meta)
		return -ENOMEM;
	memcpy(head + 20, &zero, 4);
	if (crc32c(crc32c(0, head, sizeof(head)), source_at(&r->source) + VMT_HEADER_BYTES,
		   meta_bytes) != crc)
		return bad(r, "the header is damaged: its checksum is wrong");
	if (!head[10] || head[10] > TRACE_PAGE_SHIFT_MAX || head[11] >= TRACE_FIDELITIES)
		return bad(r, "the header has a page size or a kind of trace that is unknown");
	r->native_shift = r->header.page_shift = head[10];
	r->header.fidelity = head[11];
	memcpy(&r->header.window, head + 12, 4);
	r->header.meta = *v->meta ? v->meta : NULL;
	r->source.pos += VMT_HEADER_BYTES + meta_bytes;
	return 0;
}

static int vmt_open(struct trace_reader *r)
{
	struct vmt_reader *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	r->state = v;
	return header_read(r);
}

static void vmt_close(struct trace_reader *r)
{
	struct vmt_reader *v = r->state;

	free(v->lists);
	free(v->previous);
	free(v->meta);
	free(v);
}

const struct trace_format format_vmt = {
	.name = "vmt",
	.probe = vmt_probe,
	.open = vmt_open,
	.close = vmt_close,
	.refs = vmt_refs,
};
