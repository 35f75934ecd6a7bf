/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_writeback.c - the rules of core/writeback.h: a page is clean when its write is complete by the timing model, dirty again
 * when it was written meanwhile; every page is written once; translation follows.
 */
#include "core/policy.h"
#include "core/rng.h"
#include "core/vmm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FRAMES 3u
#define SWAP_US 5000u

static struct vmm *make(const char *policy, uint32_t frames, const struct vmm_mmu *mmu,
			uint32_t flags)
{
	const struct timing timing = { .mem_ns = 100, .swap_us = SWAP_US };
	const struct vmm_config c = {
		.frames = frames, .policy = policy, .mmu = mmu, .flags = flags, .timing = &timing
	};
	struct vmm *v = vmm_create(&c);

	assert_non_null(v);
	return v;
}

static int touch(struct vmm *v, uint64_t page, int write)
{
	return vmm_access(v, 1, page << 12, write);
}

/* FRAMES pages, the first of them written; then time for the write that is scheduled at the next fault to be needed. */
static struct vmm *filled(void)
{
	struct vmm *v = make("wsclock:tau=3,writes=1", FRAMES, NULL, 0);

	assert_int_equal(touch(v, 0, 1), 1);
	for (uint64_t page = 1; page < FRAMES; page++)
		assert_int_equal(touch(v, page, 0), 1);
	assert_int_equal(touch(v, FRAMES, 0),
			 1); /* bits are cleared; the clean page used longest ago goes */
	assert_int_equal(vmm_stats(v)->evictions_dirty, 0);
	for (int i = 0; i < 8; i++)
		touch(v, FRAMES, 0);
	return v;
}

static void test_is_scheduled_and_passed_over(void **state)
{
	struct vmm *v = filled();

	(void)state;
	assert_int_equal(touch(v, 10, 0), 1);
	assert_int_equal(vmm_stats(v)->writebacks, 1);
	assert_int_equal(vmm_stats(v)->store_writes, 1);
	assert_int_equal(vmm_stats(v)->evictions_dirty, 0);
	assert_int_equal(touch(v, 0, 0), 2); /* resident, its bit was cleared */
	vmm_destroy(v);
}

/* The write is complete once the clock has gone on by the device's time: reads of other pages make it. */
static void test_is_clean_when_complete(void **state)
{
	struct vmm *v = filled();
	uint64_t faults;

	(void)state;
	touch(v, 10, 0);
	for (uint64_t i = 0; i < 10 * SWAP_US;
	     i++) /* mem_ns is 100: time for the write, and for page 0 to be old */
		touch(v, 10, 0);
	for (uint64_t page = 20; page < 24; page++) {
		for (int i = 0; i < 8; i++)
			touch(v, page - 1 < 20 ? 10 : page - 1, 0);
		assert_int_equal(touch(v, page, 0), 1);
	}
	assert_int_equal(vmm_stats(v)->evictions_dirty, 0);
	faults = vmm_stats(v)->faults_major;
	assert_int_equal(touch(v, 0, 0), 1); /* it has left, and comes back from the store */
	assert_int_equal(vmm_stats(v)->faults_major, faults + 1);
	assert_int_equal(vmm_stats(v)->writebacks, 1);
	vmm_destroy(v);
}

/* What is written while its write is under way has to be written again. */
static void test_is_dirty_again(void **state)
{
	struct vmm *v = filled();

	(void)state;
	touch(v, 10, 0);
	touch(v, 0, 1);
	for (uint64_t round = 0; round < 40; round++)
		for (int i = 0; i < 2000; i++)
			touch(v, 100 + round, 0);
	assert_int_equal(vmm_stats(v)->store_writes, 2);
	assert_int_equal(vmm_stats(v)->store_writes,
			 vmm_stats(v)->writebacks + vmm_stats(v)->evictions_dirty);
	vmm_destroy(v);
}

/* Nobody waits for write-backs: references take what they took without them. */
static void test_nobody_waits(void **state)
{
	struct vmm *v = filled();
	const struct vm_stats *s;
	uint64_t ns;

	(void)state;
	touch(v, 10, 0);
	s = vmm_stats(v);
	ns = 100 * s->accesses + 1000 * SWAP_US * (s->store_reads + s->evictions_dirty);
	assert_true(vmm_amt_ns(v) * (double)s->accesses - (double)ns < 1);
	assert_int_equal(s->writebacks, 1);
	vmm_destroy(v);
}

static void drive(struct vmm *v, struct vm_stats *s)
{
	struct rng g = { 3 };

	for (int i = 0; i < 20000; i++) {
		uint64_t page = rng_below(&g, 60) * rng_below(&g, 60) / 60;

		assert_true(vmm_access(v, 1 + i % 2, page << 12, rng_below(&g, 3) == 0) >= 0);
	}
	*s = *vmm_stats(v);
	vmm_destroy(v);
}

/* Page tables and TLB see the dirty bit go and come back, and change nothing; the limit does. */
static void test_translation_and_limit(void **state)
{
	static const char *const tables[] = { "four", "hashed", "inverted", "two" };
	struct vm_stats plain, one;

	(void)state;
	drive(make("wsclock:tau=8", 20, NULL, 0), &plain);
	assert_true(plain.writebacks > 100);
	assert_int_equal(plain.store_writes, plain.writebacks + plain.evictions_dirty);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const struct vmm_mmu mmu = { .page_table = tables[i],
					     .tlb = "l1=8x2,l2=16x4,asid" };
		struct vm_stats s;

		drive(make("wsclock:tau=8", 20, &mmu, i % 2 ? VMM_FLAG_TRACK_DIRTY : 0), &s);
		assert_true(s.writebacks > 100);
		assert_int_equal(s.store_writes, s.writebacks + s.evictions_dirty);
	}
	drive(make("wsclock:tau=8,writes=1", 20, NULL, 0), &one);
	assert_true(one.writebacks < plain.writebacks);
}

static void test_applies(void **state)
{
	struct vmm *with = make("wsclock", 4, NULL, 0), *without = make("ws", 4, NULL, 0);
	struct vmm *live = make("wsclock", 4, NULL, VMM_FLAG_LIVE);

	(void)state;
	for (uint32_t i = 0; i < vm_stat_count; i++) {
		if (vm_stat_list[i].offset != offsetof(struct vm_stats, writebacks))
			continue;
		assert_true(vmm_counter_applies(with, &vm_stat_list[i]));
		assert_false(vmm_counter_applies(without, &vm_stat_list[i]));
		assert_true(vmm_counter_applies(live, &vm_stat_list[i]));
	}
	vmm_destroy(with);
	vmm_destroy(without);
	vmm_destroy(live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_scheduled_and_passed_over),
		cmocka_unit_test(test_is_clean_when_complete),
		cmocka_unit_test(test_is_dirty_again),
		cmocka_unit_test(test_nobody_waits),
		cmocka_unit_test(test_translation_and_limit),
		cmocka_unit_test(test_applies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
