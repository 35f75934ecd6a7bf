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

static uint32_t *zipf1;

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = (*state += 0x9E3779B97F4A7C15u);

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
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
	return 0;
}

static int zipf1_free(void **state)
{
	(void)state;
	free(zipf1);
	return 0;
}

static void test_trace(void **state)
{
	static const uint32_t first[] = { 980317, 39595, 237570, 625601, 0, 507277, 95028, 236951 };

	(void)state;
	assert_memory_equal(zipf1, first, sizeof(first));
}

static uint64_t misses(const char *policy, uint32_t frames)
{
	struct vmm_config c = { .size = sizeof(c), .frames = frames, .policy = policy };
	struct vmm *v = vmm_create(&c);
	uint64_t n;

	assert_non_null(v);
	for (uint32_t k = 0; k < REFERENCES; k++)
		assert_true(vmm_access(v, 1, (uint64_t)zipf1[k] << 12, 0) >= 0);
	assert_int_equal(vmm_stats(v)->accesses, REFERENCES);
	n = vmm_stats(v)->faults;
	vmm_destroy(v);
	return n;
}

static void test_misses(void **state)
{
	static const struct {
		const char *policy;
		uint64_t small, large; /* with 7,634 and 76,345 frames */
	} expected[] = {
		{ "fifo", 4718854, 2768519 },
		{ "lru", 4367461, 2461100 },
		{ "clock:ref-at-load=0", 4269866, 2388472 },
		{ "clock", 4455549, 2535835 },
		{ "sieve", 3592342, 2076383 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		uint64_t small = misses(expected[i].policy, 7634);
		uint64_t large = misses(expected[i].policy, 76345);

		print_message("%s: %llu %llu\n", expected[i].policy, (unsigned long long)small,
			      (unsigned long long)large);
		assert_int_equal(small, expected[i].small);
		assert_int_equal(large, expected[i].large);
	}
}

static void test_belady(void **state)
{
	static const uint8_t string[] = { 1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5 };
	static const struct {
		const char *policy;
		uint32_t frames, faults;
	} expected[] = { { "fifo", 3, 9 }, { "fifo", 4, 10 }, { "lru", 3, 10 }, { "lru", 4, 8 } };

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		struct vmm_config c = { .frames = expected[i].frames,
					.policy = expected[i].policy };
		struct vmm *v = vmm_create(&c);

		assert_non_null(v);
		for (size_t k = 0; k < sizeof(string); k++)
			vmm_access(v, 1, (uint64_t)string[k] << 12, 0);
		assert_int_equal(vmm_stats(v)->faults, expected[i].faults);
		vmm_destroy(v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_misses),
		cmocka_unit_test(test_belady),
	};

	return cmocka_run_group_tests(tests, zipf1_make, zipf1_free);
}
