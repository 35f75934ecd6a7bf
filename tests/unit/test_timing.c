/* SPDX-License-Identifier: Apache-2.0 */
/* test_timing.c - the swap device against an array of counts, and the timing model against sums made by hand. */
#include "core/rng.h"
#include "core/swap.h"
#include "core/timing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_swap(void **state)
{
	static const uint32_t capacities[] = { 1, 7, 300, 1000, 0 };
	static uint32_t refs[4096];
	struct rng rng = { 5 };

	(void)state;
	for (uint32_t c = 0; c < 5; c++) {
		uint32_t capacity = capacities[c] ? capacities[c] : 4096, used = 0, peak = 0;
		struct swap s;

		swap_init(&s, capacities[c]);
		for (uint32_t i = 0; i < 4096; i++)
			refs[i] = 0;
		for (uint32_t k = 0; k < 20000; k++) {
			uint32_t slot = (uint32_t)rng_below(&rng, s.fresh + 1), what;

			what = (uint32_t)rng_below(&rng, 9);
			if (what < 4 && used < 4096) {
				int err = swap_take(&s, &slot);

				assert_int_equal(err, used == capacity ? -ENOSPC : 0);
				if (err)
					continue;
				assert_true(slot < capacity && refs[slot] == 0);
				refs[slot] = 1;
				used++;
			} else if (slot < s.fresh && refs[slot] && what < 5) {
				assert_int_equal(swap_inc_ref(&s, slot), ++refs[slot]);
			} else if (slot < s.fresh && refs[slot]) {
				assert_int_equal(swap_dec_ref(&s, slot), --refs[slot]);
				used -= refs[slot] == 0;
			}
			peak = peak > used ? peak : used;
			if (k % 64)
				continue;
			assert_int_equal(swap_check(&s), 0);
			assert_int_equal(s.used, used);
			assert_int_equal(s.peak, peak);
		}
		assert_true(s.fresh <= peak); /* memory follows what is used */
		swap_destroy(&s);
	}
}

static void near(double a, double b)
{
	assert_true(a > b - 1e-6 && a < b + 1e-6);
}

static void test_model(void **state)
{
	const struct timing t = TIMING_DEFAULT;
	struct vm_stats s = { 0 };

	(void)state;
	near(timing_amt_ns(&t, &s, 0), 0);
	near(timing_slowdown(&t, &s, 0), 0);
	s.accesses = 1000;
	near(timing_amt_ns(&t, &s, 0), 100);
	near(timing_slowdown(&t, &s, 0), 1);
	s.tlb_hits = 900;
	s.tlb_misses = 100;
	s.pt_walk_accesses = 400; /* 100 walks of four levels */
	near(timing_amt_ns(&t, &s, 0), 100 + 1 + 40);
	near(timing_slowdown(&t, &s, 0), 141.0 / 101);
	/* 10 faults, 4 from the device; 3 written out: 10 * 1000 us + 7 * 5000 us over 1000 accesses */
	s.faults = 10;
	s.faults_soft = 50;
	s.store_reads = 4;
	s.store_writes = 3;
	near(timing_amt_ns(&t, &s, 0), 141 + 45000);
	near(timing_amt_ns(&t, &s, 20000), 141 + 45000 + 20);
	near(timing_total_ns(&t, &s, 0), 45141000);
	near(timing_slowdown(&t, &s, 0), 45141.0 / 101);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
