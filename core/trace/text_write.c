/* SPDX-License-Identifier: Apache-2.0 */
/* text_write.c - writes the text format (text.c reads it) and CSV. */
#include "core/trace/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_BYTES 512u /* more than any line */

static const char letters[TRACE_KINDS] = { 'R', 'W', 'M', 'U', 'D', 'F', 'X', 'L', 'T', '@', 'K' };

static bool address_ok(struct trace_writer *w, const struct trace_record *rec)
{
	if (rec->vpn <= UINT64_MAX >> w->header.page_shift)
		return true;
	w->problem = "a page number is too large to be written as an address of 64 bits";
	return false;
}

static uint8_t *put_address(const struct trace_writer *w, uint8_t *to,
			    const struct trace_record *rec)
{
	*to++ = '0';
	*to++ = 'x';
	return put_hex(to, rec->vpn << w->header.page_shift | rec->offset);
}

static uint8_t *put_range(const struct trace_writer *w, uint8_t *to, const struct trace_record *rec)
{
	to = put_address(w, to, rec);
	*to++ = ' ';
	to = put_decimal(to, rec->value << w->header.page_shift);
	if (rec->kind != TRACE_MAP || rec->backing == TRACE_ANON)
		return to;
	*to++ = ' ';
	to = (uint8_t *)stpcpy((char *)to, text_backings[rec->backing]);
	*to++ = ' ';
	to = put_decimal(to, rec->object);
	*to++ = ' ';
	return put_decimal(to, rec->object_page);
}

static uint8_t *put_arguments(const struct trace_writer *w, uint8_t *to,
			      const struct trace_record *rec)
{
	switch (rec->kind) {
	case TRACE_EXIT:
		return to;
	case TRACE_MAP:
	case TRACE_UNMAP:
	case TRACE_DISCARD:
		*to++ = ' ';
		return put_range(w, to, rec);
	case TRACE_FORK:
	case TRACE_THREAD:
	case TRACE_TIME:
		*to++ = ' ';
		return put_decimal(to, rec->value);
	case TRACE_MARK:
		*to++ = ' ';
		return (uint8_t *)stpcpy((char *)to, rec->name);
	default:
		*to++ = ' ';
		return put_address(w, to, rec);
	}
}

/* Says what plain text would lose; see text_open(). */
static int text_open(struct trace_writer *w)
{
	const struct trace_header *h = &w->header;
	uint8_t *to = sink_room(&w->sink, LINE_BYTES);

	if (h->page_shift == TRACE_PAGE_SHIFT && h->fidelity == TRACE_FULL)
		return 0;
	to = (uint8_t *)stpcpy((char *)to, "# vmm trace: page-size ");
	to = put_decimal(to, 1ull << h->page_shift);
	if (h->fidelity == TRACE_WINDOW)
		to = put_decimal((uint8_t *)stpcpy((char *)to, ", window "), h->window);
	if (h->fidelity == TRACE_FAULTS)
		to = (uint8_t *)stpcpy((char *)to, ", faults only");
	*to++ = '\n';
	w->sink.end = (size_t)(to - w->sink.buffer);
	return 0;
}

static int text_write(struct trace_writer *w, const struct trace_record *rec, size_t n)
{
	for (; n; n--, rec++) {
		uint8_t *to = sink_room(&w->sink, LINE_BYTES);

		if (!to)
			return w->sink.err;
		if (!address_ok(w, rec))
			return -ERANGE;
		to = put_decimal(to, rec->pid);
		*to++ = ' ';
		*to++ = (uint8_t)letters[rec->kind];
		to = put_arguments(w, to, rec);
		*to++ = '\n';
		w->sink.end = (size_t)(to - w->sink.buffer);
	}
	return 0;
}

const struct trace_writer_ops writer_text = {
	.name = "text",
	.open = text_open,
	.write = text_write,
};

/* --- CSV: references only --- */

static int csv_open(struct trace_writer *w)
{
	static const char head[] = "index,pid,op,address,page\n";

	w->state = calloc(1, sizeof(uint64_t)); /* the index */
	if (!w->state)
		return -ENOMEM;
	return sink_write(&w->sink, head, sizeof(head) - 1);
}

static int csv_write(struct trace_writer *w, const struct trace_record *rec, size_t n)
{
	uint64_t *index = w->state;

	for (; n; n--, rec++) {
		uint8_t *to = sink_room(&w->sink, LINE_BYTES);

		if (!to)
			return w->sink.err;
		if (!trace_is_ref(rec)) {
			w->dropped++;
			continue;
		}
		if (!address_ok(w, rec))
			return -ERANGE;
		to = put_decimal(to, (*index)++);
		*to++ = ',';
		to = put_decimal(to, rec->pid);
		*to++ = ',';
		*to++ = (uint8_t)letters[rec->kind];
		*to++ = ',';
		to = put_address(w, to, rec);
		*to++ = ',';
		to = put_decimal(to, rec->vpn);
		*to++ = '\n';
		w->sink.end = (size_t)(to - w->sink.buffer);
	}
	return 0;
}

static void csv_close(struct trace_writer *w)
{
	free(w->state);
}

const struct trace_writer_ops writer_csv = {
	.name = "csv",
	.open = csv_open,
	.write = csv_write,
	.close = csv_close,
};
