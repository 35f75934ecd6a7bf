/* SPDX-License-Identifier: Apache-2.0 */
/* report_store.c - what the reports say about the store: what it held, what it cost, how long its reads and writes took. */
#include "cli/report.h"
#include "cli/options.h"
#include "pager/hist.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE_BYTES 4096ull

static bool is_lz4(const struct report *r)
{
	return !strcmp(r->config->store, "lz4");
}

/* How many bytes of content a byte of memory holds; 0: nothing was stored. */
static double ratio(const struct store_stats *s)
{
	return s->memory_bytes ? (double)s->stored_bytes_peak / (double)s->memory_bytes : 0;
}

static void text_times(const char *what, const struct store_times *t)
{
	fprintf(stderr, "%s mean %.1f us, p50 %.1f, p99 %.1f, max %.1f", what,
		(double)t->sum_ns / (double)t->count / 1e3,
		(double)hist_percentile(t->hist, 50) / 1e3,
		(double)hist_percentile(t->hist, 99) / 1e3, (double)t->max_ns / 1e3);
}

static void text_held(const struct report *r)
{
	const struct store_stats *s = &r->result->store;
	char stored[SIZE_TEXT_BYTES], memory[SIZE_TEXT_BYTES];

	fprintf(stderr, ", at most %s", size_text(stored, s->stored_bytes_peak));
	if (s->on_disk)
		fprintf(stderr, " (%s), %s in memory",
			s->direct ? "direct I/O" : "through the page cache",
			size_text(memory, s->memory_bytes_peak));
	else if (is_lz4(r) && s->memory_bytes)
		fprintf(stderr,
			" in %s of memory (%.1f to 1; pages same-filled %" PRIu64
			", kept whole %" PRIu64 ")",
			size_text(memory, s->memory_bytes), ratio(s), s->same_filled_pages,
			s->whole_pages);
	fputc('\n', stderr);
}

void report_store_text(const struct report *r)
{
	const struct store_stats *s = &r->result->store;

	fprintf(stderr, "  store       %s: %" PRIu64 " read, %" PRIu64 " written", r->config->store,
		r->result->stats.store_reads, r->result->stats.store_writes);
	text_held(r);
	if (s->write_errors)
		fprintf(stderr,
			"              the disk took no more (%s): at most %" PRIu64
			" pages waited in memory, nothing was lost\n",
			strerror(s->last_error), s->kept_pages_peak);
	if (!s->read.count && !s->write.count)
		return;
	fprintf(stderr, "  store time  ");
	if (s->read.count)
		text_times("read", &s->read);
	if (s->read.count && s->write.count)
		fprintf(stderr, "; ");
	if (s->write.count)
		text_times("write", &s->write);
	fputc('\n', stderr);
}

/* --- JSON: builders return NULL when memory is short, and so does whoever packs such a NULL ---------------------- */

static json_t *count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* [[smallest value of the bucket in ns, count], ...], without the empty ones. */
static json_t *histogram(const uint64_t hist[HIST_BUCKETS])
{
	json_t *array = json_array();

	for (uint32_t b = 0; b < HIST_BUCKETS; b++)
		if (hist[b] && json_array_append_new(array, json_pack("[oo]", count(hist_low(b)),
								      count(hist[b])))) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *times(const struct store_times *t)
{
	return json_pack("{so so so so so so}", "count", count(t->count), "mean",
			 count(t->sum_ns / t->count), "p50", count(hist_percentile(t->hist, 50)),
			 "p99", count(hist_percentile(t->hist, 99)), "max", count(t->max_ns),
			 "histogram", histogram(t->hist));
}

static json_t *lz4_part(const struct store_stats *s)
{
	return json_pack("{so so so so so so}", "memory_bytes", count(s->memory_bytes), "ratio",
			 json_real(ratio(s)), "compressed_pages", count(s->compressed_pages),
			 "compressed_bytes", count(s->compressed_bytes), "whole_pages",
			 count(s->whole_pages), "same_filled_pages", count(s->same_filled_pages));
}

static json_t *file_part(const struct store_stats *s)
{
	return json_pack("{so sb so so so*}", "file_bytes", count(s->file_bytes), "direct",
			 s->direct, "kept_pages_peak", count(s->kept_pages_peak), "write_errors",
			 count(s->write_errors), "error",
			 s->write_errors ? json_string(strerror(s->last_error)) : NULL);
}

/* Takes both; false: memory is short. */
static bool merge(json_t *object, json_t *part)
{
	bool done = object && part && !json_object_update(object, part);

	json_decref(part);
	return done;
}

json_t *report_store_json(const struct report *r)
{
	const struct store_stats *s = &r->result->store;
	json_t *object = json_pack("{ss# so so}", "kind", r->config->store,
				   (int)strcspn(r->config->store, ":"), "stored_peak_bytes",
				   count(s->stored_bytes_peak), "memory_peak_bytes",
				   count(s->memory_bytes_peak));
	bool done = object != NULL;

	if (is_lz4(r))
		done = done && merge(object, lz4_part(s));
	if (s->on_disk)
		done = done && merge(object, file_part(s));
	if (s->read.count)
		done = done && !json_object_set_new(object, "read_ns", times(&s->read));
	if (s->write.count)
		done = done && !json_object_set_new(object, "write_ns", times(&s->write));
	if (done)
		return object;
	json_decref(object);
	return NULL;
}
