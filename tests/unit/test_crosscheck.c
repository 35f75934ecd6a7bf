/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_crosscheck.c - exact miss counts of other simulators on the trace zipf1, and Belady's string.
 *
 * zipf1: 10 million references to a million pages, integer arithmetic only; rank i has weight floor(2^40 / (i + 1)).
 */
#include "core/vmm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REFERENCES 10000000u
#define PAGES 1000000u
#define PREFIX 600000u

static uint32_t *zipf1;
static uint32_t *next_use; /* of the same page, UINT32_MAX: none */

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = (*state += 0x9E3779B97F4A7C15u);

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

/* One pass from the end. */
static int next_use_make(void)
{
	uint32_t *at = malloc(PAGES * sizeof(*at));

	next_use = malloc(REFERENCES * sizeof(*next_use));
	if (!at || !next_use)
		return -1;
	memset(at, 0xff, PAGES * sizeof(*at));
	for (uint32_t k = REFERENCES; k--;) {
		next_use[k] = at[zipf1[k]];
		at[zipf1[k]] = k;
	}
	free(at);
	return 0;
}

static int zipf1_make(void **state)
{
	uint64_t *sum = malloc(PAGES * sizeof(*sum));
	uint64_t total = 0, prng = 42;

	(void)state;
	zipf1 = malloc(REFERENCES * sizeof(*zipf1));
	if (!sum || !zipf1)
		return -1;
	for (uint32_t i = 0; i < PAGES; i++)
		sum[i] = total += (1ull << 40) / (i + 1);
	for (uint32_t k = 0; k < REFERENCES; k++) {
		uint64_t r = (uint64_t)((unsigned __int128)splitmix64(&prng) * total >> 64);
		uint32_t low = 0, high = PAGES - 1;

		while (low < high) {
			uint32_t mid = (low + high) / 2;

			if (sum[mid] > r)
				high = mid;
			else
				low = mid + 1;
		}
		zipf1[k] = (uint32_t)((uint64_t)low * 7919 % PAGES);
	}
	free(sum);
	return next_use_make();
}

static int zipf1_free(void **state)
{
	(void)state;
	free(zipf1);
	free(next_use);
	return 0;
}

static void test_trace(void **state)
{
	static const uint32_t first[] = { 980317, 39595, 237570, 625601, 0, 507277, 95028, 236951 };

	(void)state;
	assert_memory_equal(zipf1, first, sizeof(first));
}

static uint64_t misses(const char *policy, uint32_t frames, uint32_t references)
{
	struct vmm_config c = { .size = sizeof(c), .frames = frames, .policy = policy };
	struct vmm *v = vmm_create(&c);
	uint64_t n;

	assert_non_null(v);
	for (uint32_t k = 0; k < references; k++)
		assert_true(vmm_access_next(v, 1, (uint64_t)zipf1[k] << 12, 0,
					    next_use[k] == UINT32_MAX ? UINT64_MAX : next_use[k]) >=
			    0);
	assert_int_equal(vmm_stats(v)->accesses, references);
	n = vmm_stats(v)->faults;
	vmm_destroy(v);
	return n;
}

/* With 7,634 and 76,345 frames. */
struct row {
	const char *policy;
	uint64_t small, large;
};

static void check_rows(const struct row *rows, size_t n, uint32_t references)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t small = misses(rows[i].policy, 7634, references);
		uint64_t large = misses(rows[i].policy, 76345, references);

		print_message("%s: %llu %llu\n", rows[i].policy, (unsigned long long)small,
			      (unsigned long long)large);
		assert_int_equal(small, rows[i].small);
		assert_int_equal(large, rows[i].large);
	}
}

static void test_misses(void **state)
{
	static const struct row rows[] = {
		{ "fifo", 4718854, 2768519 },
		{ "lru", 4367461, 2461100 },
		{ "clock:ref-at-load=0", 4269866, 2388472 },
		{ "clock", 4455549, 2535835 },
		{ "sieve", 3592342, 2076383 },
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]), REFERENCES);
}

/* Slow through vmm_access_next, hence with FULL=1 only; test_misses_prefix always runs. */
static void test_misses_full(void **state)
{
	static const struct row rows[] = {
		{ "s3-fifo", 3560495, 2052149 }, { "s3-fifo:fill-main=1", 3558624, 2042128 },
		{ "arc", 3582824, 2071683 },     { "2q", 3698011, 2165097 },
		{ "lfu", 3609061, 2076383 },     { "lirs", 3585324, 2074097 },
		{ "opt", 2999067, 1489936 },
	};

	(void)state;
	if (!getenv("FULL")) {
		print_message("FULL=1 runs this test\n");
		skip();
	}
	check_rows(rows, sizeof(rows) / sizeof(rows[0]), REFERENCES);
}

/* The first PREFIX references: counts of this program when it passed test_misses_full. */
static void test_misses_prefix(void **state)
{
	static const struct row rows[] = {
		{ "s3-fifo", 225866, 164496 }, { "s3-fifo:fill-main=1", 224054, 161913 },
		{ "arc", 223562, 161107 },     { "2q", 233878, 173663 },
		{ "lfu", 229186, 161180 },     { "lirs", 223223, 161047 },
		{ "opt", 186966, 151082 },
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]), PREFIX);
}

static void test_belady(void **state)
{
	static const uint8_t string[] = { 1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5 };
	static const struct {
		const char *policy;
		uint32_t frames, faults;
	} expected[] = { { "fifo", 3, 9 }, { "fifo", 4, 10 }, { "lru", 3, 10 },
			 { "lru", 4, 8 },  { "opt", 3, 7 },   { "opt", 4, 6 } };

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		struct vmm_config c = { .frames = expected[i].frames,
					.policy = expected[i].policy };
		struct vmm *v = vmm_create(&c);

		assert_non_null(v);
		for (size_t k = 0; k < sizeof(string); k++) {
			const uint8_t *next =
				memchr(string + k + 1, string[k], sizeof(string) - k - 1);

			vmm_access_next(v, 1, (uint64_t)string[k] << 12, 0,
					next ? (uint64_t)(next - string) : UINT64_MAX);
		}
		assert_int_equal(vmm_stats(v)->faults, expected[i].faults);
		vmm_destroy(v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trace),       cmocka_unit_test(test_misses),
		cmocka_unit_test(test_misses_full), cmocka_unit_test(test_misses_prefix),
		cmocka_unit_test(test_belady),
	};

	return cmocka_run_group_tests(tests, zipf1_make, zipf1_free);
}
