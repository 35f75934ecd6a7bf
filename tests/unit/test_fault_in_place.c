/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fault_in_place.c - the short way of a fault (core/fault_in_place.h) and the long one give the same counters.
 *
 * A swap device with room for everything changes nothing but swap_used, and is one of the things that take the long way.
 */
#include "core/core_internal.h"
#include "core/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SWAP_PAGES 65536u
#define STEPS 6000
#define PIDS 3u
#define BLOCK 40u

struct pair {
	struct vmm *in_place, *at_length;
};

static struct pair pair_make(const char *policy, uint32_t frames, uint32_t flags,
			     const struct vmm_mmu *mmu)
{
	struct vmm_config c = {
		.policy = policy, .frames = frames, .flags = flags, .mmu = mmu, .seed = 5
	};
	struct pair p;

	p.in_place = vmm_create(&c);
	c.swap_pages = SWAP_PAGES;
	p.at_length = vmm_create(&c);
	assert_non_null(p.in_place);
	assert_non_null(p.at_length);
	assert_true(p.in_place->plain);
	assert_false(p.at_length->plain);
	return p;
}

static void pair_equal(const struct pair *p)
{
	const struct vm_stats *a = vmm_stats(p->in_place), *b = vmm_stats(p->at_length);

	for (uint32_t i = 0; i < vm_stat_count; i++)
		if (strcmp(vm_stat_list[i].name, "swap_used") != 0 &&
		    vm_stat_get(a, &vm_stat_list[i]) != vm_stat_get(b, &vm_stat_list[i]))
			fail_msg("%s", vm_stat_list[i].name);
	assert_int_equal(core_check(p->in_place), 0);
	assert_int_equal(core_check(p->at_length), 0);
}

/* Pages near 0 more often than others; each third is written. */
static struct vmm_reference draw(struct rng *g, uint32_t pages)
{
	uint64_t page = rng_below(g, pages) * rng_below(g, pages) / pages;

	return (struct vmm_reference){ .addr = page << 12,
				       .pid = 1 + (uint32_t)rng_below(g, PIDS),
				       .is_write = rng_below(g, 3) == 0 };
}

/* References one by one and in blocks; now and then pages go. */
static void play(struct pair *p, uint64_t seed, uint32_t pages)
{
	struct rng g = { .state = seed };
	struct vmm_reference block[BLOCK];
	size_t done;

	for (int step = 0; step < STEPS; step += BLOCK) {
		for (uint32_t k = 0; k < BLOCK; k++)
			block[k] = draw(&g, pages);
		if (step % 3 == 0) {
			assert_int_equal(vmm_access_many(p->in_place, block, BLOCK, &done), 0);
			assert_int_equal(vmm_access_many(p->at_length, block, BLOCK, &done), 0);
		}
		for (uint32_t k = 0; step % 3 && k < BLOCK; k++)
			assert_int_equal(vmm_access(p->in_place, block[k].pid, block[k].addr,
						    (int)block[k].is_write),
					 vmm_access(p->at_length, block[k].pid, block[k].addr,
						    (int)block[k].is_write));
		if (rng_below(&g, 9) == 0) {
			vmm_unmap(p->in_place, block[0].pid, block[0].addr, 5 << 12);
			vmm_unmap(p->at_length, block[0].pid, block[0].addr, 5 << 12);
		}
	}
}

static void pair_end(struct pair *p)
{
	pair_equal(p);
	vmm_destroy(p->in_place);
	vmm_destroy(p->at_length);
}

static void test_same_counters(void **state)
{
	static const char *const policies[] = { "fifo",    "clock", "clock:ref-at-load=0",
						"lru",     "arc",   "random",
						"s3-fifo", "aging" };
	static const char *const tlbs[] = { "8x2", "l1=16x4,l2=96x12", "l1=32x32,l2=60x20,asid",
					    "l1=16x4,l2=48x3,policy=fifo",
					    "l1=8x8,l2=64x16,policy=plru" };
	static const uint32_t frames[] = { 1, 2, 20, 150 };

	(void)state;
	for (uint32_t i = 0; i < 8 * 5 * 4; i++) {
		struct vmm_mmu mmu = { .page_table = i % 2 ? "four" : "two",
				       .tlb = tlbs[i / 8 % 5] };
		struct pair p = pair_make(policies[i % 8], frames[i / 40],
					  i % 3 ? 0 : VMM_FLAG_TIME_FAULTS, &mmu);

		play(&p, i, 40 + 3 * frames[i / 40]);
		pair_end(&p);
	}
}

/* Pages with several addresses are not for the short way, and what comes after them stays right. */
static void test_forks_go_the_long_way(void **state)
{
	const struct vmm_mmu mmu = { .page_table = "four", .tlb = "l1=16x4,l2=96x12" };
	struct pair p = pair_make("clock", 50, 0, &mmu);

	(void)state;
	play(&p, 1, 150);
	assert_int_equal(vmm_fork(p.in_place, 1, 9), 0);
	assert_int_equal(vmm_fork(p.at_length, 1, 9), 0);
	play(&p, 2, 150);
	assert_true(vmm_stats(p.in_place)->faults_cow > 0);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_counters),
		cmocka_unit_test(test_forks_go_the_long_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
