/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_large.c - large pages: sequences worked out by hand in both modes; and random ones under every policy, with page tables,
 * TLBs and nodes, after which every invariant holds.
 */
#include "core/core.h"
#include "core/large.h"
#include "core/rng.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N 512u /* base pages of a large one */

static struct vmm *make(const char *policy, uint32_t frames, const char *large,
			const struct vmm_mmu *mmu)
{
	struct vmm_config c = { .frames = frames, .policy = policy, .large = large, .mmu = mmu };
	struct vmm *v = vmm_create(&c);

	assert_non_null(v);
	return v;
}

static int use(struct vmm *v, uint64_t vpn, int write)
{
	int rc = vmm_access(v, 1, vpn << 12, write);

	assert_true(rc >= 0);
	return rc;
}

static void use_range(struct vmm *v, uint64_t vpn, uint64_t n, int write)
{
	for (uint64_t i = 0; i < n; i++)
		use(v, vpn + i, write);
}

static uint8_t order_at(struct vmm *v, uint64_t vpn)
{
	return core_page(v, core_find(v, 1, vpn))->order;
}

static void test_parse(void **state)
{
	static const char *const bad[] = {
		"",           "on",           "always:",      "always:2g",     "auto:",
		"auto:dense", "auto:dense=0", "auto:hot=101", "auto:dense=5,", "auto:1g"
	};
	struct large_config c;
	const char *at;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(large_parse(bad[i], &c, &at), -EINVAL);
		assert_true(at >= bad[i] && at <= bad[i] + strlen(bad[i]));
	}
	assert_int_equal(large_parse("auto:hot=7,dense=100", &c, &at), 0);
	assert_true(c.mode == LARGE_AUTO && c.hot == 7 && c.dense == 100 && c.order_max == 9);
	assert_int_equal(large_parse("Always:1G", &c, &at), 0);
	assert_true(c.mode == LARGE_ALWAYS && c.order_max == 18);
}

static void test_always(void **state)
{
	static const struct vmm_mmu mmu = { "four", "l1=4,l1-2m=2", 0 };
	struct vmm *v = make("fifo", 2 * N + 3, "always", &mmu);
	const struct vm_stats *s = vmm_stats(v);

	(void)state;
	assert_int_equal(use(v, 7, 1), 1);
	use_range(v, 0, N, 0);
	assert_int_equal(s->faults, 1);
	assert_int_equal(s->large_faults_saved, N - 1);
	assert_int_equal(order_at(v, 99), 9);
	use_range(v, 5 * N, N, 0);
	assert_int_equal(s->faults, 2);
	assert_int_equal(core_frames(v)->used, 2);
	assert_int_equal(vmm_stats(v)->resident_peak_frames, 2 * N);
	assert_int_equal(s->tlb_reach_bytes, 2 * N * 4096);
	assert_int_equal(s->footprint_pages, 2 * N);
	/* 3 frames are left: small pages, and nothing leaves for them */
	use_range(v, 9 * N, 3, 0);
	assert_int_equal(s->small_mapped, 3);
	assert_int_equal(s->evictions, 0);
	/* none is left: the oldest page is large, so the next one can be */
	use(v, 20 * N, 0);
	assert_int_equal(s->evictions_dirty, 1);
	assert_int_equal(s->store_writes, N);
	assert_int_equal(order_at(v, 20 * N + 5), 9);
	/* the next victim is large too, and the page that comes back finds its place */
	use(v, 8, 0);
	assert_int_equal(s->faults_major, 1);
	assert_int_equal(s->store_reads, N);
	assert_int_equal(s->evictions_clean, 1);
	assert_int_equal(order_at(v, 8), 9);
	/* now small pages are the oldest: one leaves, and a small one comes */
	use(v, 30 * N, 0);
	assert_int_equal(order_at(v, 30 * N), 0);
	assert_int_equal(core_find(v, 1, 30 * N + 1), VMM_NONE);
	assert_int_equal(s->evictions_clean, 2);
	assert_int_equal(core_check(v), 0);
	vmm_destroy(v);
}

/* A page that is stored as a whole and finds no place comes back in pieces: those that hold something. */
static void test_pieces(void **state)
{
	struct vmm *v = make("fifo", N, "always", NULL);
	const struct vm_stats *s = vmm_stats(v);

	(void)state;
	use_range(v, 10, 20, 1);
	use(v, 5 * N, 0); /* large, takes its place */
	use(v, 6 * N, 0);
	core_unmap(v, 1, 6 * N + 1, 2, REMOVE_UNMAP, NULL, NULL); /* the touched one remains */
	assert_int_equal(core_frames(v)->used, 1);
	assert_int_equal(order_at(v, 6 * N), 0);
	assert_int_equal(s->large_split, 1);
	use(v, 15, 0); /* no group is free */
	assert_int_equal(s->faults_major, 1);
	assert_int_equal(s->store_reads, 1);
	for (uint64_t i = 10; i < 30; i++)
		assert_int_equal(core_page(v, core_find(v, 1, i))->state,
				 i == 15 ? PAGE_MAPPED : PAGE_STORED);
	assert_int_equal(core_find(v, 1, 30), VMM_NONE);
	assert_int_equal(core_check(v), 0);
	core_unmap(v, 1, 0, UINT64_MAX, REMOVE_UNMAP, NULL, NULL);
	assert_int_equal(use(v, 15, 0), 1);
	assert_int_equal(order_at(v, 500), 9);
	core_unmap(v, 1, 0, N, REMOVE_UNMAP, NULL, NULL); /* whole: no split */
	assert_int_equal(s->large_split, 1);
	assert_int_equal(core_frames_free(v), N);
	assert_int_equal(core_check(v), 0);
	vmm_destroy(v);
}

static void test_auto(void **state)
{
	struct vmm *v = make("clock", 2 * N, "auto:dense=50,hot=100", NULL);
	const struct vm_stats *s = vmm_stats(v);

	(void)state;
	use_range(v, 0, N / 2 - 1, 0);
	assert_int_equal(s->large_mapped, 0);
	use(v, N - 1, 1);
	assert_int_equal(s->large_mapped, 1);
	assert_int_equal(s->faults, N / 2);
	assert_int_equal(core_frames(v)->used, 1);
	assert_int_equal(use(v, 300, 0), 0); /* mapped with the others */
	assert_int_equal(s->large_faults_saved, 1);
	/* the other half of memory fills; then the large page goes to pieces: what was never touched is free again */
	for (uint64_t i = 0; i < N; i++)
		use(v, (10 + i) * N, 0);
	assert_int_equal(s->large_split, 0);
	use(v, 5000 * N, 0);
	assert_int_equal(s->large_split, 1);
	assert_int_equal(s->evictions, 0);
	assert_int_equal(order_at(v, 300), 0);
	assert_int_equal(core_find(v, 1, 301), VMM_NONE);
	assert_int_equal(core_frames(v)->used, N + 1 + N / 2 + 1);
	assert_int_equal(vmm_stats(v)->unmapped, 0);
	assert_int_equal(core_check(v), 0);
	vmm_destroy(v);
}

/* A fork splits what the parent has; parent and child go on with small pages, and with large ones elsewhere. */
static void test_fork(void **state)
{
	static const struct vmm_mmu mmu = { "four", "16", 0 };
	struct vmm *v = make("clock", 4 * N, "always", &mmu);

	(void)state;
	use_range(v, 10, 20, 1);
	assert_int_equal(vmm_fork(v, 1, 2), 0);
	assert_int_equal(vmm_stats(v)->large_split, 1);
	assert_int_equal(order_at(v, 10), 0);
	assert_int_equal(vmm_access(v, 2, 10 << 12, 1), 1); /* its own copy */
	assert_int_equal(vmm_stats(v)->faults_cow, 1);
	use(v, 7 * N, 1);
	assert_int_equal(order_at(v, 7 * N), 9);
	assert_int_equal(core_check(v), 0);
	assert_int_equal(vmm_exit(v, 1), 0);
	assert_int_equal(core_check(v), 0);
	vmm_destroy(v);
}

/* A 1G page needs as much memory. */
static void test_1g(void **state)
{
	static const struct vmm_mmu mmu = { "four", NULL, 0 };
	struct vmm *v = make("lru", N * N + 10, "always:1g", &mmu);

	(void)state;
	use(v, 3 * N * N + 12345, 1);
	assert_int_equal(order_at(v, 3 * N * N), 18);
	assert_int_equal(vmm_stats(v)->resident_peak_frames, N * N);
	use(v, 9 * N * N, 0);
	assert_int_equal(order_at(v, 9 * N * N), 0);
	assert_int_equal(core_check(v), 0);
	vmm_destroy(v);
}

static void random_use(const struct vmm_config *c, uint64_t seed, uint32_t steps)
{
	struct vmm *v = vmm_create(c);
	struct rng rng = { seed };

	if (!v) {
		assert_int_equal(errno, ENOTSUP);
		return;
	}
	for (uint32_t k = 0; k < steps; k++) {
		uint32_t pid = 1 + rng_below(&rng, 8) / 7;
		uint64_t vpn = rng_below(&rng, 6) * N + rng_below(&rng, rng_below(&rng, N) + 1);
		int rc;

		if (rng_below(&rng, 6))
			vpn = k / 700 % 4 * N + k % 700 * 3 / 4;
		if (rng_below(&rng, 300) == 0) {
			core_unmap(v, pid, vpn, 1 + rng_below(&rng, 2 * N), REMOVE_UNMAP, NULL,
				   NULL);
		} else {
			rc = vmm_access(v, pid, vpn << 12, rng_below(&rng, 3) == 0);
			assert_true(rc >= 0 || (rc == -ENOMEM && c->flags && c->frames < 3));
		}
		if (k % 500 == 499)
			assert_int_equal(core_check(v), 0);
	}
	assert_int_equal(core_check(v), 0);
	vmm_destroy(v);
}

static void test_random(void **state)
{
	static const struct vmm_mmu mmus[] = {
		{ "four", "l1=8x2,l1-2m=4,l2=16x4", 0 },
		{ "inverted", "16", 0 },
		{ "hashed", "8,asid", 0 },
		{ "five", "l1=8,l1-2m=2", 4 },
	};
	static const char *const larges[] = { "always", "auto:dense=40,hot=10", "auto", "always:1g",
					      "auto:dense=10,hot=1" };
	static const uint32_t frames[] = { 1, 700, 512, 1600, 3, 1100, 513, 2500 };
	uint32_t row = 0;

	(void)state;
	for (const struct policy_ops *const *p = policy_all(); *p; p++)
		for (uint32_t k = 0; k < 4; k++, row++) {
			struct vmm_config c = { .frames = frames[row % 8],
						.policy = (*p)->name,
						.large = larges[row % 5],
						.mmu = row % 3 ? &mmus[row % 4] : NULL,
						.batch = row % 7 == 6 ? 5 : 1,
						.numa = row % 4 == 3 ? "2" : NULL,
						.prefetch = row % 6 == 5 ? "seq:4" : NULL,
						.flags = row % 11 == 3 ? VMM_FLAG_TRACK_DIRTY : 0 };

			if (c.frames < 2)
				c.numa = NULL;
			random_use(&c, row, 4000);
		}
}

static void test_refused(void **state)
{
	static const struct vmm_mmu two = { "single", NULL, 0 };
	struct vmm_config c = { .frames = 2000, .large = "always", .swap_pages = 10 };

	(void)state;
	assert_null(vmm_create(&c));
	assert_int_equal(errno, ENOTSUP);
	c.swap_pages = 0;
	c.policy = "opt";
	assert_null(vmm_create(&c));
	assert_int_equal(errno, ENOTSUP);
	c.policy = "clock";
	c.mmu = &two;
	assert_null(vmm_create(&c));
	assert_int_equal(errno, ENOTSUP);
	c.mmu = NULL;
	c.large = "sometimes";
	assert_null(vmm_create(&c));
	assert_int_equal(errno, EINVAL);
}

/* fifo, that notes how often a fault on a page is told, until the page is inserted. */
static const struct policy_ops *fifo;
static uint32_t told[4 * N], told_most;

static void counting_fault(void *state, uint32_t page)
{
	(void)state;
	assert_in_range(page, 0, 4 * N - 1);
	if (++told[page] > told_most)
		told_most = told[page];
}

static void counting_insert(void *state, uint32_t frame, uint32_t page)
{
	assert_int_equal(told[page], 1);
	told[page] = 0;
	fifo->insert(state, frame, page);
}

/* A victim that is large is split, and the policy asked again: the fault itself it is told of once. */
static void test_fault_told_once(void **state)
{
	static struct policy_ops counting;
	struct vmm *v;

	(void)state;
	fifo = policy_find("fifo");
	counting = *fifo;
	counting.name = "counting-fifo";
	counting.alias = NULL;
	counting.fault = counting_fault;
	counting.insert = counting_insert;
	counting.replace = NULL;
	assert_int_equal(policy_registry_add(&counting), 0);
	v = make("counting-fifo", 2 * N, "auto:dense=100", NULL);
	use_range(v, 0, N, 0);
	assert_int_equal(order_at(v, 0), 9);
	use_range(v, 4 * N, N, 0);
	use(v, 8 * N, 1);
	use(v, 8 * N + 1, 1);
	assert_true(vmm_stats(v)->large_split > 0);
	assert_int_equal(told_most, 1);
	vmm_destroy(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_always),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_auto),
		cmocka_unit_test(test_1g),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_fault_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
