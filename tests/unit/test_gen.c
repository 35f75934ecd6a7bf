/* SPDX-License-Identifier: Apache-2.0 */
/* test_gen.c - the generators: the reference string that other simulators were measured with, and what each type promises. */
#include "tests/unit/trace_drive.h"

#include "core/gen/gen.h"

static struct gen_config config_of(const char *type, uint64_t refs, uint32_t pages)
{
	return (struct gen_config){ .type = type,
				    .refs = refs,
				    .processes = GEN_DEFAULT,
				    .pages = pages,
				    .writes = GEN_DEFAULT,
				    .quantum = GEN_DEFAULT,
				    .seed = 42,
				    .alpha = 1,
				    .stride = 8,
				    .phases = 4 };
}

static struct stream generate(const struct gen_config *config)
{
	struct trace_record records[100];
	struct stream s = { 0 };
	struct gen *g;
	size_t n;

	assert_int_equal(gen_create(&g, config), 0);
	while ((n = gen_read(g, records, 100)))
		stream_add(&s, records, n);
	gen_destroy(g);
	return s;
}

/* crosscheck/README.md: ten million references with this MD5. */
static void test_zipf1(void **state)
{
	static const uint32_t first[] = { 980317, 39595, 237570, 625601, 0, 507277, 95028, 236951 };
	static struct trace_record records[4096];
	struct gen_config config = config_of("zipf", 10000000, 1000000);
	char *path = temporary("md5"), command[4200], sum[33] = "";
	uint64_t total = 0;
	struct gen *g;
	FILE *pipe, *f;
	size_t n;

	(void)state;
	snprintf(command, sizeof(command), "md5sum >%s", path);
	pipe = popen(command, "w");
	assert_non_null(pipe);
	assert_int_equal(gen_create(&g, &config), 0);
	while ((n = gen_read(g, records, 4096))) {
		uint32_t pages[4096];

		for (size_t i = 0; i < n; i++) {
			assert_int_equal(records[i].kind, TRACE_READ);
			pages[i] = (uint32_t)records[i].vpn;
			if (total + i < 8)
				assert_int_equal(pages[i], first[total + i]);
		}
		assert_int_equal(fwrite(pages, 4, n, pipe), n);
		total += n;
	}
	gen_destroy(g);
	assert_int_equal(total, 10000000);
	assert_int_equal(pclose(pipe), 0);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fread(sum, 1, 32, f), 32);
	fclose(f);
	assert_string_equal(sum, "54735cc2d04740a553df89ad18fb63db");
	temporary_remove(path);
}

/* The same seed makes the same trace, another one another; every page is in range; the number of references is right. */
static void test_every_type(void **state)
{
	(void)state;
	for (const struct gen_type *t = gen_types; t->name; t++) {
		struct gen_config config = config_of(t->name, 20000, 100);
		struct stream a = generate(&config), b = generate(&config);
		uint32_t refs = 0, writes = 0, most_pid = 0;

		assert_int_equal(a.n, b.n);
		for (size_t i = 0; i < a.n; i++) {
			assert_true(same_record(&a.records[i], &b.records[i]));
			if (a.records[i].kind > TRACE_WRITE)
				continue;
			refs++;
			writes += a.records[i].kind == TRACE_WRITE;
			assert_true(a.records[i].vpn < 100);
			assert_true(a.records[i].pid >= 1);
			if (a.records[i].pid > most_pid)
				most_pid = a.records[i].pid;
		}
		assert_int_equal(refs, 20000);
		assert_int_equal(most_pid, t->processes);
		if (!t->writes)
			assert_int_equal(writes, 0);
		else
			assert_in_range(writes, 20000 * 28 / 100, 20000 * 60 / 100);
		free(a.records);
		free(b.records);
	}
}

/* The share of writes does not change the pages. */
static void test_writes_apart(void **state)
{
	struct gen_config config = config_of("random", 1000, 50);
	struct stream a, b;

	(void)state;
	config.writes = 0;
	a = generate(&config);
	config.writes = 100;
	b = generate(&config);
	for (size_t i = 0; i < a.n; i++) {
		assert_int_equal(a.records[i].vpn, b.records[i].vpn);
		assert_int_equal(a.records[i].kind, TRACE_READ);
		assert_int_equal(b.records[i].kind, TRACE_WRITE);
	}
	free(a.records);
	free(b.records);
}

/* loop, stride and pointer_chase visit every page once before the first one again. */
static void test_cycles(void **state)
{
	static const char *const types[] = { "loop", "stride", "pointer_chase" };
	static const uint32_t pages[] = { 1, 2, 8, 97, 100 };

	(void)state;
	for (int t = 0; t < 3; t++)
		for (int p = 0; p < 5; p++) {
			struct gen_config config = config_of(types[t], 3 * pages[p], pages[p]);
			struct stream s = generate(&config);

			for (uint32_t i = 0; i < 2 * pages[p]; i++)
				assert_int_equal(s.records[i].vpn, s.records[i + pages[p]].vpn);
			for (uint32_t i = 0; i < pages[p]; i++)
				for (uint32_t k = 0; k < i; k++)
					assert_int_not_equal(s.records[i].vpn, s.records[k].vpn);
			free(s.records);
		}
}

/* Nobody acts before it is forked or after it has exited; all exit. */
static void test_fork(void **state)
{
	struct gen_config config = config_of("fork", 5000, 64);
	struct stream s = generate(&config);
	bool alive[5] = { [1] = true };
	int forks = 0, exits = 0;

	(void)state;
	for (size_t i = 0; i < s.n; i++) {
		const struct trace_record *rec = &s.records[i];

		assert_true(alive[rec->pid]);
		if (rec->kind == TRACE_FORK) {
			assert_false(alive[rec->value]);
			alive[rec->value] = true;
			forks++;
		}
		if (rec->kind == TRACE_EXIT) {
			alive[rec->pid] = false;
			exits++;
		}
	}
	assert_int_equal(forks, 3);
	assert_int_equal(exits, 4);
	free(s.records);
}

static void test_phased(void **state)
{
	struct gen_config config = config_of("phased", 1000, 40);
	struct stream s = generate(&config);
	int marks = 0;

	(void)state;
	for (size_t i = 0; i < s.n; i++) {
		if (s.records[i].kind == TRACE_MARK)
			marks++;
		else
			assert_in_range(s.records[i].vpn, 10 * (marks - 1), 10 * marks - 1);
	}
	assert_int_equal(marks, 4);
	free(s.records);
}

static void test_refused(void **state)
{
	struct gen_config config = config_of("nosuch", 10, 10);
	struct gen *g;

	(void)state;
	assert_int_equal(gen_create(&g, &config), -ENOENT);
	config.type = "loop";
	config.pages = 0;
	assert_int_equal(gen_create(&g, &config), -EINVAL);
	config.pages = 10;
	config.processes = 0;
	assert_int_equal(gen_create(&g, &config), -EINVAL);
	config.processes = 1;
	config.refs = 0;
	assert_int_equal(gen_create(&g, &config), 0);
	assert_int_equal(gen_read(g, &(struct trace_record){ 0 }, 1), 0);
	gen_destroy(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zipf1),        cmocka_unit_test(test_every_type),
		cmocka_unit_test(test_writes_apart), cmocka_unit_test(test_cycles),
		cmocka_unit_test(test_fork),         cmocka_unit_test(test_phased),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
