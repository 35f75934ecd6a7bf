/* SPDX-License-Identifier: Apache-2.0 */
/* test_events.c - events of address spaces one by one, by hand: unmap, discard, exit, and the counters of processes. */
#include "core/core.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KIB4(n) ((uint64_t)(n) << 12)

static struct vmm *make(const char *policy, uint32_t frames)
{
	struct vmm_config c = { .frames = frames, .policy = policy };
	struct vmm *v = vmm_create(&c);

	assert_non_null(v);
	return v;
}

static void access_pages(struct vmm *v, uint32_t pid, uint64_t from, uint64_t n, int write,
			 int expected)
{
	for (uint64_t k = 0; k < n; k++)
		assert_int_equal(vmm_access(v, pid, KIB4(from + k), write), expected);
	assert_int_equal(core_check(v), 0);
}

static void test_unmap(void **state)
{
	struct vmm *v = make("lru", 8);
	const struct vm_stats *s = vmm_stats(v);

	(void)state;
	access_pages(v, 1, 0, 4, 1, 1);
	assert_int_equal(vmm_unmap(v, 1, KIB4(1) + 4095, 2), 0); /* a byte of 1 and one of 2 */
	assert_int_equal(s->unmapped, 2);
	assert_int_equal(core_frames_free(v), 6);
	access_pages(v, 1, 0, 1, 0, 0);
	access_pages(v, 1, 1, 2, 0, 1);
	assert_int_equal(s->faults_zero, 6);
	assert_int_equal(s->footprint_pages, 4);
	assert_int_equal(vmm_discard(v, 1, KIB4(3), 4096), 0);
	access_pages(v, 1, 3, 1, 0, 1);
	assert_int_equal(s->faults_zero, 7);
	assert_int_equal(vmm_unmap(v, 77, 0, 4096), 0);
	assert_int_equal(vmm_processes(v, NULL, 0), 1);
	vmm_destroy(v);
}

/* A stored page that is discarded reads as zeros, not from the store. */
static void test_discard_stored(void **state)
{
	struct vmm *v = make("fifo", 1);
	const struct vm_stats *s = vmm_stats(v);

	(void)state;
	access_pages(v, 1, 0, 2, 1, 1);
	access_pages(v, 1, 0, 1, 0, 1);
	assert_int_equal(s->faults_major, 1);
	access_pages(v, 1, 1, 1, 0, 1);
	assert_int_equal(vmm_discard(v, 1, 0, 1), 0);
	access_pages(v, 1, 0, 1, 0, 1);
	assert_int_equal(s->faults_zero, 3);
	assert_int_equal(s->faults_major, 2);
	vmm_destroy(v);
}

static void test_ranges(void **state)
{
	struct vmm *v = make("fifo", 4);

	(void)state;
	assert_int_equal(vmm_unmap(v, 1, 4096, 0), -EINVAL);
	assert_int_equal(vmm_discard(v, 1, 4096, UINT64_MAX), -EINVAL);
	access_pages(v, 1, UINT64_MAX >> 12, 1, 1, 1);
	assert_int_equal(vmm_unmap(v, 1, 0, UINT64_MAX), 0);
	assert_int_equal(vmm_stats(v)->unmapped, 1);
	access_pages(v, 1, UINT64_MAX >> 12, 1, 1, 1);
	assert_int_equal(vmm_unmap(v, 1, UINT64_MAX, 1), 0);
	assert_int_equal(vmm_stats(v)->unmapped, 2);
	vmm_destroy(v);
}

static void test_exit(void **state)
{
	struct vmm *v = make("clock", 8);
	const struct vm_stats *s = vmm_stats(v);
	uint32_t pids[2] = { 0 };

	(void)state;
	assert_int_equal(vmm_exit(v, 5), -ESRCH);
	access_pages(v, 5, 0, 3, 1, 1);
	access_pages(v, 3, 0, 3, 1, 1);
	access_pages(v, 5, UINT64_MAX >> 12, 1, 1, 1);
	assert_int_equal(vmm_exit(v, 5), 0);
	assert_int_equal(vmm_exit(v, 5), -ESRCH);
	assert_int_equal(core_frames_free(v), 5);
	assert_int_equal(s->unmapped, 0);
	access_pages(v, 3, 0, 3, 0, 0);
	access_pages(v, 5, 0, 1, 0, 1); /* the number is used again */
	access_pages(v, 9, 0, 1, 0, 1);
	assert_int_equal(vmm_processes(v, pids, 2), 3);
	assert_int_equal(pids[0], 5);
	assert_int_equal(pids[1], 3);
	assert_int_equal(vmm_process_stats(v, 5)->faults, 5);
	assert_int_equal(vmm_process_stats(v, 5)->writes, 4);
	assert_int_equal(vmm_process_stats(v, 3)->accesses, 6);
	assert_int_equal(vmm_process_stats(v, 3)->reads, 3);
	assert_int_equal(vmm_process_stats(v, 9)->faults_zero, 1);
	assert_null(vmm_process_stats(v, 4));
	vmm_destroy(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unmap),
		cmocka_unit_test(test_discard_stored),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_exit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
