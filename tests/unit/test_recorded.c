/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_recorded.c - what a recording needs of traces: the window in the header can be amended when the file is finished.
 */
#include "tests/unit/trace_drive.h"

#include <sys/stat.h>

#define N 1000u

static struct trace_record records[N];

static void write_trace(const char *path, uint32_t n, const struct trace_header *header)
{
	struct trace_write_options o = { .header = *header };
	struct trace_writer *w;

	assert_int_equal(trace_create(&w, path, &o), 0);
	assert_int_equal(trace_write(w, records, n), 0);
	assert_int_equal(trace_finish(w), 0);
}

static void make(void)
{
	for (uint32_t i = 0; i < N; i++)
		records[i] = (struct trace_record){ .pid = 1 + i % 2,
						    .vpn = i * 7 % 60,
						    .kind = i % 3 ? TRACE_READ : TRACE_WRITE };
}

static void test_amend(void **state)
{
	static const char meta[] = "recorder=a test\ncommand=none\n";
	struct trace_header header = {
		.page_shift = 12, .fidelity = TRACE_WINDOW, .window = 8, .meta = meta
	};
	char *path = temporary("amend.vmt");
	struct blob before, after;
	struct trace_reader *r;

	(void)state;
	make();
	write_trace(path, N, &header);
	before = slurp(path);
	assert_int_equal(trace_amend_window(path, 77), 0);
	after = slurp(path);
	assert_int_equal(before.size, after.size);
	assert_memory_equal(before.data + 32, after.data + 32, before.size - 32);
	assert_int_equal(trace_open(&r, path, NULL, NULL), 0);
	assert_int_equal(trace_header(r)->window, 77);
	assert_int_equal(trace_header(r)->fidelity, TRACE_WINDOW);
	assert_string_equal(trace_header(r)->meta, meta);
	trace_close(r);
	assert_int_equal(trace_amend_window(path, 8), 0);
	free(after.data);
	after = slurp(path);
	assert_memory_equal(before.data, after.data, before.size);
	free(before.data);
	free(after.data);
	temporary_remove(path);
}

static void test_amend_refused(void **state)
{
	static const char *const names[] = { "amend.txt", "amend.vmt.zst", "amend.txt.zst" };
	struct trace_header header = { .page_shift = 12, .fidelity = TRACE_WINDOW, .window = 8 };
	char *path;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct blob before, after;

		path = temporary(names[i]);
		write_trace(path, 10, &header);
		before = slurp(path);
		assert_int_equal(trace_amend_window(path, 77), -ENOTSUP);
		after = slurp(path);
		assert_int_equal(before.size, after.size);
		assert_memory_equal(before.data, after.data, before.size);
		free(before.data);
		free(after.data);
		temporary_remove(path);
	}
	path = temporary("pipe.vmt");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(trace_amend_window(path, 77), -ENOTSUP);
	temporary_remove(path);
	assert_int_equal(trace_amend_window("/no/such/file.vmt", 77), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_amend),
		cmocka_unit_test(test_amend_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
