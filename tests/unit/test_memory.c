/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_memory.c - nodes and the swap device behind vmm_access: every counter against the brute-force model
 * (tests/model/memory.h) on random strings with unmappings; then figures worked out by hand, and what is refused.
 */
#include "core/core.h"
#include "core/rng.h"
#include "tests/model/memory.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const policies[] = { "fifo", "lru", "clock" };
static const char *const prefetches[] = { "off", "seq", "stride", "trend" };
static const char *const placements[] = { "first-touch", "interleave", "bind", "migrate" };

static struct vmm *make(const struct memory_config *c, const struct vmm_mmu *mmu)
{
	struct vmm_config config = { .frames = c->frames,
				     .policy = policies[c->policy],
				     .swap_pages = c->slots,
				     .mmu = mmu };
	char numa[64], prefetch[64];

	snprintf(numa, sizeof(numa), "%u:%s", c->nodes, placements[c->placement]);
	config.numa = c->nodes ? numa : NULL;
	snprintf(prefetch, sizeof(prefetch), c->distance ? "%s:%u" : "%s", prefetches[c->prefetch],
		 c->distance);
	config.prefetch = prefetch;
	return vmm_create(&config);
}

static void assert_equal(struct vmm *v, const struct memory *m)
{
	const struct vm_stats *s = vmm_stats(v);

	assert_int_equal(s->faults, m->faults);
	assert_int_equal(s->faults_major, m->major);
	assert_int_equal(s->evictions_clean, m->clean);
	assert_int_equal(s->evictions_dirty, m->dirty);
	assert_int_equal(s->numa_local, m->local);
	assert_int_equal(s->numa_remote, m->remote);
	assert_int_equal(s->numa_migrations, m->moved);
	if (m->c.slots)
		assert_int_equal(s->swap_used, m->most_copies);
	assert_int_equal(s->store_reads, m->major + m->issued);
	assert_int_equal(s->prefetch_issued, m->issued);
	assert_int_equal(s->prefetch_used, m->used);
	assert_int_equal(s->prefetch_wasted, m->wasted);
	assert_int_equal(core_check(v), 0);
}

/* Without translation, whose time the model does not count. */
static void assert_equal_time(struct vmm *v, const struct memory *m)
{
	const struct vm_stats *s = vmm_stats(v);

	assert_int_equal(s->prefetch_late, m->late);
	assert_int_equal(s->prefetch_wait_ns, (uint64_t)m->wait_ns);
	assert_int_equal(s->prefetch_saved_ns, (uint64_t)m->saved_ns);
}

/* Runs at changing distances, between references to small numbers. */
static uint32_t next_page(struct rng *rng, uint32_t k, uint32_t pages)
{
	if (k / 100 % 3 && rng_below(rng, 8))
		return (uint32_t)(k * (k / 200 * 7 % 5 + 1) % pages);
	return (uint32_t)rng_below(rng, rng_below(rng, pages) + 1);
}

static uint64_t used[4], late, moved; /* of all comparisons; used: by prefetcher */

/* How many references failed. */
static uint32_t compare(const struct memory_config *c, const struct vmm_mmu *mmu, uint64_t seed)
{
	static struct memory m;
	struct vmm *v = make(c, mmu);
	struct rng rng = { seed };
	uint32_t failed = 0, pages = 2 + (uint32_t)rng_below(&rng, MEMORY_PAGES - 2);

	assert_non_null(v);
	memory_init(&m, c);
	for (uint32_t k = 0; k < 900; k++) {
		uint32_t pid = rng_below(&rng, 4) ? k / 150 % MEMORY_PIDS
						  : (uint32_t)rng_below(&rng, MEMORY_PIDS);
		uint32_t page = next_page(&rng, k, pages);
		bool write = rng_below(&rng, 3) == 0;

		if (rng_below(&rng, 50) == 0) {
			core_unmap(v, pid, page, 20, REMOVE_UNMAP, NULL, NULL);
			memory_unmap(&m, pid, page, 20);
		} else {
			int want = memory_access(&m, pid, page, write);
			int got = vmm_access(v, pid, (uint64_t)page << 12, write);

			assert_int_equal(got == 2 ? 0 : got, want < 0 ? -ENOMEM : want);
			failed += want < 0;
		}
		if (k % 100 == 0)
			assert_equal(v, &m);
	}
	assert_equal(v, &m);
	if (!mmu)
		assert_equal_time(v, &m);
	used[c->prefetch] += m.used;
	late += m.late;
	moved += m.moved;
	vmm_destroy(v);
	return failed;
}

static void test_agree(void **state)
{
	static const struct vmm_mmu mmus[] = { { "four", "8x2", 0 }, { "inverted", "16", 0 } };
	uint32_t failed = 0, runs = 0;
	struct rng rng = { 5 };

	(void)state;
	for (uint32_t k = 0; k < 700; k++) {
		struct memory_config c = {
			.policy = (enum memory_policy)rng_below(&rng, 3),
			.frames = 1 + (uint32_t)rng_below(&rng, MEMORY_FRAMES),
			.placement = (enum memory_placement)rng_below(&rng, 4),
		};

		if (rng_below(&rng, 4)) {
			c.nodes = 1 + (uint32_t)rng_below(&rng, MEMORY_NODES);
			c.nodes = c.nodes < c.frames ? c.nodes : c.frames;
		}
		c.prefetch = (enum memory_prefetch)rng_below(&rng, 4);
		if (c.prefetch == MEMORY_SEQ || c.prefetch == MEMORY_STRIDE)
			c.distance = 1 + (uint32_t)rng_below(&rng, 20);
		if (rng_below(&rng, 2))
			c.slots = 1 + (uint32_t)rng_below(&rng, 400);
		failed += compare(&c, k % 4 ? NULL : &mmus[k / 4 % 2], k);
		runs++;
	}
	assert_int_equal(runs, 700);
	assert_true(failed > 1000 && late > 1000 && moved > 200);
	assert_true(!used[MEMORY_OFF] && used[MEMORY_SEQ] > 1000);
	assert_true(used[MEMORY_STRIDE] > 1000 && used[MEMORY_TREND] > 1000);
}

static uint32_t failures(uint32_t frames, uint32_t slots, uint32_t pages)
{
	struct memory_config c = { .frames = frames, .slots = slots };
	struct vmm *v = make(&c, NULL);
	uint32_t failed = 0;

	for (uint32_t p = 0; p < 3 * pages; p++)
		failed += vmm_access(v, 1, (uint64_t)(p % pages) << 12, 1) == -ENOMEM;
	assert_int_equal(core_check(v), 0);
	vmm_destroy(v);
	return failed;
}

/*
 * Written pages fit as long as there are fewer than frames and slots together: a page that is read needs a frame while its
 * copy still has its slot.
 */
static void test_all_dirty(void **state)
{
	(void)state;
	assert_int_equal(failures(10, 5, 14), 0);
	assert_true(failures(10, 5, 15) > 0);
	assert_int_equal(failures(1, 1, 1), 0);
	assert_true(failures(1, 1, 2) > 0);
	assert_int_equal(failures(64, 1, 64), 0);
}

/* 2 nodes of 2 frames; process 1 lives on node 0, process 2 on node 1. */
static void test_by_hand(void **state)
{
	static const struct timing slow = { 0, 10, 1, 2 };
	struct vmm_config c = {
		.frames = 4, .policy = "fifo", .numa = "2,remote-ns=35", .timing = &slow
	};
	struct vmm *v = vmm_create(&c);
	const struct vm_stats *s;

	(void)state;
	assert_true(vmm_amt_ns(v) == 0 && vmm_slowdown(v) == 0);
	vmm_access(v, 1, 0x1000, 0);
	vmm_access(v, 1, 0x2000, 0);
	vmm_access(v, 2, 0x1000, 0);
	s = vmm_stats(v);
	assert_int_equal(s->node_balance, 75); /* 2 and 1 */
	vmm_access(v, 1, 0x3000, 1);           /* node 0 is full */
	vmm_access(v, 1, 0x3000, 1);
	assert_int_equal(vmm_stats(v)->numa_remote, 2);
	assert_int_equal(s->numa_local, 3);
	assert_int_equal(s->node_balance, 100);
	/* 5 references of 10 ns, 4 faults of 1000 ns, twice 25 ns more */
	assert_true(vmm_amt_ns(v) == (50 + 4000 + 50) / 5.0);
	assert_true(vmm_slowdown(v) == 82.0);
	vmm_destroy(v);
}

static void test_refused(void **state)
{
	static const char *const numa[] = { "0", "5", "2:near", "2,far=3", "65", "" };
	struct vmm_config c = { .frames = 4 };
	struct vmm *v;

	(void)state;
	for (size_t i = 0; i < sizeof(numa) / sizeof(numa[0]); i++) {
		c.numa = numa[i];
		errno = 0;
		assert_null(vmm_create(&c));
		assert_int_equal(errno, EINVAL);
	}
	c.numa = "off";
	v = vmm_create(&c);
	assert_non_null(v);
	for (uint32_t i = 0; i < vm_stat_count; i++) {
		const char *name = vm_stat_list[i].name;

		if (!strncmp(name, "numa_", 5) || !strncmp(name, "node_", 5) ||
		    !strcmp(name, "swap_used") || !strncmp(name, "prefetch_", 9))
			assert_false(vmm_counter_applies(v, &vm_stat_list[i]));
	}
	vmm_destroy(v);
}

/* The calls of vmm.h about nodes: what is set decides where pages go, and is read back. */
static void test_nodes(void **state)
{
	const struct vmm_config c = { .frames = 6, .policy = "fifo", .numa = "3:first-touch" };
	const struct vmm_config none = { .frames = 6, .policy = "fifo" };
	struct vmm *v = vmm_create(&c);

	(void)state;
	assert_non_null(v);
	assert_int_equal(vmm_numa_distance(v, 1, 1), 10);
	assert_int_equal(vmm_numa_distance(v, 0, 2), 20);
	assert_int_equal(vmm_numa_distance(v, 0, 3), -EINVAL);
	assert_int_equal(vmm_numa_set_distance(v, 2, 0, 15), 0);
	assert_int_equal(vmm_numa_distance(v, 2, 0), 15);
	assert_int_equal(vmm_numa_distance(v, 0, 2), 20);
	assert_int_equal(vmm_numa_set_distance(v, 2, 1, 256), -EINVAL);
	assert_int_equal(vmm_numa_set_distance(v, 2, 1, 9), -EINVAL);
	assert_int_equal(vmm_numa_set_distance(v, 1, 1, 11), -EINVAL);
	assert_int_equal(vmm_numa_set_home(v, 7, 3), -EINVAL);
	assert_int_equal(vmm_numa_set_home(v, 7, 2), 0);
	assert_int_equal(vmm_numa_home(v, 7), 2);
	assert_int_equal(vmm_numa_home(v, 8), 0); /* the first whose turn it is */
	assert_int_equal(vmm_numa_node(v, 7, 0x1000), -ENOENT);
	for (uint64_t page = 1; page <= 3; page++)
		assert_int_equal(vmm_access(v, 7, page << 12, 0), 1);
	assert_int_equal(vmm_numa_node(v, 7, 0x1000), 2);
	assert_int_equal(vmm_numa_node(v, 7, 0x2fff), 2);
	assert_int_equal(vmm_numa_node(v, 7, 0x3000),
			 0); /* node 2 is full, and node 0 nearer than 1 */
	assert_int_equal(vmm_stats(v)->numa_local, 2);
	vmm_destroy(v);
	v = vmm_create(&none);
	assert_non_null(v);
	assert_int_equal(vmm_numa_distance(v, 0, 0), -ENOTSUP);
	assert_int_equal(vmm_numa_set_distance(v, 0, 0, 10), -ENOTSUP);
	assert_int_equal(vmm_numa_home(v, 1), -ENOTSUP);
	assert_int_equal(vmm_numa_set_home(v, 1, 0), -ENOTSUP);
	assert_int_equal(vmm_numa_node(v, 1, 0), -ENOTSUP);
	vmm_destroy(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agree),   cmocka_unit_test(test_all_dirty),
		cmocka_unit_test(test_by_hand), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
