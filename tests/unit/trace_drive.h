/* SPDX-License-Identifier: Apache-2.0 */
/* trace_drive.h - for the tests of traces: temporary files, and whole traces read into arrays. */
#ifndef TESTS_TRACE_DRIVE_H
#define TESTS_TRACE_DRIVE_H

#include "core/trace/trace.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct blob {
	uint8_t *data;
	size_t size;
};

struct stream {
	struct trace_record *records;
	size_t n, capacity;
	int err;
	struct trace_problem problem;
	struct trace_header header;
	const char *cut;
	char format[16];
};

/* A path in a fresh directory of its own; `name` decides the format. */
static inline char *temporary(const char *name)
{
	const char *tmp = getenv("TMPDIR");
	char *path = calloc(1, 4096);

	assert_non_null(path);
	snprintf(path, 4000, "%s/vmm-test-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(path));
	strcat(strcat(path, "/"), name);
	return path;
}

static inline void temporary_remove(char *path)
{
	unlink(path);
	*strrchr(path, '/') = 0;
	assert_int_equal(rmdir(path), 0);
	free(path);
}

static inline struct blob slurp(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct blob b = { NULL, 0 };

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	b.size = (size_t)ftell(f);
	rewind(f);
	b.data = malloc(b.size + 1);
	assert_non_null(b.data);
	assert_int_equal(fread(b.data, 1, b.size, f), b.size);
	fclose(f);
	return b;
}

static inline void stream_add(struct stream *s, const struct trace_record *rec, size_t n)
{
	while (s->n + n > s->capacity) {
		s->capacity = s->capacity ? 2 * s->capacity : 256;
		s->records = realloc(s->records, s->capacity * sizeof(*s->records));
		assert_non_null(s->records);
	}
	memcpy(s->records + s->n, rec, n * sizeof(*rec));
	for (size_t i = 0; i < n; i++)
		if (rec[i].kind == TRACE_MARK)
			s->records[s->n + i].name = "(a mark)"; /* the reader's names go with it */
	s->n += n;
}

/* All records up to the end, the cut or the error. */
static inline struct stream read_all(const void *data, size_t size,
				     const struct trace_read_options *options)
{
	struct trace_read_options all = { .events = TRACE_ALL_EVENTS };
	struct trace_record records[64];
	struct stream s = { 0 };
	struct trace_reader *r;
	ssize_t n;

	if (options)
		all = *options;
	s.err = trace_open_memory(&r, data, size, &all, &s.problem);
	if (s.err)
		return s;
	strncpy(s.format, trace_format_name(r), sizeof(s.format) - 1);
	while ((n = trace_read_records(r, records, 64)) > 0)
		stream_add(&s, records, (size_t)n);
	s.err = (int)n;
	s.problem = *trace_problem(r);
	s.header = *trace_header(r);
	s.header.meta = NULL;
	s.cut = trace_cut(r);
	trace_close(r);
	return s;
}

static inline struct stream read_text(const char *text)
{
	return read_all(text, strlen(text), NULL);
}

/* What a writer makes of the records. */
static inline struct blob write_all(const char *name, const struct trace_write_options *options,
				    const struct trace_record *records, size_t n)
{
	char *path = temporary(name);
	struct trace_writer *w;
	struct blob b;

	assert_int_equal(trace_create(&w, path, options), 0);
	assert_int_equal(trace_write(w, records, n), 0);
	assert_int_equal(trace_finish(w), 0);
	b = slurp(path);
	temporary_remove(path);
	return b;
}

/* The same record but for the name of a mark. */
static inline bool same_record(const struct trace_record *a, const struct trace_record *b)
{
	return a->kind == b->kind && a->pid == b->pid && a->vpn == b->vpn && a->value == b->value &&
	       a->backing == b->backing && a->object == b->object &&
	       (a->kind == TRACE_MARK || a->object_page == b->object_page);
}

#endif
