/* SPDX-License-Identifier: Apache-2.0 */
/* test_core.c - the rules of core.h one by one: holds, probation, windows, dirty bits, evictions, unmap, remap. */
#include "tests/unit/drive.h"

/* FIFO would take the page of the thread that waits; with its hold the next one goes. */
static void test_hold(void **state)
{
	struct vmm *v = make("fifo", 2, VMM_FLAG_LIVE, 1, 0);
	struct plan p;

	(void)state;
	touch(v, 1, false, 1);
	touch(v, 2, false, 2);
	assert_true(at(v, 1)->flags & PAGE_HELD);
	fault(v, 3, false, 2, &p); /* releases 2's own */
	assert_int_equal(p.n_evict, 1);
	assert_int_equal(core_page(v, p.evict[0])->vpn, 2);
	finish(v, &p);
	assert_int_equal(core_fault(v, SPACE, 4, false, 3, &p), -ENOMEM);
	assert_int_equal(at(v, 4)->state, PAGE_ABSENT);
	assert_int_equal(core_check(v), 0);
	core_thread_exit(v, 1);
	fault(v, 4, false, 3, &p);
	assert_int_equal(core_page(v, p.evict[0])->vpn, 1);
	finish(v, &p);
	core_unmap(v, SPACE, 3, 2, REMOVE_UNMAP, NULL, NULL); /* both held */
	assert_int_equal(core_check(v), 0);
	assert_int_equal(core_frames_free(v), 2);
	touch(v, 5, false, 2);
	vmm_destroy(v);
}

/* A page that two threads wait for is held until both have gone on. */
static void test_hold_shared(void **state)
{
	struct vmm *v = make("clock", 2, VMM_FLAG_LIVE | VMM_FLAG_TRACK_DIRTY, 1, 0);

	(void)state;
	touch(v, 1, false, 1);
	assert_int_equal(touch(v, 1, true, 2), FAULT_WRITE);
	assert_int_equal(touch(v, 1, true, 2), FAULT_SPURIOUS);
	touch(v, 2, false, 1);
	assert_true(at(v, 1)->flags & PAGE_HELD);
	core_thread_exit(v, 2);
	assert_false(at(v, 1)->flags & PAGE_HELD);
	assert_int_equal(core_stats(v)->faults_write, 1);
	assert_int_equal(core_stats(v)->faults_spurious, 1);
	assert_int_equal(core_stats(v)->faults, 2);
	vmm_destroy(v);
}

/* Depth 1: so few frames that two threads get no more. */
static void test_probation(void **state)
{
	struct vmm *v = make("sieve", 4, VMM_FLAG_LIVE | VMM_FLAG_TRACK_DIRTY, 1, 0);
	struct plan p;

	(void)state;
	touch(v, 1, false, 1);
	assert_int_equal(at(v, 1)->flags & PAGE_PROBATION, PAGE_PROBATION);
	touch(v, 50, false, 2); /* another thread: nothing ends */
	assert_int_equal(at(v, 1)->state, PAGE_MAPPED);
	assert_int_equal(touch(v, 1, true, 1), FAULT_WRITE); /* its own page: nothing ends */
	assert_int_equal(at(v, 1)->flags & PAGE_PROBATION, PAGE_PROBATION);
	fault(v, 2, false, 1, &p);
	assert_int_equal(p.n_idle, 1);
	assert_int_equal(core_page(v, p.idle[0])->vpn, 1);
	finish(v, &p);
	assert_int_equal(at(v, 1)->state, PAGE_IDLE);
	fault(v, 1, false, 1, &p);
	assert_int_equal(p.kind, FAULT_SOFT);
	assert_true(p.writable); /* dirty already */
	assert_int_equal(p.n_idle, 1);
	finish(v, &p);
	assert_true(frame_referenced(core_frames(v), at(v, 1)->frame));
	core_thread_exit(v, 2); /* probation of 50 ends at the next fault of anyone */
	fault(v, 3, false, 7, &p);
	assert_int_equal(p.n_idle, 1);
	assert_int_equal(core_page(v, p.idle[0])->vpn, 50);
	finish(v, &p);
	vmm_destroy(v);
}

static void test_probation_batched(void **state)
{
	struct vmm *v = make("sieve", 8, VMM_FLAG_LIVE, 3, 0);
	struct plan p;

	(void)state;
	for (uint64_t k = 0; k < 3; k++) {
		fault(v, k, false, 1, &p);
		assert_int_equal(p.n_idle, 0);
		finish(v, &p);
	}
	fault(v, 3, false, 1, &p);
	assert_int_equal(p.n_idle, 3);
	finish(v, &p);
	for (uint64_t k = 4; k < 8; k++)
		touch(v, k, false, 1);
	fault(v, 8, false, 1, &p); /* full: choosing victims ends what is left */
	assert_int_equal(p.n_evict, 3);
	assert_int_equal(p.n_idle, 2);
	finish(v, &p);
	vmm_destroy(v);
}

static void test_window(void **state)
{
	static const uint32_t batches[] = { 1, 4 };
	struct plan p;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct vmm *v = make("lru", 64, VMM_FLAG_LIVE, batches[i], 8);
		uint32_t mapped = 0;

		for (uint64_t k = 0; k < 64; k++) {
			fault(v, k, false, 1, &p);
			finish(v, &p);
			mapped = mapped + 1 - p.n_idle;
			assert_true(mapped <= 8);
			assert_true(p.n_idle <= (batches[i] == 1 ? 1 : 2));
		}
		assert_int_equal(at(v, 0)->state, PAGE_IDLE);
		assert_int_equal(touch(v, 0, false, 1), FAULT_SOFT); /* a touch: 1 is oldest now */
		fault(v, 100, false, 1, &p);
		assert_int_equal(core_page(v, p.evict[0])->vpn, 1);
		assert_true(core_page(v, p.evict[0])->flags & PAGE_WAS_IDLE);
		core_evict_failed(v, p.evict[0]);
		assert_int_equal(at(v, 1)->state, PAGE_IDLE);
		assert_false(at(v, 1)->flags & PAGE_WAS_IDLE);
		vmm_destroy(v);
	}
}

static void test_dirty(void **state)
{
	struct vmm *v = make("fifo", 1, VMM_FLAG_LIVE | VMM_FLAG_TRACK_DIRTY, 1, 0);
	struct plan p;

	(void)state;
	fault(v, 1, false, 1, &p);
	assert_int_equal(p.kind, FAULT_ZERO);
	assert_false(p.writable);
	finish(v, &p);
	assert_int_equal(touch(v, 2, true, 1), FAULT_ZERO); /* 1 left clean: forgotten */
	assert_int_equal(at(v, 1)->state, PAGE_ABSENT);
	assert_int_equal(touch(v, 1, false, 1), FAULT_ZERO); /* 2 left dirty: stored */
	assert_int_equal(at(v, 2)->state, PAGE_STORED);
	assert_int_equal(touch(v, 2, false, 1), FAULT_MAJOR);
	assert_int_equal(touch(v, 3, false, 1), FAULT_ZERO); /* 2 left clean, its copy is good */
	assert_int_equal(at(v, 2)->state, PAGE_STORED);
	assert_int_equal(core_stats(v)->evictions_dirty, 1);
	assert_int_equal(core_stats(v)->evictions_clean, 3);
	assert_int_equal(core_stats(v)->store_writes, 1);
	assert_int_equal(core_stats(v)->store_reads, 1);
	assert_int_equal(core_stats(v)->footprint_pages, 2);
	assert_int_equal(core_stats(v)->resident_peak_frames, 1);
	vmm_destroy(v);
}

/* All victims rejected: a page is offered once in a plan, then there is no memory; the next plan offers it again. */
static void test_rejected(void **state)
{
	struct vmm *v = make("clock", 3, VMM_FLAG_LIVE, 1, 0);
	struct plan p;

	(void)state;
	for (uint64_t k = 0; k < 3; k++)
		touch(v, k, false, 1);
	fault(v, 5, false, 1, &p);
	assert_int_equal(p.n_idle, 2); /* a full turn; the victim is not among them */
	for (int k = 0; k < 2; k++) {
		core_evict_failed(v, p.evict[0]);
		assert_int_equal(core_room(v, &p), 0);
	}
	core_evict_failed(v, p.evict[0]);
	assert_int_equal(core_room(v, &p), -ENOMEM);
	assert_int_equal(core_stats(v)->evictions_rejected, 3);
	fault(v, 5, false, 1, &p);
	assert_int_equal(p.n_evict, 1);
	finish(v, &p);
	vmm_destroy(v);
}

static void test_batch(void **state)
{
	struct vmm *v = make("fifo", 10, VMM_FLAG_LIVE, 100, 0);
	struct plan p;

	(void)state;
	for (uint64_t k = 0; k < 10; k++)
		touch(v, k, true, 1);
	fault(v, 10, true, 1, &p);
	assert_int_equal(p.n_evict, 5);
	for (uint32_t k = 0; k < 5; k++)
		assert_int_equal(core_page(v, p.evict[k])->vpn, k);
	finish(v, &p);
	assert_int_equal(core_frames_free(v), 4);
	assert_int_equal(core_room_begin(v, &p), 0);
	assert_int_equal(p.n_evict, 0);
	vmm_destroy(v);
}

static int note_vpn(void *arg, uint32_t id, const struct page *page)
{
	uint64_t **next = arg;

	(void)id;
	*(*next)++ = page->vpn;
	return 0;
}

static void test_appear_move_go(void **state)
{
	struct vmm *v = make("clock", 4, VMM_FLAG_LIVE, 1, 0);
	uint64_t order[8], *next = order;
	uint32_t id, moved;

	(void)state;
	assert_int_equal(core_adopt(v, SPACE, 1ull << 40, 0, FRAME_DIRTY, &moved), 0);
	assert_int_equal(core_adopt(v, SPACE, 1ull << 40, 0, 0, &id), -EEXIST);
	assert_int_equal(core_add_stored(v, SPACE, 7, &id), 0);
	assert_int_equal(core_add_stored(v, SPACE, 7, &id), -EEXIST);
	touch(v, 3, false, 1);
	touch(v, 2, false, 1);
	assert_int_equal(core_adopt(v, SPACE, 9, PAGE_HAS_COPY, 0, &id), 0);
	assert_int_equal(core_adopt(v, SPACE, 10, 0, 0, &id), -ENOSPC);
	assert_int_equal(core_stats(v)->adopted, 2);
	assert_int_equal(core_stats(v)->faults, 2);
	assert_int_equal(core_remap(v, SPACE, 1ull << 40, UINT64_MAX - 5, 6), 0);
	assert_int_equal(core_find(v, SPACE, UINT64_MAX - 5), moved);
	assert_int_equal(core_find(v, SPACE, 1ull << 40), VMM_NONE);
	assert_int_equal(core_each(v, note_vpn, &next), 0);
	assert_int_equal(next - order, 6);
	assert_true(order[0] == UINT64_MAX - 5 && order[1] == 3 && order[2] == 2 && order[3] == 9);
	assert_true(order[4] == 7 && order[5] == 10);
	core_pin(v, moved);
	core_pin(v, moved);
	core_unpin(v, moved);
	core_unmap(v, SPACE, 8, UINT64_MAX, REMOVE_UNMAP, NULL, NULL);
	assert_int_equal(core_stats(v)->unmapped, 2); /* 10 never existed */
	assert_int_equal(core_frames_free(v), 2);
	assert_int_equal(core_check(v), 0);
	assert_int_equal(touch(v, 7, false, 1), FAULT_MAJOR);
	vmm_destroy(v);
}

static void test_pinned(void **state)
{
	static const char *const policies[] = { "fifo",  "random", "clock", "nru",
						"sieve", "lru",    "null",  "skeleton" };
	struct plan p;

	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		struct vmm *v = make(policies[i], 200, 0, 1, 0);

		for (uint64_t k = 0; k < 200; k++) {
			touch(v, k, k % 2, 1);
			core_pin(v, core_find(v, SPACE, k));
		}
		assert_int_equal(core_fault(v, SPACE, 500, false, 1, &p), -ENOMEM);
		assert_int_equal(core_room_begin(v, &p), -ENOMEM);
		core_unpin(v, core_find(v, SPACE, 130));
		fault(v, 500, false, 1, &p);
		assert_int_equal(core_page(v, p.evict[0])->vpn, 130);
		finish(v, &p);
		vmm_destroy(v);
	}
}

/* Fifteen terabytes of never-seen pages. */
static void test_huge_unmap(void **state)
{
	struct vmm *v = make("fifo", 4, VMM_FLAG_LIVE, 1, 0);

	(void)state;
	for (uint64_t k = 0; k < 4; k++)
		touch(v, k << 34, false, 1);
	for (int k = 0; k < 100000; k++)
		core_unmap(v, SPACE, 5, 1ull << 33, REMOVE_UNMAP, NULL, NULL);
	core_unmap(v, SPACE, 0, UINT64_MAX, REMOVE_EXIT, NULL, NULL);
	assert_int_equal(core_frames_free(v), 4);
	assert_int_equal(core_stats(v)->unmapped, 0);
	vmm_destroy(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hold),           cmocka_unit_test(test_hold_shared),
		cmocka_unit_test(test_probation),      cmocka_unit_test(test_probation_batched),
		cmocka_unit_test(test_window),         cmocka_unit_test(test_dirty),
		cmocka_unit_test(test_rejected),       cmocka_unit_test(test_batch),
		cmocka_unit_test(test_appear_move_go), cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_huge_unmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
