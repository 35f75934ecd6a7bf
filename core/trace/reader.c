/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c - opening a trace: which format it is, what the caller sees of it; and the list of formats. */
#include "core/trace/trace_internal.h"

#include <errno.h>
#include <stdlib.h>

/* The first whose probe says yes is taken; text comes last and takes what nobody else wants. */
static const struct trace_format *const formats[] = {
	&format_vmt,    &format_lackey,   &format_drmemtrace, &format_ostep,
	&format_oracle, &format_champsim, &format_text,
};
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

const struct trace_format_info trace_formats[] = {
	{ "text", "one access a line: PID R|W ADDRESS", true, true },
	{ "vmt", "binary, compact, replayed without hashing", true, true },
	{ "lackey", "valgrind --tool=lackey --trace-mem=yes", true, false },
	{ "drmemtrace", "DynamoRIO drmemtrace, output of its view tool", true, false },
	{ "champsim", "ChampSim instruction trace, 64-byte records", true, false },
	{ "oracle", "libCacheSim oracleGeneral, 24-byte records", true, true },
	{ "ostep", "OSTEP address list: one page number a line", true, false },
	{ "csv", "index,pid,op,address,page", false, true },
	{ NULL, NULL, false, false },
};

int trace_bad_line(struct trace_reader *r, const uint8_t *line, const uint8_t *at, const char *what)
{
	r->problem = (struct trace_problem){ .line = r->line,
					     .column = (uint64_t)(at - line) + 1,
					     .what = what };
	return -EBADMSG;
}

int trace_bad_bytes(struct trace_reader *r, uint64_t offset, const char *what)
{
	r->problem = (struct trace_problem){ .offset = offset, .what = what };
	return -EBADMSG;
}

/* Compressions that are not ours. */
static int refuse(struct trace_reader *r, const uint8_t *head, size_t n)
{
	static const struct {
		const char *magic, *what;
	} others[] = {
		{ "\x1f\x8b", "this is compressed by gzip: decompress it first (gzip -dc)" },
		{ "\xfd\x37zXZ", "this is compressed by xz: decompress it first (xz -dc)" },
		{ "BZh", "this is compressed by bzip2: decompress it first (bzip2 -dc)" },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (n >= strlen(others[i].magic) &&
		    !memcmp(head, others[i].magic, strlen(others[i].magic)))
			return trace_bad_bytes(r, 0, others[i].what);
	return 0;
}

static int format_find(struct trace_reader *r, const char *name)
{
	const uint8_t *head = source_at(&r->source);
	size_t n = source_left(&r->source);
	bool whole = r->source.eof && n <= PROBE_BYTES;
	int err;

	for (size_t i = 0; i < FORMATS; i++)
		if (name && !strcmp(formats[i]->name, name))
			r->format = formats[i];
	if (name)
		return r->format ? 0 : -ENOENT;
	n = n < PROBE_BYTES ? n : PROBE_BYTES;
	err = refuse(r, head, n);
	for (size_t i = 0; i < FORMATS && !err && !r->format; i++)
		if (formats[i]->probe && formats[i]->probe(head, n, whole))
			r->format = formats[i];
	if (err || r->format)
		return err;
	return trace_bad_bytes(r, 0, "this is no trace of a known format");
}

static int shift_set(struct trace_reader *r, uint32_t wanted)
{
	if (!wanted)
		wanted = r->header.page_shift;
	if (wanted > TRACE_PAGE_SHIFT_MAX)
		return -EINVAL;
	if (wanted < r->native_shift)
		return trace_bad_bytes(r, 0, "the pages asked for are finer than those recorded");
	r->header.page_shift = wanted;
	r->shift = wanted - r->native_shift;
	return 0;
}

static int start(struct trace_reader *r, const struct trace_read_options *options)
{
	uint32_t wanted = options ? options->page_shift : 0;
	int err;

	page_ids_init(&r->ids);
	page_ids_init(&r->own);
	r->mask = options ? options->events : 0;
	r->no_fetch = options && options->no_fetch;
	r->native_shift = r->header.page_shift = TRACE_PAGE_SHIFT;
	err = source_need(&r->source, PROBE_BYTES);
	if (!err)
		err = format_find(r, options ? options->format : NULL);
	if (err)
		return err;
	/* Formats with byte addresses may have any page; the others have theirs and say so in open(). */
	if (wanted && wanted <= TRACE_PAGE_SHIFT_MAX)
		r->native_shift = r->header.page_shift = wanted;
	if (r->format->open)
		err = r->format->open(r);
	return err ? err : shift_set(r, wanted);
}

static int finish_open(struct trace_reader *r, int err, struct trace_reader **result,
		       struct trace_problem *problem)
{
	if (problem)
		*problem = r->problem;
	if (err)
		trace_close(r);
	else
		*result = r;
	return err;
}

static struct trace_reader *reader_new(struct trace_problem *problem)
{
	if (problem)
		*problem = (struct trace_problem){ 0 };
	return calloc(1, sizeof(struct trace_reader));
}

int trace_open(struct trace_reader **result, const char *path,
	       const struct trace_read_options *options, struct trace_problem *problem)
{
	struct trace_reader *r = reader_new(problem);
	int err;

	if (!r)
		return -ENOMEM;
	err = source_open(&r->source, path);
	if (err) {
		free(r);
		return err;
	}
	return finish_open(r, start(r, options), result, problem);
}

int trace_open_memory(struct trace_reader **result, const void *data, size_t size,
		      const struct trace_read_options *options, struct trace_problem *problem)
{
	struct trace_reader *r = reader_new(problem);
	int err;

	if (!r)
		return -ENOMEM;
	err = source_open_memory(&r->source, data, size);
	if (err) {
		free(r);
		return err;
	}
	return finish_open(r, start(r, options), result, problem);
}

void trace_close(struct trace_reader *r)
{
	if (!r)
		return;
	if (r->format && r->format->close && r->state)
		r->format->close(r);
	source_close(&r->source);
	page_ids_destroy(&r->ids);
	page_ids_destroy(&r->own);
	for (uint32_t i = 0; i < r->name_count; i++)
		free(r->names[i]);
	free(r->names);
	free(r->coarse);
	free(r->pending);
	free(r->refs);
	free(r->pages);
	free(r);
}

const char *trace_intern(struct trace_reader *r, const char *name, size_t size)
{
	const char *last = r->name_count ? r->names[r->name_count - 1] : "";
	char **names;

	if (strlen(last) == size && !memcmp(last, name, size))
		return last;
	names = realloc(r->names, (r->name_count + 1) * sizeof(*names));
	if (!names)
		return NULL;
	r->names = names;
	names[r->name_count] = strndup(name, size);
	return names[r->name_count] ? names[r->name_count++] : NULL;
}

const struct trace_header *trace_header(const struct trace_reader *r)
{
	return &r->header;
}

uint32_t trace_recorded_shift(const struct trace_reader *r)
{
	return r->recorded_shift ? r->recorded_shift : r->native_shift;
}

const char *trace_format_name(const struct trace_reader *r)
{
	return r->format->name;
}

const struct trace_problem *trace_problem(const struct trace_reader *r)
{
	return &r->problem;
}

const char *trace_cut(const struct trace_reader *r)
{
	return r->cut;
}

bool trace_totals(const struct trace_reader *r, struct trace_totals *totals)
{
	*totals = r->totals;
	return r->has_totals;
}

void trace_progress(const struct trace_reader *r, uint64_t *done, uint64_t *total)
{
	*total = r->source.total;
	*done = r->source.done;
	if (!r->source.zstd && *done >= source_left(&r->source))
		*done -= source_left(&r->source);
}

uint32_t trace_page_count(const struct trace_reader *r)
{
	return r->ids.count;
}

const uint64_t *trace_page_vpns(const struct trace_reader *r)
{
	return r->ids.vpns;
}

const uint32_t *trace_page_spaces(const struct trace_reader *r)
{
	return r->ids.spaces;
}

uint32_t trace_space_count(const struct trace_reader *r)
{
	return r->ids.space_count;
}

const uint32_t *trace_space_pids(const struct trace_reader *r)
{
	return r->ids.pids;
}
