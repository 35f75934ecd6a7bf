/* SPDX-License-Identifier: Apache-2.0 */
/* test_trace_formats.c - round trips through every format that is written, events, coarser pages, compression, cut files. */
#include "tests/unit/trace_drive.h"

/* Every kind of record. */
static const struct trace_record every[] = {
	{ .kind = TRACE_MAP, .pid = 7, .vpn = 16, .value = 8 },
	{ .kind = TRACE_MAP,
	  .pid = 7,
	  .vpn = 32,
	  .value = 4,
	  .backing = TRACE_SHARED,
	  .object = 5,
	  .object_page = 9 },
	{ .kind = TRACE_MAP,
	  .pid = 7,
	  .vpn = 48,
	  .value = 4,
	  .backing = TRACE_FILE_PRIVATE,
	  .object = 6 },
	{ .kind = TRACE_MAP,
	  .pid = 7,
	  .vpn = 64,
	  .value = 1,
	  .backing = TRACE_FILE_SHARED,
	  .object = 6,
	  .object_page = 1ull << 40 },
	{ .kind = TRACE_TIME, .pid = 7, .value = 123456789 },
	{ .kind = TRACE_READ, .pid = 7, .vpn = 17 },
	{ .kind = TRACE_WRITE, .pid = 7, .vpn = 33 },
	{ .kind = TRACE_WRITE, .pid = 7, .vpn = 20 },
	{ .kind = TRACE_THREAD, .pid = 7, .value = 71 },
	{ .kind = TRACE_FORK, .pid = 7, .value = 8 },
	{ .kind = TRACE_READ, .pid = 8, .vpn = 17 },
	{ .kind = TRACE_MARK, .pid = 7, .name = "warm up" },
	{ .kind = TRACE_LEAVE, .pid = 7, .vpn = 17 },
	{ .kind = TRACE_DISCARD, .pid = 7, .vpn = 16, .value = 2 },
	{ .kind = TRACE_UNMAP, .pid = 7, .vpn = 16, .value = 8 },
	{ .kind = TRACE_EXIT, .pid = 8 },
	{ .kind = TRACE_WRITE, .pid = 8, .vpn = 17 }, /* the pid comes back: another space */
	{ .kind = TRACE_READ, .pid = 7, .vpn = 17 },
	{ .kind = TRACE_READ, .pid = 7, .vpn = (1ull << 52) - 1 },
	{ .kind = TRACE_EXIT, .pid = 7 },
};
#define EVERY (sizeof(every) / sizeof(every[0]))

static void same_stream(const struct stream *s, const struct trace_record *records, size_t n)
{
	assert_int_equal(s->err, 0);
	assert_null(s->cut);
	assert_int_equal(s->n, n);
	for (size_t i = 0; i < n; i++)
		assert_true(same_record(&s->records[i], &records[i]));
}

static void round_trip(const char *name, const struct trace_write_options *options)
{
	struct blob b = write_all(name, options, every, EVERY);
	struct stream s = read_all(b.data, b.size, NULL);

	same_stream(&s, every, EVERY);
	assert_int_equal(s.header.fidelity, options->header.fidelity);
	assert_int_equal(s.header.window, options->header.window);
	assert_int_equal(s.header.page_shift,
			 options->header.page_shift ? options->header.page_shift : 12);
	free(s.records);
	free(b.data);
}

static void test_round_trips(void **state)
{
	static const char *const names[] = { "x.vmt", "x.trace", "x.vmt.zst", "x.zst" };
	static const struct trace_write_options options[] = {
		{ .header = { .page_shift = 12 } },
		{ .header = { .page_shift = 12, .fidelity = TRACE_WINDOW, .window = 128 } },
		{ .header = { .page_shift = 12, .fidelity = TRACE_FAULTS } },
		{ .header = { .page_shift = 11 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++)
			round_trip(names[i], &options[k]);
}

static void test_meta(void **state)
{
	struct trace_write_options options = { .header = { .meta = "command=ls\nhost=x\n" } };
	struct blob b = write_all("x.vmt", &options, every, EVERY);
	struct trace_totals totals;
	struct trace_event e;
	struct trace_reader *r;
	uint32_t refs[16];
	size_t n;

	(void)state;
	assert_int_equal(trace_open_memory(&r, b.data, b.size, NULL, NULL), 0);
	assert_string_equal(trace_header(r)->meta, "command=ls\nhost=x\n");
	assert_string_equal(trace_format_name(r), "vmt");
	assert_false(trace_totals(r, &totals));
	assert_int_equal(trace_read_refs(r, refs, 16, &n, &e), 0);
	assert_int_equal(n, 7);
	assert_int_equal(trace_read_refs(r, refs, 16, &n, &e), 0);
	assert_int_equal(n, 0);
	assert_true(trace_totals(r, &totals));
	assert_int_equal(totals.refs, 7);
	assert_int_equal(totals.writes, 3);
	assert_int_equal(totals.events, EVERY - 7);
	assert_int_equal(totals.pages, 6);
	assert_int_equal(totals.spaces, 3);
	trace_close(r);
	free(b.data);
}

/* Ids in order of first appearance, the same from text and from .vmt; events with the ids of their pages. */
static void check_refs(const char *name)
{
	static const uint32_t want[] = { 0 << 1,     1 << 1 | 1, 2 << 1 | 1, 3 << 1,
					 4 << 1 | 1, 0 << 1,     5 << 1 };
	struct trace_read_options options = { .events = TRACE_MASK(TRACE_FORK) |
							TRACE_MASK(TRACE_UNMAP) |
							TRACE_MASK(TRACE_EXIT) };
	struct blob b = write_all(name, NULL, every, EVERY);
	struct trace_reader *r;
	struct trace_event e;
	uint32_t refs[16], events = 0;
	size_t n, total = 0;
	int result;

	assert_int_equal(trace_open_memory(&r, b.data, b.size, &options, NULL), 0);
	while ((result = trace_read_refs(r, refs + total, 16 - total, &n, &e)) > 0 || n) {
		total += n;
		if (!result)
			continue;
		switch (events++) {
		case 0:
			assert_int_equal(e.record.kind, TRACE_FORK);
			assert_int_equal(total, 3);
			assert_int_equal(e.space, 0);
			assert_int_equal(e.child, 1);
			break;
		case 1:
			assert_int_equal(e.record.kind, TRACE_UNMAP);
			assert_int_equal(e.n_pages, 2);
			assert_int_equal(e.pages[0] + e.pages[1], 0 + 2);
			break;
		case 2:
			assert_int_equal(e.record.kind, TRACE_EXIT);
			assert_int_equal(e.space, 1);
			assert_int_equal(e.n_pages, 1);
			assert_int_equal(e.pages[0], 3);
			break;
		default:
			assert_int_equal(e.record.kind, TRACE_EXIT);
			assert_int_equal(e.n_pages, 4);
			break;
		}
	}
	assert_int_equal(result, 0);
	assert_int_equal(events, 4);
	assert_int_equal(total, 7);
	assert_memory_equal(refs, want, sizeof(want));
	assert_int_equal(trace_page_count(r), 6);
	assert_int_equal(trace_space_count(r), 3);
	assert_int_equal(trace_space_pids(r)[2], 8);
	assert_int_equal(trace_page_vpns(r)[5], (1ull << 52) - 1);
	assert_int_equal(trace_page_spaces(r)[4], 2);
	trace_close(r);
	free(b.data);
}

static void test_refs(void **state)
{
	(void)state;
	check_refs("x.trace");
	check_refs("x.vmt");
}

/* Pages of 16K from a trace with pages of 4K; finer ones are refused. */
static void test_coarse(void **state)
{
	static const struct trace_record some[] = {
		{ .kind = TRACE_READ, .pid = 1, .vpn = 3 },
		{ .kind = TRACE_READ, .pid = 1, .vpn = 4 },
		{ .kind = TRACE_WRITE, .pid = 1, .vpn = 0 },
		{ .kind = TRACE_UNMAP, .pid = 1, .vpn = 1, .value = 8 }, /* 4..7 is whole */
		{ .kind = TRACE_UNMAP, .pid = 1, .vpn = 0, .value = 3 }, /* nothing is */
		{ .kind = TRACE_READ, .pid = 1, .vpn = 7 },
	};
	static const char *const names[] = { "x.trace", "x.vmt" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct blob b = write_all(names[i], NULL, some, 6);
		struct trace_read_options options = { .page_shift = 14,
						      .events = TRACE_ALL_EVENTS };
		struct trace_reader *r;
		struct trace_event e;
		uint32_t refs[8];
		size_t n;

		assert_int_equal(trace_open_memory(&r, b.data, b.size, &options, NULL), 0);
		assert_int_equal(trace_header(r)->page_shift, 14);
		assert_int_equal(trace_read_refs(r, refs, 8, &n, &e), 1);
		assert_int_equal(n, 3);
		assert_int_equal(refs[0], 0);
		assert_int_equal(refs[1], 2);
		assert_int_equal(refs[2], 1);
		/* From text the bytes are known, so the range is as long as the pages that it touches. */
		if (i) {
			assert_int_equal(e.record.vpn, 1);
			assert_int_equal(e.record.value, 1);
			assert_int_equal(e.n_pages, 1);
		}
		trace_close(r);
		options.page_shift = 11;
		if (i)
			assert_int_equal(trace_open_memory(&r, b.data, b.size, &options, NULL),
					 -EBADMSG);
		free(b.data);
	}
}

/* libCacheSim's layout: 24 bytes, the next access as a number from 1. */
static void test_oracle(void **state)
{
	static const uint64_t pages[] = { 10, 11, 10, 12, 11, 10 };
	static const int64_t next[] = { 3, 5, 6, -1, -1, -1 };
	struct trace_write_options options = { .format = "oracle" };
	struct trace_record records[6];
	struct blob b;
	struct stream s;

	(void)state;
	for (int i = 0; i < 6; i++)
		records[i] = (struct trace_record){ .pid = 1, .vpn = pages[i] };
	b = write_all("x.oracleGeneral", &options, records, 6);
	assert_int_equal(b.size, 6 * 24);
	for (int i = 0; i < 6; i++) {
		uint32_t time, size;
		uint64_t object;
		int64_t n;

		memcpy(&time, b.data + 24 * i, 4);
		memcpy(&object, b.data + 24 * i + 4, 8);
		memcpy(&size, b.data + 24 * i + 12, 4);
		memcpy(&n, b.data + 24 * i + 16, 8);
		assert_int_equal(time, i);
		assert_int_equal(object, pages[i]);
		assert_int_equal(size, 4096);
		assert_int_equal(n, next[i]);
	}
	s = read_all(b.data, b.size, NULL);
	assert_string_equal(s.format, "oracle");
	same_stream(&s, records, 6);
	free(s.records);
	s = read_all(b.data, b.size - 5, &(struct trace_read_options){ .format = "oracle" });
	assert_int_equal(s.n, 5);
	assert_non_null(s.cut);
	free(s.records);
	free(b.data);
}

static void test_csv(void **state)
{
	struct trace_write_options options = { .format = "csv" };
	struct blob b = write_all("x", &options, every + 5, 3);

	(void)state;
	b.data[b.size] = 0;
	assert_string_equal((char *)b.data, "index,pid,op,address,page\n0,7,R,0x11000,17\n"
					    "1,7,W,0x21000,33\n2,7,W,0x14000,20\n");
	free(b.data);
}

/* 64-bit object ids fit into .vmt but into no address. */
static void test_large_ids(void **state)
{
	struct trace_record rec = { .pid = 1, .vpn = UINT64_MAX };
	struct blob b = write_all("x.vmt", NULL, &rec, 1);
	struct stream s = read_all(b.data, b.size, NULL);
	char *path = temporary("x.trace");
	struct trace_writer *w;

	(void)state;
	same_stream(&s, &rec, 1);
	assert_int_equal(trace_create(&w, path, NULL), 0);
	assert_int_equal(trace_write(w, &rec, 1), -ERANGE);
	assert_non_null(trace_write_problem(w));
	assert_int_equal(trace_finish(w), -ERANGE);
	temporary_remove(path);
	free(s.records);
	free(b.data);
}

/* A compressed text that is cut yields whole lines only; each cut is reported, each flip found. */
static void test_zstd_cut(void **state)
{
	struct blob b = write_all("x.zst", NULL, every, EVERY);

	(void)state;
	for (size_t size = 4; size < b.size; size++) {
		struct stream s = read_all(b.data, size, NULL);

		assert_true(s.err || s.cut);
		for (size_t i = 0; i < s.n; i++)
			assert_true(same_record(&s.records[i], &every[i]));
		free(s.records);
	}
	for (size_t bit = 0; bit < 8 * b.size; bit++) {
		struct stream s;
		bool same;

		b.data[bit / 8] ^= 1 << bit % 8;
		s = read_all(b.data, b.size, NULL);
		same = !s.err && !s.cut && s.n == EVERY;
		for (size_t i = 0; i < s.n && same; i++)
			same = same_record(&s.records[i], &every[i]);
		assert_true(s.err || s.cut || same);
		free(s.records);
		b.data[bit / 8] ^= 1 << bit % 8;
	}
	free(b.data);
}

/* Flushed, the file is readable although nothing follows. */
static void test_flush(void **state)
{
	static const char *const names[] = { "x.vmt", "x.trace", "x.vmt.zst", "x.zst" };

	(void)state;
	for (int i = 0; i < 4; i++) {
		char *path = temporary(names[i]);
		struct trace_writer *w;
		struct stream s;
		struct blob b;

		assert_int_equal(trace_create(&w, path, NULL), 0);
		assert_int_equal(trace_write(w, every, 10), 0);
		assert_int_equal(trace_flush(w), 0);
		b = slurp(path);
		s = read_all(b.data, b.size, NULL);
		assert_int_equal(s.err, 0);
		assert_int_equal(s.n, 10);
		assert_true(s.cut || i == 1);
		free(s.records);
		free(b.data);
		assert_int_equal(trace_write(w, every + 10, EVERY - 10), 0);
		assert_int_equal(trace_finish(w), 0);
		b = slurp(path);
		s = read_all(b.data, b.size, NULL);
		same_stream(&s, every, EVERY);
		free(s.records);
		free(b.data);
		temporary_remove(path);
	}
}

static void test_write_errors(void **state)
{
	struct trace_write_options options = { .format = "nosuch" };
	struct trace_record mark = { .kind = TRACE_MARK, .name = "two\nlines" };
	struct trace_writer *w;
	char *path = temporary("x.vmt");

	(void)state;
	assert_int_equal(trace_create(&w, "/nonexistent/x", NULL), -ENOENT);
	assert_int_equal(trace_create(&w, path, &options), -EINVAL);
	assert_int_equal(trace_create(&w, path, NULL), 0);
	assert_int_equal(trace_write(w, &mark, 1), -EINVAL);
	assert_int_equal(trace_finish(w), -EINVAL);
	temporary_remove(path);
	if (access("/dev/full", W_OK))
		return;
	assert_int_equal(trace_create(&w, "/dev/full", NULL), 0);
	assert_int_equal(trace_write(w, every, EVERY), 0);
	assert_int_equal(trace_finish(w), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips), cmocka_unit_test(test_meta),
		cmocka_unit_test(test_refs),        cmocka_unit_test(test_coarse),
		cmocka_unit_test(test_oracle),      cmocka_unit_test(test_csv),
		cmocka_unit_test(test_large_ids),   cmocka_unit_test(test_zstd_cut),
		cmocka_unit_test(test_flush),       cmocka_unit_test(test_write_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
