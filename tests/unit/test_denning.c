/* SPDX-License-Identifier: Apache-2.0 */
/* test_denning.c - mean working sets and their misses against sets that are counted one by one. */
#include "core/replay/denning.h"
#include "core/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define N 2000u
#define PAGES 50u

static uint32_t refs[N];
static uint32_t goes[N]; /* the page that goes after the reference; UINT32_MAX: none */

static void slowly(uint64_t tau, double *mean, uint64_t *misses)
{
	int64_t last[PAGES], sum = 0;

	for (uint32_t p = 0; p < PAGES; p++)
		last[p] = -1;
	*misses = 0;
	for (int64_t t = 0; t < N; t++) {
		*misses += last[refs[t]] < 0 || (uint64_t)(t - last[refs[t]]) > tau;
		last[refs[t]] = t;
		for (uint32_t p = 0; p < PAGES; p++)
			sum += last[p] >= 0 && (uint64_t)(t - last[p]) < tau;
		if (goes[t] != UINT32_MAX)
			last[goes[t]] = -1;
	}
	*mean = (double)sum / N;
}

static void test_all_taus(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 8; seed++) {
		struct rng g = { seed };
		struct denning d = { .now = 0 };
		double mean;
		uint64_t misses;

		for (uint32_t i = 0; i < N; i++) {
			refs[i] = (uint32_t)(rng_below(&g, PAGES) * rng_below(&g, PAGES) / PAGES);
			goes[i] = seed & 1 && rng_below(&g, 20) == 0
					  ? (uint32_t)rng_below(&g, PAGES)
					  : UINT32_MAX;
			assert_int_equal(denning_feed(&d, &refs[i], 1, PAGES), 0);
			if (goes[i] != UINT32_MAX)
				denning_forget(&d, goes[i]);
		}
		denning_end(&d);
		for (uint32_t k = 0; k < 14; k++) {
			slowly(1ull << k, &mean, &misses);
			assert_int_equal(denning_misses(&d, k), misses);
			assert_true(denning_mean_pages(&d, k) > mean - 1e-9 &&
				    denning_mean_pages(&d, k) < mean + 1e-9);
		}
		denning_destroy(&d);
	}
}

static void test_empty(void **state)
{
	struct denning d = { .now = 0 };

	(void)state;
	denning_forget(&d, 3);
	denning_end(&d);
	assert_true(denning_mean_pages(&d, 5) == 0);
	assert_int_equal(denning_misses(&d, 5), 0);
	denning_destroy(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_taus),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
