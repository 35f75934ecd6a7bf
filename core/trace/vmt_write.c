/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmt_write.c - writes .vmt: collects refs, new pages, new spaces and events of a block, and codes it when it is full.
 *
 * The width of a block's refs is the least that holds all of them. Runs are taken instead where they are long (RUN_MEAN refs
 * and more on the average), so that they are smaller and no slower to decode. Lists are compressed when that saves an eighth.
 */
#include "core/trace/crc32c.h"
#include "core/trace/trace_internal.h"
#include "core/trace/vmt.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#define RUN_MEAN 16u
#define RUN_BYTES (2 * VARINT_BYTES + 5)
#define RUNS_MAX (VMT_REFS_MAX / RUN_MEAN)
#define EVENT_BYTES (VARINT_BYTES * 6 + 2 + TRACE_NAME_MAX)
#define LISTS_FULL (1u << 20) /* a block with so many bytes of lists is closed */
#define LISTS_LEVEL 3         /* of zstd */

struct bytes {
	uint8_t *data;
	size_t size, capacity;
};

struct vmt_writer {
	struct page_ids ids;
	uint64_t *previous; /* by space: vpn of its last new page */
	uint32_t previous_capacity;
	struct vmt_block block;
	uint32_t refs[VMT_REFS_MAX];
	uint8_t coded[VMT_REFS_MAX * 4 + 64]; /* refs, packed or as runs */
	struct bytes pages, events, lists, packed_lists;
	uint32_t group_space, group_count; /* the open group of new pages */
	size_t group_first;                /* where its deltas begin */
	uint32_t spaces_first;             /* id of the block's first new space */
	uint32_t event_at;                 /* refs of the block before the last event */
	struct trace_totals totals;
};

static int bytes_room(struct bytes *b, size_t n)
{
	size_t capacity = b->capacity ? b->capacity : 4096;
	uint8_t *data;

	if (b->size + n <= b->capacity)
		return 0;
	while (capacity < b->size + n)
		capacity *= 2;
	data = realloc(b->data, capacity);
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->capacity = capacity;
	return 0;
}

/* The caller has made room. */
static void bytes_number(struct bytes *b, uint64_t value)
{
	b->size = (size_t)(varint_put(b->data + b->size, value) - b->data);
}

static int bytes_append(struct bytes *b, const void *data, size_t n)
{
	int err = bytes_room(b, n);

	if (!err && n)
		memcpy(b->data + b->size, data, n);
	b->size += err ? 0 : n;
	return err;
}

/* --- the lists --- */

/* Writes the head of the open group in front of its deltas. */
static int group_close(struct vmt_writer *v)
{
	uint8_t head[2 * VARINT_BYTES];
	size_t n;
	int err;

	if (!v->group_count)
		return 0;
	n = (size_t)(varint_put(varint_put(head, v->group_space), v->group_count) - head);
	err = bytes_room(&v->pages, n);
	if (err)
		return err;
	memmove(v->pages.data + v->group_first + n, v->pages.data + v->group_first,
		v->pages.size - v->group_first);
	memcpy(v->pages.data + v->group_first, head, n);
	v->pages.size += n;
	v->group_count = 0;
	return 0;
}

static int space_note(struct vmt_writer *v, uint32_t space)
{
	if (space >= v->previous_capacity) {
		size_t capacity = v->ids.space_capacity;
		uint64_t *previous = realloc(v->previous, capacity * sizeof(*previous));

		if (!previous)
			return -ENOMEM;
		memset(previous + v->previous_capacity, 0,
		       (capacity - v->previous_capacity) * sizeof(*previous));
		v->previous = previous;
		v->previous_capacity = (uint32_t)capacity;
	}
	return 0;
}

static int page_note(struct vmt_writer *v, uint32_t space, uint64_t vpn)
{
	int err = space_note(v, space);

	if (!err && v->group_count && v->group_space != space)
		err = group_close(v);
	if (!err)
		err = bytes_room(&v->pages, VARINT_BYTES);
	if (err)
		return err;
	if (!v->group_count) {
		v->group_space = space;
		v->group_first = v->pages.size;
	}
	v->group_count++;
	bytes_number(&v->pages, zigzag(vpn - v->previous[space]));
	v->previous[space] = vpn;
	v->block.pages++;
	return 0;
}

static int page_of(struct vmt_writer *v, uint32_t space, uint64_t vpn, uint32_t *id)
{
	bool made;
	int err = page_ids_get(&v->ids, space, vpn, id, &made);

	return err || !made ? err : page_note(v, space, vpn);
}

static int event_fields(struct vmt_writer *v, const struct trace_record *rec, uint32_t space)
{
	struct bytes *b = &v->events;
	uint32_t id;
	size_t n;
	int err;

	switch (rec->kind) {
	case TRACE_MAP:
	case TRACE_UNMAP:
	case TRACE_DISCARD:
		bytes_number(b, rec->vpn);
		bytes_number(b, rec->value);
		if (rec->kind != TRACE_MAP)
			return 0;
		b->data[b->size++] = rec->backing;
		if (rec->backing != TRACE_ANON) {
			bytes_number(b, rec->object);
			bytes_number(b, rec->object_page);
		}
		return 0;
	case TRACE_FORK:
		err = page_ids_space_new(&v->ids, (uint32_t)rec->value, &id);
		if (!err)
			bytes_number(b, id);
		return err;
	case TRACE_EXIT:
		page_ids_space_close(&v->ids, rec->pid);
		return 0;
	case TRACE_LEAVE:
		err = page_of(v, space, rec->vpn, &id);
		if (!err)
			bytes_number(b, id);
		return err;
	case TRACE_MARK:
		n = strlen(rec->name);
		bytes_number(b, n);
		return bytes_append(b, rec->name, n);
	default: /* TRACE_THREAD, TRACE_TIME */
		bytes_number(b, rec->value);
		return 0;
	}
}

static int event_note(struct vmt_writer *v, const struct trace_record *rec)
{
	struct bytes *b = &v->events;
	uint32_t space;
	int err = page_ids_space(&v->ids, rec->pid, &space);

	if (!err)
		err = bytes_room(b, EVENT_BYTES);
	if (err)
		return err;
	bytes_number(b, v->block.refs - v->event_at);
	b->data[b->size++] = rec->kind;
	bytes_number(b, space);
	v->event_at = v->block.refs;
	v->block.events++;
	return event_fields(v, rec, space);
}

/* --- coding a block --- */

static int lists_code(struct vmt_writer *v)
{
	struct vmt_block *k = &v->block;
	size_t bound, n;
	int err = group_close(v);

	v->lists.size = 0;
	k->spaces = v->ids.space_count - v->spaces_first;
	if (!err)
		err = bytes_room(&v->lists, (size_t)k->spaces * VARINT_BYTES);
	for (uint32_t i = 0; i < k->spaces && !err; i++)
		bytes_number(&v->lists, v->ids.pids[v->spaces_first + i]);
	if (!err)
		err = bytes_append(&v->lists, v->pages.data, v->pages.size);
	if (!err)
		err = bytes_append(&v->lists, v->events.data, v->events.size);
	bound = ZSTD_compressBound(v->lists.size);
	v->packed_lists.size = 0;
	if (!err)
		err = bytes_room(&v->packed_lists, bound);
	if (err)
		return err;
	k->lists_bytes = k->lists_stored = (uint32_t)v->lists.size;
	n = ZSTD_compress(v->packed_lists.data, bound, v->lists.data, v->lists.size, LISTS_LEVEL);
	if (!ZSTD_isError(n) && n < v->lists.size - v->lists.size / 8) {
		k->lists_stored = (uint32_t)n;
		k->low_flags |= VMT_FLAG_ZSTD << 1;
	}
	return 0;
}

/* The refs as runs: their bytes, 0 when they are too short to be worth it. */
static size_t runs_code(struct vmt_writer *v, uint32_t n)
{
	uint8_t *to = v->coded;
	uint64_t before = 0;
	uint32_t runs = 0, i = 0;

	while (i < n) {
		uint64_t step = i + 1 < n ? (uint64_t)v->refs[i + 1] - v->refs[i] : 0;
		uint32_t end = i + 1;

		while (end < n && (uint64_t)v->refs[end] - v->refs[end - 1] == step)
			end++;
		if (++runs > n / RUN_MEAN || to + RUN_BYTES > v->coded + sizeof(v->coded))
			return 0;
		to = varint_put(to, zigzag(v->refs[i] - before));
		to = varint_put(to, zigzag(step));
		to = varint_put(to, end - i);
		before = v->refs[end - 1];
		i = end;
	}
	return (size_t)(to - v->coded);
}

static void refs_code(struct vmt_writer *v)
{
	struct vmt_block *k = &v->block;
	uint32_t n = k->refs, least = UINT32_MAX, most = 0, writes = 0;
	size_t runs;

	k->base = k->width = k->shift = k->encoding = 0;
	k->refs_bytes = 0;
	if (!n)
		return;
	for (uint32_t i = 0; i < n; i++)
		writes += v->refs[i] & 1;
	v->totals.writes += writes;
	if (!writes || writes == n) {
		k->shift = 1;
		k->low_flags |= writes != 0;
		for (uint32_t i = 0; i < n; i++)
			v->refs[i] >>= 1;
	}
	for (uint32_t i = 0; i < n; i++) {
		least = v->refs[i] < least ? v->refs[i] : least;
		most = v->refs[i] > most ? v->refs[i] : most;
	}
	k->width = (uint8_t)(most > least ? 32 - __builtin_clz(most - least) : 0);
	runs = runs_code(v, n);
	if (runs && runs < vmt_packed_bytes(n, k->width)) {
		k->encoding = VMT_RUNS;
		k->width = 0;
		k->refs_bytes = (uint32_t)runs;
		return;
	}
	k->base = least;
	for (uint32_t i = 0; i < n; i++)
		v->refs[i] -= least;
	k->refs_bytes = (uint32_t)vmt_packed_bytes(n, k->width);
	vmt_pack(v->coded, v->refs, n, k->width);
}

static int block_put(struct trace_writer *w, uint32_t magic)
{
	struct vmt_writer *v = w->state;
	struct vmt_block *k = &v->block;
	const struct bytes *lists = k->low_flags & VMT_FLAG_ZSTD << 1 ? &v->packed_lists
								      : &v->lists;
	const uint8_t *head = (const uint8_t *)k;
	uint32_t crc;

	k->magic = magic;
	crc = crc32c(0, head + 8, VMT_BLOCK_BYTES - 8);
	crc = crc32c(crc, lists->data, k->lists_stored);
	k->crc = crc32c(crc, v->coded, k->refs_bytes);
	sink_write(&w->sink, k, VMT_BLOCK_BYTES);
	sink_write(&w->sink, lists->data, k->lists_stored);
	sink_write(&w->sink, v->coded, k->refs_bytes);
	*k = (struct vmt_block){ .number = k->number + 1 };
	v->pages.size = v->events.size = 0;
	v->spaces_first = v->ids.space_count;
	v->event_at = 0;
	return w->sink.err;
}

static int block_close(struct trace_writer *w)
{
	struct vmt_writer *v = w->state;
	int err;

	if (!v->block.refs && !v->block.events && !v->block.pages)
		return 0;
	v->totals.refs += v->block.refs;
	v->totals.events += v->block.events;
	err = lists_code(v);
	if (err)
		return err;
	refs_code(v);
	return block_put(w, VMT_BLOCK_MAGIC);
}

/* --- the writer's table --- */

static int vmt_open(struct trace_writer *w)
{
	const char *meta = w->header.meta ? w->header.meta : "";
	uint32_t meta_bytes = (uint32_t)strlen(meta), crc;
	uint8_t head[VMT_HEADER_BYTES] = { 0 };
	uint16_t version = VMT_VERSION;
	struct vmt_writer *v;

	if (meta_bytes > VMT_META_MAX || !w->header.page_shift)
		return -EINVAL;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	page_ids_init(&v->ids);
	w->state = v;
	memcpy(head, vmt_magic, VMT_MAGIC_BYTES);
	memcpy(head + 8, &version, 2);
	head[10] = (uint8_t)w->header.page_shift;
	head[11] = (uint8_t)w->header.fidelity;
	memcpy(head + 12, &w->header.window, 4);
	memcpy(head + 16, &meta_bytes, 4);
	crc = crc32c(crc32c(0, head, sizeof(head)), meta, meta_bytes);
	memcpy(head + 20, &crc, 4);
	sink_write(&w->sink, head, sizeof(head));
	return sink_write(&w->sink, meta, meta_bytes);
}

static int vmt_write(struct trace_writer *w, const struct trace_record *rec, size_t n)
{
	struct vmt_writer *v = w->state;
	uint32_t space, id;
	int err = 0;

	for (; n && !err; n--, rec++) {
		if (v->block.refs == VMT_REFS_MAX || v->pages.size + v->events.size > LISTS_FULL) {
			err = block_close(w);
			if (err)
				break;
		}
		if (!trace_is_ref(rec)) {
			err = event_note(v, rec);
			continue;
		}
		err = page_ids_space(&v->ids, rec->pid, &space);
		if (!err)
			err = page_of(v, space, rec->vpn, &id);
		if (!err)
			v->refs[v->block.refs++] = id << 1 | (rec->kind == TRACE_WRITE);
	}
	return err;
}

static int vmt_finish(struct trace_writer *w)
{
	struct vmt_writer *v = w->state;
	int err = block_close(w);

	if (err)
		return err;
	v->lists.size = 0;
	err = bytes_room(&v->lists, (size_t)5 * VARINT_BYTES);
	if (err)
		return err;
	bytes_number(&v->lists, v->totals.refs);
	bytes_number(&v->lists, v->totals.writes);
	bytes_number(&v->lists, v->totals.events);
	bytes_number(&v->lists, v->ids.count);
	bytes_number(&v->lists, v->ids.space_count);
	v->block.lists_bytes = v->block.lists_stored = (uint32_t)v->lists.size;
	return block_put(w, VMT_END_MAGIC);
}

static void vmt_close(struct trace_writer *w)
{
	struct vmt_writer *v = w->state;

	if (!v)
		return;
	page_ids_destroy(&v->ids);
	free(v->previous);
	free(v->pages.data);
	free(v->events.data);
	free(v->lists.data);
	free(v->packed_lists.data);
	free(v);
}

const struct trace_writer_ops writer_vmt = {
	.name = "vmt",
	.open = vmt_open,
	.write = vmt_write,
	.flush = block_close,
	.finish = vmt_finish,
	.close = vmt_close,
};
