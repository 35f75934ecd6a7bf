/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_internal.h - the reader and the writer from inside: one table a format, and what the tables' functions share.
 *
 * A format yields records or, if it has page ids of its own (.vmt), refs; reader.c makes the one from the other.
 */
#ifndef VMM_TRACE_INTERNAL_H
#define VMM_TRACE_INTERNAL_H

#include "core/trace/page_ids.h"
#include "core/trace/sink.h"
#include "core/trace/source.h"
#include "core/trace/trace.h"

#include <string.h>

#define PROBE_BYTES 4096u /* what probe() sees, fewer when the file is smaller */
#define RECORD_BATCH 512u

/* --- reading --- */

struct trace_format {
	const char *name;
	/* Whether the beginning of a file (n bytes; all of it when `whole`) is of this format. NULL: only when named. */
	bool (*probe)(const uint8_t *head, size_t n, bool whole);
	/* Called when the source is at the file's first byte: may set header and totals, and state. */
	int (*open)(struct trace_reader *r);
	void (*close)(struct trace_reader *r);
	/* Exactly one of the two. As trace_read_records; as trace_read_refs but for event->pages and the mask. */
	ssize_t (*records)(struct trace_reader *r, struct trace_record *records, size_t max);
	int (*refs)(struct trace_reader *r, uint32_t *refs, size_t max, size_t *n,
		    struct trace_event *event);
};

extern const struct trace_format format_vmt, format_lackey, format_drmemtrace, format_champsim,
	format_oracle, format_ostep, format_text;

struct trace_reader {
	const struct trace_format *format;
	struct source source;
	struct trace_header header;
	uint32_t native_shift; /* of the pages that the format yields; header.page_shift is what the user sees */
	uint32_t shift;          /* header.page_shift - native_shift */
	uint32_t recorded_shift; /* of a text that says its page size; 0: native_shift */
	struct trace_problem problem;
	const char *cut;
	struct trace_totals totals;
	bool has_totals, no_fetch;
	int failed; /* -errno: nothing more is read */
	uint32_t mask;
	void *state; /* the format's */

	struct page_ids ids;
	struct page_ids own; /* ids of the format's own, finer pages; only with shift > 0 */
	uint32_t *coarse;    /* by own id: id */
	uint32_t coarse_count, coarse_capacity;

	struct trace_record *pending; /* records read but not yet made refs */
	size_t pending_at, pending_end;
	uint32_t *refs; /* refs read but not yet made records */
	size_t refs_at, refs_end;
	struct trace_event event;
	bool has_event;
	int postponed; /* -errno, for when refs and event are handed out */

	uint32_t *pages; /* what event->pages points to */
	uint32_t pages_capacity;

	char **names; /* of marks */
	uint32_t name_count;
	uint64_t line; /* text formats: lines read */
};

/* Sets the problem and returns -EBADMSG. */
int trace_bad_line(struct trace_reader *r, const uint8_t *line, const uint8_t *at,
		   const char *what);
int trace_bad_bytes(struct trace_reader *r, uint64_t offset, const char *what);
/* The name of a mark, kept until the reader is closed; NULL: no memory. */
const char *trace_intern(struct trace_reader *r, const char *name, size_t size);
/* The ids of the pages of the event, into event->pages. */
int trace_event_pages(struct trace_reader *r, struct trace_event *event);

/*
 * Text formats: the next lines. Makes [*from, *to) whole lines, each ending in '\n' (one is added to the last line of a file
 * that lacks it): 0; 1 at the end; -errno. The caller moves source.pos.
 */
int trace_lines(struct trace_reader *r, const uint8_t **from, const uint8_t **to);

/* Splits an access of `size` bytes into one record a page; returns their number, at most 2. */
size_t trace_access(const struct trace_reader *r, struct trace_record *records, uint32_t pid,
		    enum trace_kind kind, uint64_t address, uint64_t size);

/* --- writing --- */

struct trace_writer_ops {
	const char *name;
	int (*open)(struct trace_writer *w);
	int (*write)(struct trace_writer *w, const struct trace_record *records, size_t n);
	int (*flush)(struct trace_writer *w);  /* NULL: nothing to do before the sink's flush */
	int (*finish)(struct trace_writer *w); /* NULL: likewise; not called after an error */
	void (*close)(struct trace_writer *w); /* frees state; always called when open was */
};

extern const struct trace_writer_ops writer_text, writer_vmt, writer_oracle, writer_csv;

struct trace_writer {
	const struct trace_writer_ops *ops;
	struct sink sink;
	struct trace_header header;
	const char *path;
	const char *problem;
	uint64_t dropped;
	int err;
	void *state;
};

/* --- small things --- */

static inline bool trace_is_ref(const struct trace_record *rec)
{
	return rec->kind <= TRACE_WRITE;
}

/* The text of a number at `to`, at most 20 bytes; returns its end. */
static inline uint8_t *put_decimal(uint8_t *to, uint64_t value)
{
	uint8_t digits[20];
	int n = 0;

	do
		digits[n++] = (uint8_t)('0' + value % 10);
	while (value /= 10);
	while (n)
		*to++ = digits[--n];
	return to;
}

/* Without leading zeros, at most 16 bytes. */
static inline uint8_t *put_hex(uint8_t *to, uint64_t value)
{
	int digit = value ? (63 - __builtin_clzll(value)) / 4 : 0;

	for (; digit >= 0; digit--)
		*to++ = (uint8_t) "0123456789abcdef"[value >> 4 * digit & 15];
	return to;
}

#endif
