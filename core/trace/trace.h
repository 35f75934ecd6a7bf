/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h - reading and writing traces of any format: one reader, one writer.
 *
 * Words. A *trace* is an ordered stream of *records*: *references* (a process reads or writes a byte) and *events* (it maps,
 * unmaps, forks, exits ...). A *page* is a virtual page of one space; a *space* is one process from its first record to
 * its exit (a pid that comes back after its exit is another space). Pages and spaces have dense *ids* in order of first
 * appearance, counted from 0 over the whole trace. A *ref* is a reference in 32 bits: page id * 2 + 1 if it writes.
 *
 * A reader yields either records (trace_read_records: pid and address, for converting) or refs (trace_read_refs: for
 * replay, which then never hashes). One reader is used in one way only, from its start to its end.
 *
 * Reading goes by content, writing by the name's ending: `.vmt` is the binary format, anything else text, `.zst` on top
 * compresses. The formats are in docs/trace-format.md.
 *
 * Memory is O(pages), never O(references), but for the oracleGeneral writer's temporary file.
 *
 * Errors are -errno; what went wrong where is in struct trace_problem. A file that ends in the middle of something is not
 * an error: what precedes the cut is read, then the end comes, and trace_cut() says so.
 */
#ifndef VMM_TRACE_H
#define VMM_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TRACE_PAGE_SHIFT 12u       /* when nothing else is said */
#define TRACE_PAGE_SHIFT_MAX 30u   /* 1 GiB */
#define TRACE_PAGES_MAX (1u << 31) /* a ref has 31 bits for the page */
#define TRACE_NAME_MAX 255u        /* bytes of a mark's name */

enum trace_kind {
	TRACE_READ,
	TRACE_WRITE,
	TRACE_MAP,     /* [vpn, vpn + value) is mapped: backing, object, object_page */
	TRACE_UNMAP,   /* [vpn, vpn + value) is gone */
	TRACE_DISCARD, /* [vpn, vpn + value) loses its content and stays mapped */
	TRACE_FORK,    /* pid makes process `value` */
	TRACE_EXIT,    /* pid is gone */
	TRACE_LEAVE,   /* page vpn leaves the window of the recording */
	TRACE_THREAD,  /* what follows is done by thread `value` of pid */
	TRACE_TIME,    /* `value` nanoseconds since the recording began */
	TRACE_MARK,    /* `name`: a phase begins */
	TRACE_KINDS
};
#define TRACE_MASK(kind) (1u << (kind))
#define TRACE_ALL_EVENTS (TRACE_MASK(TRACE_KINDS) - TRACE_MASK(TRACE_MAP))

enum trace_backing {
	TRACE_ANON,
	TRACE_SHARED,
	TRACE_FILE_PRIVATE,
	TRACE_FILE_SHARED,
	TRACE_BACKINGS
};

struct trace_record {
	uint64_t vpn;
	uint64_t value;
	union {
		uint64_t object_page; /* MAP: page of the object at vpn */
		const char *name;     /* MARK: the reader's, valid until it is closed */
	};
	uint32_t pid;
	uint32_t offset; /* byte in the page; 0 where the format does not keep it */
	uint32_t object; /* MAP: id of the shared object or file */
	uint8_t kind;
	uint8_t backing;
};

/* What a trace can answer: see architecture.md, "Exactness". */
enum trace_fidelity {
	TRACE_FULL,   /* every reference */
	TRACE_WINDOW, /* references outside of the `window` pages mapped last, and LEAVE events */
	TRACE_FAULTS, /* faults only */
	TRACE_FIDELITIES
};

struct trace_header {
	uint32_t page_shift;
	enum trace_fidelity fidelity;
	uint32_t window;  /* pages; TRACE_WINDOW only */
	const char *meta; /* UTF-8 lines "key=value\n" about the origin, or NULL */
};

struct trace_problem {
	uint64_t line, column; /* text formats, from 1; 0: not a text */
	uint64_t offset;       /* binary formats: byte in the (decompressed) file */
	const char *what;      /* a constant: what was expected, or what is wrong */
};

struct trace_totals {
	uint64_t refs, writes, events, pages, spaces;
};

/* --- reading --- */

struct trace_reader;

struct trace_read_options {
	const char *format;  /* a name of trace_formats, NULL: by content */
	uint32_t page_shift; /* 0: as the trace says, else TRACE_PAGE_SHIFT */
	uint32_t events;     /* TRACE_MASK() of the events to be told of; others are skipped */
	bool no_fetch;       /* leave out instruction fetches (lackey, drmemtrace, champsim) */
};

/* "-" is stdin. `options` may be NULL. On failure -errno, and *problem (may be NULL) says why unless .what is NULL. */
int trace_open(struct trace_reader **r, const char *path, const struct trace_read_options *options,
	       struct trace_problem *problem);
/* The same from memory, which must stay until trace_close. */
int trace_open_memory(struct trace_reader **r, const void *data, size_t size,
		      const struct trace_read_options *options, struct trace_problem *problem);
void trace_close(struct trace_reader *r);

/* Up to `max` records: their number, 0 at the end, -errno. */
ssize_t trace_read_records(struct trace_reader *r, struct trace_record *records, size_t max);

struct trace_event {
	struct trace_record record; /* value, object_page: in pages of the reader's page size */
	uint32_t space;             /* id of record.pid's space */
	uint32_t child;             /* FORK: id of the new space */
	const uint32_t *
		pages; /* UNMAP, DISCARD, EXIT, LEAVE: the ids of the pages seen so far that it is about */
	uint32_t n_pages;
};

/*
 * Up to `max` refs, in *n; then, when the refs end at an event, *event. Returns 1 when there is an event, 0 when not,
 * -errno. The end is 0 with *n == 0. event->pages is valid until the next call. After an error *n refs before it are good.
 */
int trace_read_refs(struct trace_reader *r, uint32_t *refs, size_t max, size_t *n,
		    struct trace_event *event);

const struct trace_header *trace_header(const struct trace_reader *r);
const char *trace_format_name(const struct trace_reader *r);
/* Why the last call failed. */
const struct trace_problem *trace_problem(const struct trace_reader *r);
/* NULL, or a constant that says in which way the file ends too early. Complete only at the end. */
const char *trace_cut(const struct trace_reader *r);
/* The totals that the trace itself states: false when it does not (yet). */
bool trace_totals(const struct trace_reader *r, struct trace_totals *totals);
/* Bytes of the file consumed so far, and in all (0: unknown); for progress. */
void trace_progress(const struct trace_reader *r, uint64_t *done, uint64_t *total);

/* Ids known so far. Arrays by id; they move when more are read. */
uint32_t trace_page_count(const struct trace_reader *r);
const uint64_t *trace_page_vpns(const struct trace_reader *r);
const uint32_t *trace_page_spaces(const struct trace_reader *r);
uint32_t trace_space_count(const struct trace_reader *r);
const uint32_t *trace_space_pids(const struct trace_reader *r);

/* --- writing --- */

struct trace_writer;

struct trace_write_options {
	const char *format; /* "text", "vmt", "oracle", "csv"; NULL: by the name's ending */
	struct trace_header header;
};

/* "-" is stdout. */
int trace_create(struct trace_writer **w, const char *path,
		 const struct trace_write_options *options);
/*
 * 0 or -errno: -ERANGE when the format cannot hold a record (trace_write_problem says which). Events that the format does not
 * know are left out and counted.
 */
int trace_write(struct trace_writer *w, const struct trace_record *records, size_t n);
/* Everything written so far reaches the file, readable if nothing follows. */
int trace_flush(struct trace_writer *w);
/* Completes and closes; frees w in any case. */
int trace_finish(struct trace_writer *w);
/*
 * The window in the header of a finished .vmt file. 0, -errno; -ENOTSUP when it is none that can be written to in place: text,
 * compressed, a pipe.
 */
int trace_amend_window(const char *path, uint32_t window);
const char *trace_write_problem(const struct trace_writer *w); /* a constant, or NULL */
uint64_t trace_events_dropped(const struct trace_writer *w);

/* --- formats --- */

struct trace_format_info {
	const char *name, *summary;
	bool readable, writable;
};
extern const struct trace_format_info trace_formats[]; /* ends with a NULL name */

#endif
