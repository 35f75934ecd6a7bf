/* SPDX-License-Identifier: Apache-2.0 */
/* test_trace.c - the text format and the imports: what is read, and what a malformed line says. */
#include "tests/unit/trace_drive.h"

static void expect(const struct stream *s, size_t i, int kind, uint32_t pid, uint64_t vpn,
		   uint32_t offset)
{
	assert_true(i < s->n);
	assert_int_equal(s->records[i].kind, kind);
	assert_int_equal(s->records[i].pid, pid);
	assert_int_equal(s->records[i].vpn, vpn);
	assert_int_equal(s->records[i].offset, offset);
}

static void test_text(void **state)
{
	struct stream s = read_text("# a comment\n\n1 R 0x1234\n  2\tw   8192 # two\r\n"
				    "4294967295 W 0xFFFFffffFFFFffff\n1 r 0X10\n1 R 0");

	(void)state;
	assert_int_equal(s.err, 0);
	assert_string_equal(s.format, "text");
	assert_int_equal(s.n, 5);
	expect(&s, 0, TRACE_READ, 1, 1, 0x234);
	expect(&s, 1, TRACE_WRITE, 2, 2, 0);
	expect(&s, 2, TRACE_WRITE, UINT32_MAX, UINT64_MAX >> 12, 0xfff);
	expect(&s, 3, TRACE_READ, 1, 0, 0x10);
	expect(&s, 4, TRACE_READ, 1, 0, 0);
	free(s.records);
}

static void test_text_malformed(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *word; /* of the message */
	} cases[] = {
		{ "1 R 0x1\nx R 0x2\n", 2, 1, "process id" },
		{ "1 R 0x1\n\n# c\n1 Q 0x2\n", 4, 3, "R or W" },
		{ "1 R 0x1\n1 R zz\n", 2, 5, "address" },
		{ "1 R 0x\n", 1, 5, "address" },
		{ "1 R 0x11112222333344445\n", 1, 5, "address" },
		{ "1 R 18446744073709551616\n", 1, 5, "address" },
		{ "1 R 0x1 5\n", 1, 8, "end of the line" },
		{ "1 R 12ab\n", 1, 7, "end of the line" },
		{ "4294967296 R 0x1\n", 1, 1, "process id" },
		{ "1 R\n", 1, 4, "space" },
		{ "1\n2 R 0x1\n1\n", 0, 0, "" }, /* begins like an OSTEP list */
		{ "1 R0x1\n", 1, 4, "space" },
		{ "-1 R 0x1\n", 1, 1, "process id" },
		{ "1 U 0x1000 0\n", 1, 12, "bytes" },
		{ "1 M 0x1000 4096 nothing\n", 1, 17, "anon" },
		{ "1 K \n", 1, 5, "name" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stream s = read_text(cases[i].text);

		assert_int_equal(s.err, -EBADMSG);
		if (cases[i].line) {
			assert_int_equal(s.problem.line, cases[i].line);
			assert_int_equal(s.problem.column, cases[i].column);
		}
		assert_non_null(strstr(s.problem.what, cases[i].word));
		free(s.records);
	}
}

/* What precedes the malformed line is handed out, in records and in refs. */
static void test_text_before_error(void **state)
{
	static const char text[] = "1 R 0x1000\n1 W 0x2000\n1 R 0x1000\nbad\n1 R 0x3000\n";
	struct stream s = read_text(text);
	struct trace_reader *r;
	struct trace_event e;
	uint32_t refs[8];
	size_t n, total = 0;
	int result;

	(void)state;
	assert_int_equal(s.n, 3);
	assert_int_equal(s.err, -EBADMSG);
	assert_int_equal(s.problem.line, 4);
	free(s.records);
	assert_int_equal(trace_open_memory(&r, text, sizeof(text) - 1, NULL, NULL), 0);
	while (!(result = trace_read_refs(r, refs + total, 8 - total, &n, &e)) && n)
		total += n;
	total += n;
	assert_int_equal(result, -EBADMSG);
	assert_int_equal(total, 3);
	assert_int_equal(refs[0], 0 << 1);
	assert_int_equal(refs[1], 1 << 1 | 1);
	assert_int_equal(refs[2], 0 << 1);
	assert_int_equal(trace_read_refs(r, refs, 8, &n, &e), -EBADMSG);
	trace_close(r);
}

static void test_long_line(void **state)
{
	char *text = malloc(1 << 20);
	struct stream s;

	(void)state;
	memset(text, 'x', 1 << 20);
	memcpy(text, "1 R 0x1\n", 8);
	s = read_all(text, 1 << 20, NULL);
	assert_int_equal(s.err, -EBADMSG);
	assert_int_equal(s.problem.line, 2);
	assert_int_equal(s.n, 1);
	free(s.records);
	free(text);
}

static void test_lackey(void **state)
{
	struct stream s = read_text("==77== Lackey, an example Valgrind tool\n==77== \n"
				    "I  0401ab70,3\n S 1fff000708,8\n L 04025ffc,8\n M 0,1\n");
	struct trace_read_options data = { .no_fetch = true };
	const char *one = "I  0401ab70,3\n S 1fff000708,8\n";

	(void)state;
	assert_string_equal(s.format, "lackey");
	assert_int_equal(s.err, 0);
	assert_int_equal(s.n, 5);
	expect(&s, 0, TRACE_READ, 77, 0x401a, 0xb70);
	expect(&s, 1, TRACE_WRITE, 77, 0x1fff000, 0x708);
	expect(&s, 2, TRACE_READ, 77, 0x4025, 0xffc); /* crosses into the next page */
	expect(&s, 3, TRACE_READ, 77, 0x4026, 0);
	expect(&s, 4, TRACE_WRITE, 77, 0, 0);
	free(s.records);
	s = read_all(one, strlen(one), &data);
	assert_int_equal(s.n, 1);
	free(s.records);
	s = read_text("I  0401ab70,3\n S 1fff000708;8\n");
	assert_int_equal(s.err, -EBADMSG);
	assert_int_equal(s.problem.line, 2);
	assert_int_equal(s.problem.column, 14);
	free(s.records);
}

static void test_drmemtrace(void **state)
{
	struct stream s = read_text(
		"Output format:\n<--record#-> <--instr#->: <---tid---> <record details>\n"
		"------------------------------------------------------------\n"
		"           1           0:     2765542 <marker: version 5>\n"
		"       47743       37770:     2765543 ifetch       5 byte(s) @ 0x0000000000404a7e 48 8b "
		"5c 24 08       mov    0x08(%rsp), %rbx\n"
		"       47744       37770:     2765543 read         8 byte(s) @ 0x00007fdf64e2adc8 by PC "
		"0x0000000000404a7e\n"
		"   173371: T1774669 write        8 byte(s) @ 0x00007f8881e37ffc by PC 0x402680\n"
		"   9: W3.T5 read 1 byte(s) @ 0x1000 by PC 0x1\n"
		"View tool results:\n          163 : total instructions\n");

	(void)state;
	assert_string_equal(s.format, "drmemtrace");
	assert_int_equal(s.err, 0);
	assert_int_equal(s.n, 8);
	expect(&s, 0, TRACE_THREAD, 2765542, 0, 0);
	assert_int_equal(s.records[0].value, 2765543);
	expect(&s, 1, TRACE_READ, 2765542, 0x404, 0xa7e);
	expect(&s, 2, TRACE_READ, 2765542, 0x7fdf64e2a, 0xdc8);
	expect(&s, 3, TRACE_THREAD, 2765542, 0, 0);
	expect(&s, 4, TRACE_WRITE, 2765542, 0x7f8881e37, 0xffc);
	expect(&s, 5, TRACE_WRITE, 2765542, 0x7f8881e38, 0);
	expect(&s, 6, TRACE_THREAD, 3, 0, 0);
	expect(&s, 7, TRACE_READ, 3, 1, 0);
	free(s.records);
	s = read_text("Output format:\n 1 0: 5 read 8 byte(s) @ nowhere\n");
	assert_int_equal(s.err, -EBADMSG);
	assert_int_equal(s.problem.line, 2);
	free(s.records);
}

static void test_ostep(void **state)
{
	struct stream s = read_text("# pages\n8\n7\n0x10\n8\n");

	(void)state;
	assert_string_equal(s.format, "ostep");
	assert_int_equal(s.n, 4);
	expect(&s, 0, TRACE_READ, 1, 8, 0);
	expect(&s, 2, TRACE_READ, 1, 16, 0);
	free(s.records);
}

static void put64(uint8_t *at, uint64_t v)
{
	memcpy(at, &v, 8);
}

static void test_champsim(void **state)
{
	struct trace_read_options data = { .no_fetch = true };
	uint8_t file[2 * 64 + 10] = { 0 };
	struct stream s;

	(void)state;
	put64(file, 0x401000);
	file[8] = 1; /* a branch, taken */
	file[9] = 1;
	put64(file + 16, 0x7ffc00001008);
	put64(file + 32, 0x600010);
	put64(file + 56, 0x601020);
	put64(file + 64, 0x401004);
	s = read_all(file, 128, NULL);
	assert_string_equal(s.format, "champsim");
	assert_int_equal(s.n, 5);
	expect(&s, 0, TRACE_READ, 1, 0x401, 0);
	expect(&s, 1, TRACE_READ, 1, 0x600, 0x10);
	expect(&s, 2, TRACE_READ, 1, 0x601, 0x20);
	expect(&s, 3, TRACE_WRITE, 1, 0x7ffc00001, 8);
	expect(&s, 4, TRACE_READ, 1, 0x401, 4);
	free(s.records);
	s = read_all(file, 128, &data);
	assert_int_equal(s.n, 3);
	free(s.records);
	data = (struct trace_read_options){ .format = "champsim" };
	s = read_all(file, sizeof(file), &data);
	assert_int_equal(s.n, 5);
	assert_non_null(s.cut);
	free(s.records);
}

static void test_unknown(void **state)
{
	static const struct {
		const char *data;
		size_t size;
		const char *word;
	} cases[] = {
		{ "\x1f\x8b\x08\0\0", 5, "gzip -dc" },
		{ "\xfd"
		  "7zXZ\0",
		  6, "xz -dc" },
		{ "BZh9", 4, "bzip2 -dc" },
		{ "\x7f"
		  "ELF\2\1\1\0\0\0",
		  10, "no trace" },
	};
	struct trace_read_options options = { .format = "nosuch" };
	struct stream s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s = read_all(cases[i].data, cases[i].size, NULL);
		assert_int_equal(s.err, -EBADMSG);
		assert_non_null(strstr(s.problem.what, cases[i].word));
	}
	s = read_all("", 0, NULL);
	assert_int_equal(s.err, 0);
	assert_int_equal(s.n, 0);
	s = read_all("1 R 0\n", 6, &options);
	assert_int_equal(s.err, -ENOENT);
	assert_int_equal(trace_open(&(struct trace_reader *){ NULL }, "/nonexistent/x", NULL, NULL),
			 -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_malformed),
		cmocka_unit_test(test_text_before_error),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_lackey),
		cmocka_unit_test(test_drmemtrace),
		cmocka_unit_test(test_ostep),
		cmocka_unit_test(test_champsim),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
