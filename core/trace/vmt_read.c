/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmt_read.c - reads .vmt. Nothing in the file is believed before it is checked: the sum of a block guards against damage,
 * the checks of every number against files that somebody made.
 *
 * A block is visible in the source as a whole while it is read; its refs are decoded straight into the caller's array.
 */
#include "core/trace/crc32c.h"
#include "core/trace/vmt_reader.h"

#include <errno.h>
#include <stdlib.h>

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
		return vmt_bad(r, "the zstd compression is broken here");
	return err;
}

/* --- blocks --- */

static int end_read(struct trace_reader *r)
{
	struct vmt_reader *v = r->state;
	const struct page_ids *ids = vmt_ids(r);
	struct trace_totals t;
	int err = vmt_number(r, UINT64_MAX, &t.refs);

	if (!err)
		err = vmt_number(r, UINT64_MAX, &t.writes);
	if (!err)
		err = vmt_number(r, UINT64_MAX, &t.events);
	if (!err)
		err = vmt_number(r, UINT64_MAX, &t.pages);
	if (!err)
		err = vmt_number(r, UINT64_MAX, &t.spaces);
	if (err)
		return err;
	if (v->at != v->lists_end || t.refs != v->refs_before || t.pages != ids->count ||
	    t.spaces != r->ids.space_count || t.events != v->events)
		return vmt_bad(r, "the end block does not agree with the blocks before it");
	r->totals = t;
	r->has_totals = true;
	v->ended = true;
	r->source.pos += v->block_bytes;
	v->block_bytes = 0;
	err = need(r, 1);
	if (!err && source_left(&r->source))
		err = vmt_bad(r, "bytes behind the end block");
	return err;
}

static int header_check(struct trace_reader *r, const struct vmt_block *k)
{
	const struct vmt_reader *v = r->state;
	bool end = k->magic == VMT_END_MAGIC;

	if (k->magic != VMT_BLOCK_MAGIC && !end)
		return vmt_bad(r, "expected a block");
	if (k->refs > VMT_REFS_MAX || k->lists_bytes > VMT_LISTS_MAX ||
	    k->lists_stored > k->lists_bytes || k->refs_bytes > 4 * VMT_REFS_MAX)
		return vmt_bad(r, "a block with impossible sizes");
	if (k->number != v->blocks)
		return vmt_bad(r, "a block is missing or out of order");
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
	return good ? 0 : vmt_bad(r, "refs in an unknown coding");
}

/* Makes the next block visible as a whole, and checks it as a whole: 1, 0 at the cut. */
static int block_find(struct trace_reader *r)
{
	struct vmt_reader *v = r->state;
	struct vmt_block head;
	size_t bytes;
	int err = need(r, VMT_BLOCK_BYTES);

	if (err)
		return err;
	if (!source_left(&r->source))
		return cut(r, "the file ends without its end block");
	if (source_left(&r->source) < VMT_BLOCK_BYTES)
		return cut(r, "the file ends in the middle of a block");
	memcpy(&head, source_at(&r->source), sizeof(head));
	err = header_check(r, &head);
	if (err)
		return err;
	bytes = (size_t)VMT_BLOCK_BYTES + head.lists_stored + head.refs_bytes;
	err = need(r, bytes);
	if (err)
		return err;
	if (source_left(&r->source) < bytes)
		return cut(r, "the file ends in the middle of a block");
	if (crc32c(0, source_at(&r->source) + 8, bytes - 8) != head.crc)
		return vmt_bad(r, "this block is damaged: its checksum is wrong");
	err = refs_check(r, &head);
	if (err)
		return err;
	v->block = head;
	v->block_bytes = bytes;
	v->blocks++;
	return 1;
}

/* The next block: 1, 0 at the end or the cut. */
static int block_read(struct trace_reader *r)
{
	struct vmt_reader *v = r->state;
	struct vmt_block *k = &v->block;
	const uint8_t *p;
	int result;

	r->source.pos += v->block_bytes;
	v->block_bytes = 0;
	v->refs_before += k->refs;
	k->refs = v->refs_done = v->events_left = v->event_at = v->run_left = 0;
	v->run_value = 0;
	result = block_find(r);
	if (result <= 0)
		return result;
	p = source_at(&r->source);
	v->coded = p + VMT_BLOCK_BYTES + k->lists_stored;
	v->coded_end = p + v->block_bytes;
	result = vmt_lists_unpack(r, p + VMT_BLOCK_BYTES);
	if (!result && k->magic == VMT_END_MAGIC)
		return end_read(r);
	if (!result)
		result = vmt_spaces_read(r);
	if (!result)
		result = vmt_pages_read(r);
	v->events_left = k->events;
	if (!result)
		result = vmt_event_find(r);
	return result ? result : 1;
}

/* The next run of a block in runs. */
static int run_read(struct trace_reader *r)
{
	struct vmt_reader *v = r->state;
	uint64_t delta = 0, step = 0, count = 0, last;

	v->coded = varint_get(v->coded, v->coded_end, &delta);
	if (v->coded)
		v->coded = varint_get(v->coded, v->coded_end, &step);
	if (v->coded)
		v->coded = varint_get(v->coded, v->coded_end, &count);
	if (!v->coded || !count || count > v->block.refs - v->refs_done)
		return vmt_bad(r, "a run is wrong");
	v->run_value += unzigzag(delta);
	v->run_step = unzigzag(step);
	v->run_left = (uint32_t)count;
	last = v->run_value + (count - 1) * v->run_step;
	if (v->run_value > UINT32_MAX || last > UINT32_MAX)
		return vmt_bad(r, "a run is wrong");
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
	const struct page_ids *ids = vmt_ids(r);
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
		err = vmt_bad(r, "a reference to a page that is not there");
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
	result = vmt_event_read(r, event);
	return result ? result : 1;
}

static bool vmt_probe(const uint8_t *head, size_t n, bool whole)
{
	(void)whole;
	return n >= 4 && !memcmp(head, vmt_magic, 4);
}

/* The header, whose meta text is kept. */
static int header_read(struct trace_reader *r)
{
	struct vmt_reader *v = r->state;
	uint32_t meta_bytes, crc, zero = 0;
	uint8_t head[VMT_HEADER_BYTES];
	uint16_t version;

	if (source_left(&r->source) < VMT_HEADER_BYTES)
		return vmt_bad(r, "the file ends in the middle of its header");
	memcpy(head, source_at(&r->source), sizeof(head));
	if (memcmp(head, vmt_magic, VMT_MAGIC_BYTES) != 0)
		return vmt_bad(r, "the magic number is damaged: was the file copied as text?");
	memcpy(&version, head + 8, 2);
	memcpy(&meta_bytes, head + 16, 4);
	memcpy(&crc, head + 20, 4);
	if (version != VMT_VERSION)
		return vmt_bad(r, "a version of .vmt that this program does not know");
	if (meta_bytes > VMT_META_MAX)
		return vmt_bad(r, "the header is damaged");
	int err = need(r, VMT_HEADER_BYTES + (size_t)meta_bytes);
	if (err)
		return err;
	if (source_left(&r->source) < VMT_HEADER_BYTES + meta_bytes)
		return vmt_bad(r, "the file ends in the middle of its header");
	v->meta = strndup((const char *)source_at(&r->source) + VMT_HEADER_BYTES, meta_bytes);
	if (!v->meta)
		return -ENOMEM;
	memcpy(head + 20, &zero, 4);
	if (crc32c(crc32c(0, head, sizeof(head)), source_at(&r->source) + VMT_HEADER_BYTES,
		   meta_bytes) != crc)
		return vmt_bad(r, "the header is damaged: its checksum is wrong");
	if (!head[10] || head[10] > TRACE_PAGE_SHIFT_MAX || head[11] >= TRACE_FIDELITIES)
		return vmt_bad(r, "the header has a page size or a kind of trace that is unknown");
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
