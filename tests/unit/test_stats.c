/* SPDX-License-Identifier: Apache-2.0 */
/* test_stats.c - the list of counters, their sum and their laws. */
#include "core/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_list(void **state)
{
	struct vm_stats s;
	uint64_t *counter = (uint64_t *)&s;

	(void)state;
	assert_int_equal(vm_stat_count * sizeof(uint64_t), sizeof(s));
	for (uint32_t i = 0; i < vm_stat_count; i++)
		counter[i] = 1000 + i;
	for (uint32_t i = 0; i < vm_stat_count; i++) {
		assert_int_equal(vm_stat_get(&s, &vm_stat_list[i]), 1000 + i);
		assert_true(strlen(vm_stat_list[i].help) > 0);
		for (uint32_t k = 0; k < i; k++)
			assert_string_not_equal(vm_stat_list[i].name, vm_stat_list[k].name);
	}
	assert_int_equal(s.accesses, 1000);
	assert_string_equal(vm_stat_list[0].name, "accesses");
}

static void test_add(void **state)
{
	struct vm_stats a = { .faults = 3,
			      .resident_peak_frames = 10,
			      .footprint_pages = 5,
			      .pt_bytes = 4096,
			      .tlb_reach_bytes = 1,
			      .tlb_hits = 1 };
	struct vm_stats b = { .faults = 4,
			      .resident_peak_frames = 7,
			      .footprint_pages = 6,
			      .pt_bytes = 8192,
			      .tlb_hits = 2 };

	(void)state;
	vm_stats_add(&a, &b);
	assert_int_equal(a.faults, 7);
	assert_int_equal(a.resident_peak_frames, 10);
	assert_int_equal(a.footprint_pages, 6);
	assert_int_equal(a.pt_bytes, 8192);
	assert_int_equal(a.tlb_reach_bytes, 1);
	assert_int_equal(a.tlb_hits, 3);
}

static void test_laws(void **state)
{
	struct vm_stats s = { .faults = 10,
			      .faults_zero = 4,
			      .faults_major = 3,
			      .faults_file = 2,
			      .faults_cow_alloc = 1,
			      .file_faults = 3,
			      .anon_faults = 7,
			      .evictions = 5,
			      .evictions_clean = 2,
			      .evictions_dirty = 3,
			      .faults_soft = 99,
			      .faults_write = 98 };

	(void)state;
	assert_int_equal(vm_stats_check(&s), 0);
	s.faults++;
	assert_true(vm_stats_check(&s) < 0);
	s.faults--;
	s.evictions_clean++;
	assert_true(vm_stats_check(&s) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_laws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
