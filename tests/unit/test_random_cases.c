/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_random_cases.c - 100,000 random cases: a policy under some parameters, 1 to 64 frames and a small string, all drawn
 * anew for each, agree with the brute-force model to the digit. No policy is left out, and none comes out short.
 *
 * Builds that check everything after every step, and sanitizers, do fewer; the number is printed. RANDOM_CASES=N does N.
 */
#include "core/policy.h"
#include "tests/unit/pages_cases.h"

#ifdef VMM_DEBUG
#define RANDOM_CASES 3000u
#else
#define RANDOM_CASES 100000u
#endif

static uint32_t seen[CASES];

static void test_random(void **state)
{
	const char *text = getenv("RANDOM_CASES");
	uint32_t n = text ? (uint32_t)strtoul(text, NULL, 10) : RANDOM_CASES, differ = 0;
	uint64_t faults = 0, references = 0;

	(void)state;
	prng = 2026;
	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = pick(CASES), frames = 1 + pick(pick(2) ? 8 : 64);
		uint32_t pages = frames + 1 + pick(frames + 3);
		struct pages_counts counts;

		make_string((enum kind)pick(KINDS), 10 + pick(4 * frames + 20), pages,
			    pick(2) ? pick(100) : 0);
		differ += (uint32_t)cases_compare(i, frames);
		seen[i]++;
		references += length;
		if (k % 64)
			continue;
		run_core(cases[i].policy, frames, &counts);
		faults += counts.faults;
	}
	print_message("%u random cases, %llu references\n", n, (unsigned long long)references);
	assert_int_equal(differ, 0);
	assert_true(faults > 0);
	for (uint32_t i = 0; i < CASES && n >= 3000; i++)
		assert_true(seen[i] >= n / CASES / 2);
}

/* Every policy of the list has a case. */
static void test_complete(void **state)
{
	(void)state;
	for (const struct policy_ops *const *p = policy_all(); *p; p++) {
		size_t i = 0;

		if ((*p)->flags & POLICY_HIDDEN)
			continue;
		while (i < CASES && strcmp(cases[i].policy, (*p)->name) != 0)
			i++;
		if (i == CASES)
			fail_msg("%s has no model", (*p)->name);
	}
}

/* opt against an exhaustive search, on tiny strings of every size. */
static void test_opt_tiny(void **state)
{
	uint32_t n = 0;

	(void)state;
	for (uint32_t frames = 1; frames <= 4; frames++)
		for (uint32_t size = 1; size <= 12; size++)
			for (int round = 0; round < 4; round++, n++) {
				struct pages_counts core;

				make_string(UNIFORM, size, 2 + pick(5), 0);
				run_core("opt", frames, &core);
				assert_int_equal(core.faults,
						 pages_fewest_faults(frames, string, length));
			}
	print_message("%u strings of opt\n", n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_opt_tiny),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
