/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pages.c - every policy agrees with the brute-force model tests/model/pages.h to the digit, under its
 * defaults and other parameters, on many kinds of strings at 1 to 130 frames; and opt makes the fewest faults possible.
 *
 * FULL=1 tries many more strings. test_random_cases.c tries many small ones.
 */
#include "tests/unit/pages_cases.h"

static void test_agree(void **state)
{
	static const uint32_t sizes[] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,
					  10, 13, 16, 20, 25, 32, 48, 64, 130 };
	uint32_t rounds = getenv("FULL") ? 60 : 1, differ = 0;

	(void)state;
	for (uint32_t round = 0; round < rounds; round++)
		for (int kind = 0; kind < KINDS; kind++)
			for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
				uint32_t pages = sizes[s] + 1 + pick(2 * sizes[s] + 3);

				make_string((enum kind)kind, 200 + 20 * sizes[s], pages, pick(80));
				for (size_t i = 0; i < CASES; i++)
					differ += cases_compare(i, sizes[s]);
			}
	assert_int_equal(differ, 0);
}

/* A reference is a fault when the last one to the page was more than tau ago: of ws that samples always, and of vmin. */
static void test_variable(void **state)
{
	(void)state;
	for (int kind = 0; kind < KINDS; kind++)
		for (uint64_t tau = 1; tau < 200; tau += tau / 4 + 1) {
			struct pages_counts ws, vmin;
			uint64_t expected = 0;
			char spec[64];

			make_string((enum kind)kind, 1500, 60, 0);
			for (uint32_t k = 0; k < length; k++) {
				uint32_t back = 1;

				while (back <= k && string[k - back].page != string[k].page)
					back++;
				expected += back > k || back > tau;
			}
			snprintf(spec, sizeof(spec), "ws:sample=1,tau=%llu",
				 (unsigned long long)tau);
			run_core(spec, 400, &ws);
			snprintf(spec, sizeof(spec), "vmin:tau=%llu", (unsigned long long)tau);
			run_core(spec, 400, &vmin);
			assert_int_equal(ws.faults, expected);
			assert_int_equal(vmin.faults, expected);
			assert_true(vmin.resident_sum <= ws.resident_sum);
		}
}

static void test_opt(void **state)
{
	uint32_t rounds = getenv("FULL") ? 100 : 10;

	(void)state;
	for (uint32_t round = 0; round < rounds; round++)
		for (uint32_t frames = 1; frames <= 6; frames++) {
			struct pages_counts core;

			make_string(round % 2 ? UNIFORM : SKEWED, 14 + pick(20), 4 + pick(6), 0);
			run_core("opt", frames, &core);
			assert_int_equal(core.faults, pages_fewest_faults(frames, string, length));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agree),
		cmocka_unit_test(test_variable),
		cmocka_unit_test(test_opt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
