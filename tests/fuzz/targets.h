/* SPDX-License-Identifier: Apache-2.0 */
/*
 * targets.h - what the fuzzers of the trace parsers run; also run over the seed corpus by tests/unit/test_fuzz_corpus.c.
 *
 * Each input is read twice, as records and as refs, by every format that the target is about. Whatever the bytes are: no crash,
 * ids in range, and the same end the one way as the other.
 */
#ifndef TESTS_FUZZ_TARGETS_H
#define TESTS_FUZZ_TARGETS_H

#include "core/trace/crc32c.h"
#include "core/trace/trace.h"
#include "core/trace/vmt.h"

#include <stdlib.h>

#define FUZZ_BATCH 256

/* Not assert(): a release build must check too. */
#define FUZZ_CHECK(condition)                                                                      \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static inline uint64_t fuzz_records(const uint8_t *data, size_t size,
				    const struct trace_read_options *options, int *err)
{
	struct trace_record records[FUZZ_BATCH];
	struct trace_reader *r;
	uint64_t refs = 0;
	ssize_t n;

	*err = trace_open_memory(&r, data, size, options, NULL);
	if (*err)
		return 0;
	while ((n = trace_read_records(r, records, FUZZ_BATCH)) > 0)
		for (ssize_t i = 0; i < n; i++) {
			FUZZ_CHECK(records[i].kind < TRACE_KINDS);
			refs += records[i].kind <= TRACE_WRITE;
			if (records[i].kind == TRACE_MARK)
				FUZZ_CHECK(*records[i].name);
		}
	*err = (int)n;
	if (n < 0)
		FUZZ_CHECK(trace_problem(r)->what || n != -74 /* -EBADMSG */);
	trace_close(r);
	return refs;
}

static inline uint64_t fuzz_refs(const uint8_t *data, size_t size,
				 const struct trace_read_options *options, int *err)
{
	uint32_t refs[FUZZ_BATCH];
	struct trace_event e;
	struct trace_reader *r;
	uint64_t total = 0;
	int result;
	size_t n;

	*err = trace_open_memory(&r, data, size, options, NULL);
	if (*err)
		return 0;
	do {
		result = trace_read_refs(r, refs, FUZZ_BATCH, &n, &e);
		for (size_t i = 0; i < n; i++)
			FUZZ_CHECK(refs[i] >> 1 < trace_page_count(r));
		if (result > 0) {
			FUZZ_CHECK(e.space < trace_space_count(r));
			FUZZ_CHECK(e.record.kind != TRACE_FORK || e.child < trace_space_count(r));
			for (uint32_t i = 0; i < e.n_pages; i++)
				FUZZ_CHECK(e.pages[i] < trace_page_count(r));
		}
		total += n;
	} while (result > 0 || (!result && n));
	*err = result;
	trace_close(r);
	return total;
}

static inline void fuzz_both(const uint8_t *data, size_t size, const char *format,
			     uint32_t page_shift)
{
	struct trace_read_options options = { .format = format,
					      .page_shift = page_shift,
					      .events = TRACE_ALL_EVENTS };
	int a, b;
	uint64_t records = fuzz_records(data, size, &options, &a);
	uint64_t refs = fuzz_refs(data, size, &options, &b);

	FUZZ_CHECK(a == b && (a || records == refs));
}

static inline int fuzz_text(const uint8_t *data, size_t size)
{
	static const char *const formats[] = { NULL, "text", "lackey", "drmemtrace", "ostep" };

	if (size &&
	    data[0] == 0x28) /* zstd: a few bytes can become gigabytes; fuzz_binary has it */
		return 0;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		fuzz_both(data, size, formats[i], 0);
	fuzz_both(data, size, "text", 14);
	return 0;
}

static inline int fuzz_binary(const uint8_t *data, size_t size)
{
	fuzz_both(data, size, NULL, 0);
	fuzz_both(data, size, "champsim", 0);
	fuzz_both(data, size, "oracle", 14);
	return 0;
}

/* Puts the right checksums into the header and into every block that is whole. */
static inline void fuzz_fix_sums(uint8_t *data, size_t size)
{
	uint32_t meta, crc = 0;
	size_t at;

	if (size < VMT_HEADER_BYTES)
		return;
	memcpy(&meta, data + 16, 4);
	memcpy(data + 20, &crc, 4);
	if (meta > size - VMT_HEADER_BYTES)
		return;
	crc = crc32c(0, data, VMT_HEADER_BYTES + meta);
	memcpy(data + 20, &crc, 4);
	for (at = VMT_HEADER_BYTES + meta; size - at >= VMT_BLOCK_BYTES;) {
		struct vmt_block k;
		size_t left = size - at - VMT_BLOCK_BYTES;

		memcpy(&k, data + at, sizeof(k));
		if (k.lists_stored > left || k.refs_bytes > left - k.lists_stored)
			return;
		k.crc = crc32c(0, data + at + 8,
			       VMT_BLOCK_BYTES - 8 + k.lists_stored + k.refs_bytes);
		memcpy(data + at + 4, &k.crc, 4);
		at += VMT_BLOCK_BYTES + (size_t)k.lists_stored + k.refs_bytes;
	}
}

/* As it is, and with right checksums, so that what is behind them is reached. */
static inline int fuzz_vmt(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	fuzz_both(data, size, "vmt", 0);
	copy = malloc(size + 1);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	fuzz_fix_sums(copy, size);
	fuzz_both(copy, size, "vmt", 0);
	fuzz_both(copy, size, "vmt", 20);
	free(copy);
	return 0;
}

#endif
