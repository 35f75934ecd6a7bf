/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_share.c - fork, copy on write, shared memory and files one rule at a time, by hand; and the Nth allocation of a
 * sequence of all events fails, for all N.
 *
 * link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
 */
#include "core/core.h"
#include "tests/unit/fail_alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE(n) ((uint64_t)(n) << 12)

static struct vmm *make(const char *policy, uint32_t frames, const struct vmm_mmu *mmu)
{
	struct vmm_config c = { .frames = frames, .policy = policy, .mmu = mmu };

	return vmm_create(&c);
}

static const struct vmm_mapping file_shared = { .backing = VMM_FILE_SHARED, .object = 7 },
				file_private = { .backing = VMM_FILE_PRIVATE, .object = 7 },
				file_read = { .backing = VMM_FILE_SHARED,
					      .object = 7,
					      .read_only = 1 },
				shared = { .backing = VMM_SHARED, .object = 7 };

static void test_cow(void **state)
{
	struct vmm *v = make("fifo", 8, NULL);
	const struct vm_stats *s = vmm_stats(v);

	(void)state;
	vmm_access(v, 1, PAGE(0), 1);
	vmm_access(v, 1, PAGE(1), 1);
	assert_int_equal(vmm_fork(v, 1, 2), 0);
	assert_int_equal(core_frames_free(v), 6); /* nothing was copied */
	assert_int_equal(s->cow_pages_saved, 2);
	assert_int_equal(vmm_access(v, 1, PAGE(0), 0), 0);
	assert_int_equal(vmm_access(v, 2, PAGE(0), 0), 0);
	assert_int_equal(vmm_access(v, 2, PAGE(0), 1), 1);
	assert_int_equal(s->faults_cow_alloc, 1);
	assert_int_equal(s->cow_copies, 1);
	assert_int_equal(vmm_access(v, 2, PAGE(0), 1), 0);
	assert_int_equal(vmm_access(v, 1, PAGE(0), 1), 2); /* the last sharer: in place */
	assert_int_equal(s->faults_cow, 2);
	assert_int_equal(s->faults_cow_alloc, 1);
	assert_int_equal(vmm_access(v, 1, PAGE(0), 1), 0);
	assert_int_equal(core_frames_free(v), 5);
	assert_int_equal(vmm_process_stats(v, 2)->faults_cow_alloc, 1);
	assert_int_equal(vmm_process_stats(v, 1)->faults_cow, 1);
	assert_int_equal(vmm_exit(v, 2), 0);
	assert_int_equal(core_frames_free(v), 6);
	assert_int_equal(vmm_access(v, 1, PAGE(1), 1), 2);
	assert_int_equal(s->faults, 3);
	vmm_destroy(v);
}

/* A page that is in the store only: one fault reads the copy of it, and it stays stored for the others. */
static void test_cow_stored(void **state)
{
	struct vmm *v = make("fifo", 2, NULL);
	const struct vm_stats *s = vmm_stats(v);

	(void)state;
	vmm_access(v, 1, PAGE(0), 1);
	assert_int_equal(vmm_fork(v, 1, 2), 0);
	vmm_access(v, 1, PAGE(8), 1);
	vmm_access(v, 1, PAGE(9), 1);
	assert_int_equal(core_page(v, core_find(v, 2, 0))->state, PAGE_STORED);
	assert_int_equal(vmm_access(v, 2, PAGE(0), 1), 1);
	assert_int_equal(s->faults_cow_alloc, 1);
	assert_int_equal(s->faults_major, 0);
	assert_int_equal(s->store_reads, 1);
	assert_int_equal(s->cow_copies, 0);
	assert_int_equal(vmm_access(v, 1, PAGE(0), 1), 1); /* alone with it: an ordinary fault */
	assert_int_equal(s->faults_major, 1);
	assert_int_equal(s->faults_cow, 1);
	vmm_destroy(v);
}

/* One frame: the page that is copied has to leave for its copy, and the copy is read back. */
static void test_cow_one_frame(void **state)
{
	struct vmm *v = make("lru", 1, NULL);
	const struct vm_stats *s = vmm_stats(v);

	(void)state;
	vmm_access(v, 1, PAGE(0), 1);
	vmm_fork(v, 1, 2);
	assert_int_equal(vmm_access(v, 2, PAGE(0), 1), 1);
	assert_int_equal(s->store_writes, 1);
	assert_int_equal(s->store_reads, 1);
	assert_int_equal(core_check(v), 0);
	vmm_destroy(v);
}

/* The page that is copied is the policy's choice, but stays while there is another. */
static void test_cow_source_stays(void **state)
{
	struct vmm *v = make("fifo", 2, NULL);

	(void)state;
	vmm_access(v, 1, PAGE(0), 1);
	vmm_access(v, 1, PAGE(5), 1);
	vmm_fork(v, 1, 2);
	assert_int_equal(vmm_access(v, 2, PAGE(0), 1), 1);
	assert_int_equal(vmm_stats(v)->cow_copies, 1);
	assert_int_equal(vmm_access(v, 1, PAGE(0), 0), 0);
	vmm_destroy(v);
}

static void test_fork_refused(void **state)
{
	struct vmm *v = make("fifo", 8, NULL);

	(void)state;
	vmm_access(v, 1, PAGE(0), 1);
	vmm_access(v, 2, PAGE(0), 1);
	assert_int_equal(vmm_fork(v, 1, 2), -EEXIST);
	assert_int_equal(vmm_fork(v, 1, 1), -EINVAL);
	assert_int_equal(vmm_exit(v, 2), 0);
	assert_int_equal(vmm_map(v, 2, PAGE(50), PAGE(1), &file_shared), 0);
	assert_int_equal(vmm_fork(v, 1, 2), -EEXIST);
	assert_int_equal(vmm_unmap(v, 2, PAGE(50), PAGE(1)), 0);
	assert_int_equal(vmm_fork(v, 1, 2), 0);
	assert_int_equal(vmm_fork(v, 2, 3), 0);
	assert_int_equal(vmm_processes(v, NULL, 0), 3);
	assert_int_equal(vmm_stats(v)->cow_pages_saved, 2);
	assert_int_equal(core_frames_free(v), 7);
	vmm_destroy(v);
}

static void test_shared(void **state)
{
	struct vmm *v = make("fifo", 2, NULL);
	const struct vm_stats *s = vmm_stats(v);
	uint32_t object, other;

	(void)state;
	assert_int_equal(vmm_create_shared(v, 0, &object), -EINVAL);
	assert_int_equal(vmm_create_shared(v, PAGE(3) + 1, &object), 0);
	assert_int_equal(vmm_create_shared(v, PAGE(1), &other), 0);
	assert_int_not_equal(object, other);
	assert_int_equal(vmm_attach_shared(v, 1, other + 1000, PAGE(10)), -ENOENT);
	assert_int_equal(vmm_attach_shared(v, 1, object, PAGE(10)), 0);
	assert_int_equal(vmm_attach_shared(v, 2, object, PAGE(20)), 0);
	assert_int_equal(s->shared_attached, 2);
	assert_int_equal(vmm_access(v, 1, PAGE(10), 1), 1);
	assert_int_equal(vmm_access(v, 2, PAGE(20), 0), 2);
	assert_int_equal(s->faults_minor, 1);
	assert_int_equal(s->shared_pages_saved, 1);
	assert_int_equal(vmm_access(v, 2, PAGE(20), 1), 0);
	vmm_access(v, 1, PAGE(0), 1); /* two frames: the shared page goes */
	vmm_access(v, 1, PAGE(1), 1);
	assert_int_equal(s->evictions, 1);
	assert_int_equal(s->evictions_dirty, 1);
	assert_int_equal(vmm_access(v, 2, PAGE(20), 0), 1); /* from the store */
	assert_int_equal(s->faults_major, 1);
	assert_int_equal(vmm_access(v, 1, PAGE(10), 0), 2);
	assert_int_equal(vmm_detach_shared(v, 1, PAGE(11)), -EINVAL);
	assert_int_equal(vmm_detach_shared(v, 1, PAGE(10)), 0);
	assert_int_equal(vmm_detach_shared(v, 2, PAGE(20)), 0);
	assert_int_equal(vmm_attach_shared(v, 3, object, PAGE(0)), 0);
	assert_int_equal(vmm_access(v, 3, PAGE(0), 0), 2); /* it has been kept */
	assert_int_equal(core_check(v), 0);
	vmm_destroy(v);
}

/* Without vmm_create_shared it is gone with its last mapping. */
static void test_shared_ends(void **state)
{
	struct vmm *v = make("fifo", 4, NULL);

	(void)state;
	vmm_map(v, 1, PAGE(0), PAGE(2), &shared);
	assert_int_equal(vmm_access(v, 1, PAGE(1), 1), 1);
	assert_int_equal(vmm_fork(v, 1, 2), 0);
	assert_int_equal(vmm_exit(v, 1), 0);
	assert_int_equal(vmm_access(v, 2, PAGE(1), 1), 0);
	assert_int_equal(vmm_exit(v, 2), 0);
	assert_int_equal(core_frames_free(v), 4);
	vmm_map(v, 1, PAGE(0), PAGE(2), &shared);
	assert_int_equal(vmm_access(v, 1, PAGE(1), 1), 1);
	assert_int_equal(vmm_stats(v)->faults_zero, 2);
	vmm_destroy(v);
}

static void test_file(void **state)
{
	struct vmm *v = make("fifo", 2, NULL);
	const struct vm_stats *s = vmm_stats(v);

	(void)state;
	assert_int_equal(vmm_map(v, 1, PAGE(0), PAGE(4), &file_shared), 0);
	assert_int_equal(vmm_map(v, 2, PAGE(0), PAGE(4), &file_private), 0);
	assert_int_equal(vmm_map(v, 3, PAGE(0), PAGE(4), &file_read), 0);
	assert_int_equal(vmm_access(v, 1, PAGE(0), 0), 1);
	assert_int_equal(vmm_access(v, 2, PAGE(0), 0), 2); /* the same page */
	assert_int_equal(vmm_access(v, 3, PAGE(0), 1), -EACCES);
	assert_int_equal(vmm_access(v, 3, PAGE(0), 0), 2);
	assert_int_equal(vmm_access(v, 3, PAGE(0), 1), -EACCES);
	assert_int_equal(s->accesses, 3);
	assert_int_equal(s->file_faults, 1);
	assert_int_equal(vmm_access(v, 2, PAGE(0), 1), 1); /* becomes anonymous */
	assert_int_equal(s->faults_cow_alloc, 1);
	assert_int_equal(s->file_faults, 2);
	vmm_access(v, 1, PAGE(1), 0);
	assert_int_equal(s->file_evictions_clean, 1); /* page 0, dropped */
	assert_int_equal(s->store_writes + s->file_writes, 0);
	vmm_access(v, 1, PAGE(0), 1);
	assert_int_equal(s->store_writes, 1); /* 2's copy */
	assert_int_equal(vmm_sync(v, 2, 0, PAGE(4)), 0);
	assert_int_equal(s->file_synced, 0);
	assert_int_equal(vmm_sync(v, 3, 0, PAGE(4)), 0); /* never came to it again */
	assert_int_equal(vmm_sync(v, 1, 0, PAGE(4)), 0);
	assert_int_equal(s->file_synced, 1);
	assert_int_equal(vmm_sync(v, 1, 0, PAGE(4)), 0);
	assert_int_equal(s->file_writes, 1);
	vmm_access(v, 1, PAGE(0), 1);
	vmm_exit(v, 3);
	assert_int_equal(s->file_writes, 1);
	assert_int_equal(vmm_unmap(v, 1, 0, PAGE(4)), 0); /* the last that had it */
	assert_int_equal(s->file_writes, 2);
	assert_int_equal(vmm_access(v, 2, PAGE(0), 0), 1);
	assert_int_equal(s->faults_major, 1);
	assert_int_equal(vmm_discard(v, 2, 0, PAGE(1)), 0);
	assert_int_equal(vmm_access(v, 2, PAGE(0), 0),
			 2); /* the file's again, and still in memory */
	vmm_exit(v, 2);
	assert_int_equal(core_frames_free(v), 2);
	assert_int_equal(core_check(v), 0);
	vmm_destroy(v);
}

/* A written page of a file is written to it when it is evicted, and comes back from there. */
static void test_file_dirty(void **state)
{
	struct vmm *v = make("fifo", 1, NULL);
	const struct vm_stats *s = vmm_stats(v);

	(void)state;
	vmm_map(v, 1, PAGE(0), PAGE(2), &file_shared);
	vmm_access(v, 1, PAGE(0), 1);
	vmm_access(v, 1, PAGE(1), 0);
	assert_int_equal(s->file_evictions_dirty, 1);
	vmm_access(v, 1, PAGE(0), 0);
	assert_int_equal(s->file_evictions_clean, 1);
	assert_int_equal(s->faults_file, 3);
	assert_int_equal(s->file_writes, 1);
	assert_int_equal(s->store_writes + s->store_reads, 0);
	vmm_destroy(v);
}

/* Mappings are cut at both ends, in the middle, and replaced; pages keep their place in the object. */
static void test_regions(void **state)
{
	struct vmm *v = make("fifo", 64, NULL);
	struct vmm_mapping m = file_shared;
	uint64_t object_page;
	uint32_t object;

	(void)state;
	m.object_page = 100;
	assert_int_equal(vmm_map(v, 1, PAGE(10), PAGE(20), &m), 0);
	assert_int_equal(vmm_unmap(v, 1, PAGE(15), PAGE(3)), 0);
	assert_int_equal(vmm_unmap(v, 1, PAGE(5), PAGE(6)), 0);
	assert_int_equal(vmm_unmap(v, 1, PAGE(28), PAGE(9)), 0);
	m.object = 8;
	assert_int_equal(vmm_map(v, 1, PAGE(20), PAGE(2), &m), 0);
	for (uint64_t k = 0; k < 40; k++) {
		bool first = (k >= 11 && k < 15) || (k >= 18 && k < 28 && k != 20 && k != 21);
		bool second = k == 20 || k == 21;
		uint32_t id;

		assert_int_equal(vmm_access(v, 1, PAGE(k), 0), 1);
		id = core_find(v, 1, k);
		assert_int_equal(core_object_of(v, id, &object, &object_page), first || second);
		if (!first && !second)
			continue;
		assert_int_equal(object, second ? 8 : 7);
		assert_int_equal(object_page, second ? 80 + k : 90 + k);
	}
	m.backing = (enum vmm_backing)9;
	assert_int_equal(vmm_map(v, 1, PAGE(1), PAGE(1), &m), -EINVAL);
	assert_int_equal(vmm_map(v, 1, PAGE(1), 0, &file_shared), -EINVAL);
	m = file_shared;
	m.object_page = UINT64_MAX;
	assert_int_equal(vmm_map(v, 1, PAGE(1), PAGE(2), &m), -EINVAL);
	m = (struct vmm_mapping){ .backing = VMM_ANON };
	assert_int_equal(vmm_map(v, 1, PAGE(0), PAGE(40), &m), 0);
	assert_int_equal(core_frames_free(v), 64);
	assert_int_equal(core_check(v), 0);
	vmm_destroy(v);
}

static void test_counters_apply(void **state)
{
	struct vmm *v = make("fifo", 4, NULL);

	(void)state;
	for (uint32_t i = 0; i < vm_stat_count; i++)
		if (!strncmp(vm_stat_list[i].name, "file_", 5) ||
		    !strncmp(vm_stat_list[i].name, "faults_cow", 10) ||
		    !strncmp(vm_stat_list[i].name, "shared_", 7))
			assert_false(vmm_counter_applies(v, &vm_stat_list[i]));
	vmm_map(v, 1, PAGE(0), PAGE(2), &file_private);
	for (uint32_t i = 0; i < vm_stat_count; i++)
		if (!strncmp(vm_stat_list[i].name, "file_", 5) ||
		    !strncmp(vm_stat_list[i].name, "faults_", 7))
			assert_true(vmm_counter_applies(v, &vm_stat_list[i]));
	vmm_destroy(v);
}

/* --- out of memory ------------------------------------------------------------------------------------------------ */

/* 0 or the first error. More pages than fit the first tables, several processes, every event. */
static int use(struct vmm *v)
{
	uint32_t object;
	int err = 0;

	for (uint64_t k = 0; k < 600 && err >= 0; k++)
		err = vmm_access(v, 1, PAGE(k * 3), k % 2);
	if (err >= 0)
		err = vmm_map(v, 1, PAGE(5000), PAGE(90), &file_shared);
	if (err >= 0)
		err = vmm_map(v, 1, PAGE(6000), PAGE(90), &file_private);
	if (err >= 0)
		err = vmm_create_shared(v, PAGE(90), &object);
	if (err >= 0)
		err = vmm_attach_shared(v, 1, object, PAGE(7000));
	for (uint64_t k = 0; k < 90 && err >= 0; k++) {
		err = vmm_access(v, 1, PAGE(5000 + k), k % 2);
		if (err >= 0)
			err = vmm_access(v, 1, PAGE(6000 + k), k % 3 == 0);
		if (err >= 0)
			err = vmm_access(v, 1, PAGE(7000 + k), k % 5 == 0);
	}
	if (err >= 0)
		err = vmm_fork(v, 1, 2);
	for (uint64_t k = 0; k < 1200 && err >= 0; k++)
		err = vmm_access(v, 2, PAGE(k * 3 / 2), k % 2);
	for (uint64_t k = 0; k < 40 && err >= 0; k++)
		err = vmm_unmap(v, 2, PAGE(5000 + 2 * k), PAGE(1));
	return err < 0 ? err : 0;
}

static void nth(const struct vmm_mmu *mmu)
{
	uint64_t n = 0;
	int err;

	do {
		struct vmm *v;

		calls = 0;
		fail_at = ++n;
		v = make("clock", 100, mmu);
		err = v ? use(v) : -errno;
		fail_at = 0;
		assert_true(err == 0 || err == -ENOMEM);
		if (!v)
			continue;
		assert_int_equal(core_check(v), 0);
		if (err) {
			vmm_exit(v, 1);
			vmm_exit(v, 2);
			assert_int_equal(core_frames_free(v) + core_frames(v)->used, 100);
			assert_int_equal(use(v), 0);
		}
		assert_int_equal(vm_stats_check(vmm_stats(v)), 0);
		vmm_destroy(v);
	} while (err);
	assert_true(n > 20);
}

static void test_nth(void **state)
{
	static const struct vmm_mmu mmu = { "four", "64", 0 };

	(void)state;
	nth(NULL);
	nth(&mmu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cow),
		cmocka_unit_test(test_cow_stored),
		cmocka_unit_test(test_cow_one_frame),
		cmocka_unit_test(test_cow_source_stays),
		cmocka_unit_test(test_fork_refused),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_shared_ends),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_file_dirty),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_counters_apply),
		cmocka_unit_test(test_nth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
