/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_holds.c - H12: with several threads each holds its last pages, as core_internal.h says, so that no thread's
 * instruction loses a page that it needs to another thread's fault. What one thread holds is in test_core.c.
 */
#include "tests/unit/drive.h"

/* Pages below `end` that some thread holds. */
static uint32_t count_held(struct vmm *v, uint64_t end)
{
	uint32_t n = 0;

	for (uint64_t k = 0; k < end; k++) {
		uint32_t id = core_find(v, SPACE, k);

		n += id != VMM_NONE && core_page(v, id)->flags & PAGE_HELD;
	}
	return n;
}

static void touch_run(struct vmm *v, uint64_t first, uint64_t n, uint32_t thread)
{
	for (uint64_t k = 0; k < n; k++)
		touch(v, first + k, false, thread);
}

static void assert_held(struct vmm *v, uint64_t first, uint64_t n)
{
	for (uint64_t k = 0; k < n; k++) {
		assert_true(at(v, first + k)->flags & PAGE_HELD);
		assert_int_equal(at(v, first + k)->state, PAGE_MAPPED);
	}
}

/* At most half of the frames is held, eight pages a thread, one when there is one thread; and one each at least. */
static void test_hold_depth(void **state)
{
	static const struct {
		uint32_t frames, threads, depth;
	} t[] = {
		{ 64, 1, 1 },  { 64, 2, 8 },  { 64, 4, 8 },  { 64, 5, 6 },
		{ 64, 11, 2 }, { 64, 17, 1 }, { 64, 40, 1 }, { 40, 1, 1 },
		{ 48, 2, 8 },  { 56, 3, 8 },  { 8, 2, 2 },   { 7, 2, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct vmm *v = make("fifo", t[i].frames, VMM_FLAG_LIVE, 1, 0);

		for (uint32_t round = 0; round < 2; round++)
			for (uint32_t k = 0; k < t[i].threads; k++)
				touch_run(v, 10 * (round * t[i].threads + k), 10, k);
		assert_int_equal(count_held(v, 20 * t[i].threads), t[i].threads * t[i].depth);
		for (uint32_t k = 0; k < t[i].threads; k++) {
			core_thread_exit(v, k);
			assert_int_equal(core_check(v), 0);
		}
		assert_int_equal(count_held(v, 20 * t[i].threads), 0);
		vmm_destroy(v);
	}
}

/* What a thread holds stays mapped whatever another one does; the oldest goes when the thread goes on. */
static void test_hold_several(void **state)
{
	static const char *const policies[] = {
		"fifo", "random", "clock", "nru:reset=5", "sieve", "lru", "clock:ref-at-load=0"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		struct vmm *v = make(policies[i], 48, VMM_FLAG_LIVE, i % 2 ? 4 : 1, 0);

		touch(v, 1000, false, 2);
		touch_run(v, 0, 9, 1);
		assert_false(at(v, 0)->flags & PAGE_HELD);
		assert_held(v, 1, 8);
		for (uint64_t k = 0; k < 200; k++) {
			touch(v, 1001 + k, k % 3, 2);
			assert_held(v, 1, 8);
		}
		assert_int_equal(touch(v, 1, false, 1), FAULT_SPURIOUS); /* the newest now */
		touch(v, 9, false, 1);
		assert_false(at(v, 2)->flags & PAGE_HELD);
		assert_held(v, 1, 1);
		assert_held(v, 3, 7);
		touch_run(v, 2000, 400, 2);
		assert_held(v, 3, 7);
		core_thread_exit(v, 2);
		assert_int_equal(count_held(v, 3000), 1); /* one thread: its newest */
		assert_held(v, 9, 1);
		vmm_destroy(v);
	}
}

/* New threads take from what the others hold, at once. */
static void test_hold_shrinks(void **state)
{
	struct vmm *v = make("clock", 64, VMM_FLAG_LIVE, 1, 0);
	struct plan p;

	(void)state;
	for (uint32_t k = 1; k <= 4; k++) {
		touch(v, 10 * k, false, k);
		if (k > 1)
			touch_run(v, 10 * k, 8, k);
	}
	touch_run(v, 10, 8, 1);
	assert_int_equal(count_held(v, 100), 32);
	fault(v, 50, false, 5, &p);
	assert_int_equal(count_held(v, 100), 24);
	for (uint64_t k = 1; k <= 4; k++) {
		assert_false(at(v, 10 * k + 1)->flags & PAGE_HELD);
		assert_held(v, 10 * k + 2, 6);
	}
	finish(v, &p);
	touch_run(v, 51, 8, 5);
	assert_int_equal(count_held(v, 100), 30);
	core_thread_exit(v, 1);
	assert_int_equal(count_held(v, 100), 24);
	touch_run(v, 60, 8, 5); /* four again */
	assert_held(v, 60, 8);
	vmm_destroy(v);
}

static void test_hold_unmap(void **state)
{
	struct vmm *v = make("sieve", 64, VMM_FLAG_LIVE, 1, 0);

	(void)state;
	touch(v, 100, false, 2);
	touch_run(v, 0, 8, 1);
	assert_int_equal(touch(v, 3, false, 2), FAULT_SPURIOUS); /* both hold 3 */
	core_unmap(v, SPACE, 2, 3, REMOVE_UNMAP, NULL, NULL);
	assert_int_equal(core_check(v), 0);
	assert_int_equal(count_held(v, 101), 6);
	touch_run(v, 2, 3, 1); /* three that were free in its ring */
	assert_held(v, 0, 8);
	touch(v, 8, false, 1);
	assert_false(at(v, 0)->flags & PAGE_HELD);
	assert_int_equal(core_remap(v, SPACE, 1, 200, 4), 0);
	assert_held(v, 200, 4);
	core_unmap(v, SPACE, 0, UINT64_MAX, REMOVE_EXIT, NULL, NULL);
	assert_int_equal(core_check(v), 0);
	assert_int_equal(core_frames_free(v), 64);
	vmm_destroy(v);
}

/* Probation goes on while anyone holds the page, and ends at the fault of its thread that lets it go. */
static void test_probation_held(void **state)
{
	struct vmm *v = make("sieve", 64, VMM_FLAG_LIVE, 1, 0);
	struct plan p;

	(void)state;
	touch(v, 100, false, 2);
	for (uint64_t k = 0; k < 8; k++) {
		fault(v, k, false, 1, &p);
		assert_int_equal(p.n_idle, 0);
		finish(v, &p);
		assert_true(at(v, 0)->flags & PAGE_PROBATION);
	}
	touch(v, 1, false, 2);
	fault(v, 8, false, 1, &p);
	assert_int_equal(p.n_idle, 1);
	assert_int_equal(core_page(v, p.idle[0])->vpn, 0);
	finish(v, &p);
	touch(v, 9, false, 1); /* lets 1 go, but 2 has it */
	assert_int_equal(at(v, 1)->flags & (PAGE_PROBATION | PAGE_HELD),
			 PAGE_PROBATION | PAGE_HELD);
	assert_int_equal(at(v, 100)->flags & PAGE_PROBATION, PAGE_PROBATION);
	core_thread_exit(v, 1); /* one thread is left, which holds 1 */
	assert_false(at(v, 100)->flags & PAGE_HELD);
	fault(v, 10, false, 2, &p);
	assert_int_equal(p.n_idle, 10); /* all that were loaded so far but 0, 1 among them */
	finish(v, &p);
	assert_int_equal(at(v, 1)->state, PAGE_IDLE);
	vmm_destroy(v);
}

/* Held pages do not count towards the batch of probations that end at once. */
static void test_probation_held_batched(void **state)
{
	struct vmm *v = make("sieve", 64, VMM_FLAG_LIVE, 3, 0);
	struct plan p;

	(void)state;
	touch(v, 100, false, 2);
	for (uint64_t k = 0; k < 20; k++) {
		fault(v, k, false, 1, &p);
		assert_int_equal(p.n_idle, k >= 8 && (k - 7) % 3 == 0 ? 3 : 0);
		finish(v, &p);
	}
	vmm_destroy(v);
}

/* A held page that comes to the end of the window enters anew, and no more than the window is mapped. */
static void test_window_held(void **state)
{
	struct vmm *v = make("lru", 512, VMM_FLAG_LIVE, 1, 16);
	uint32_t mapped = 5;
	struct plan p;

	(void)state;
	touch(v, 1000, false, 2);
	touch_run(v, 0, 4, 1); /* a quarter of the window each */
	for (uint64_t k = 0; k < 200; k++) {
		fault(v, 1001 + k, false, 2, &p);
		finish(v, &p);
		mapped = mapped + 1 - p.n_idle;
		assert_true(mapped <= 16);
		assert_held(v, 0, 4);
	}
	assert_int_equal(count_held(v, 2000), 8);
	touch(v, 4, false, 1);
	touch_run(v, 2000, 16, 2);
	assert_int_equal(at(v, 0)->state, PAGE_IDLE);
	assert_held(v, 1, 4);
	vmm_destroy(v);
}

/* More threads than the window has pages: one page each stays mapped. */
static void test_window_crowded(void **state)
{
	struct vmm *v = make("lru", 64, VMM_FLAG_LIVE, 1, 2);
	uint32_t mapped = 0;

	(void)state;
	for (uint32_t k = 0; k < 6; k++)
		touch(v, k, false, k);
	assert_held(v, 0, 6);
	for (uint32_t k = 0; k < 5; k++)
		core_thread_exit(v, k);
	touch(v, 6, false, 5);
	for (uint64_t k = 0; k < 7; k++)
		mapped += at(v, k)->state == PAGE_MAPPED;
	assert_int_equal(mapped, 2);
	vmm_destroy(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hold_depth),
		cmocka_unit_test(test_hold_several),
		cmocka_unit_test(test_hold_shrinks),
		cmocka_unit_test(test_hold_unmap),
		cmocka_unit_test(test_probation_held),
		cmocka_unit_test(test_probation_held_batched),
		cmocka_unit_test(test_window_held),
		cmocka_unit_test(test_window_crowded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
