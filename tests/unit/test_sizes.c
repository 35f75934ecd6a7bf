/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sizes.c - large pages against the brute-force model of tests/model/sizes.h, counter by counter, under three policies in
 * both modes, with parts being unmapped. The model does not know where pages are, so it asks whether a group of frames is free.
 */
#include "core/buddy.h"
#include "core/core_internal.h"
#include "tests/model/sizes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static bool group_free(void *arg, uint32_t free_frames)
{
	const struct vmm *v = arg;

	(void)free_frames;
	return buddy_largest(&v->physical->ram.pools[0]) >= 9;
}

static void assert_equal(struct vmm *v, const struct sizes *m)
{
	const struct vm_stats *s = vmm_stats(v);

	assert_int_equal(s->faults, m->faults);
	assert_int_equal(s->faults_major, m->major);
	assert_int_equal(s->evictions_clean, m->clean);
	assert_int_equal(s->evictions_dirty, m->dirty_out);
	assert_int_equal(s->store_reads, m->reads);
	assert_int_equal(s->store_writes, m->writes);
	assert_int_equal(s->large_mapped, m->made);
	assert_int_equal(s->small_mapped, m->small);
	assert_int_equal(s->large_faults_saved, m->saved);
	assert_int_equal(s->large_split, m->split);
	assert_int_equal(v->physical->ram.used, m->used);
}

/* Small numbers more often; runs through ranges. */
static uint32_t next_page(struct rng *rng, uint32_t k)
{
	uint32_t range = k / 400 * 5 % SIZES_RANGES;

	if (rng_below(rng, 3))
		return range * SIZES_LARGE + k % 400;
	return (uint32_t)rng_below(rng, rng_below(rng, SIZES_PAGES) + 1);
}

/* One access; in auto mode the core may then have made the range large: it must have had reason and room. */
static void step(struct vmm *v, struct sizes *m, uint32_t page, bool write)
{
	uint64_t made = v->stats.large_mapped, faults = m->faults;

	sizes_access(m, page, write);
	assert_true(vmm_access(v, 1, (uint64_t)page << 12, write) >= 0);
	if (!m->c.automatic || m->faults == faults)
		return;
	if (v->stats.large_mapped != made) {
		assert_true(sizes_deserves(m, page));
		sizes_promote(m, page);
	} else if (sizes_deserves(m, page)) {
		assert_false(group_free(v, 0));
	}
}

static uint64_t made[2]; /* large pages, of all comparisons; by mode */

static uint64_t compare(enum sizes_policy policy, bool automatic, uint32_t frames, uint64_t seed)
{
	static const char *const policies[] = { "fifo", "lru", "clock" };
	static struct sizes m;
	struct rng rng = { seed };
	struct vmm_config c = { .frames = frames, .policy = policies[policy] };
	struct sizes_config mc = { .policy = policy,
				   .automatic = automatic,
				   .frames = frames,
				   .dense = 1 + (uint32_t)rng_below(&rng, 50),
				   .hot = 1 + (uint32_t)rng_below(&rng, 100),
				   .group = group_free };
	char large[64];
	struct vmm *v;

	snprintf(large, sizeof(large), automatic ? "auto:dense=%u,hot=%u" : "always", mc.dense,
		 mc.hot);
	c.large = large;
	v = vmm_create(&c);
	assert_non_null(v);
	mc.arg = v;
	sizes_init(&m, &mc);
	for (uint32_t k = 0; k < 6000; k++) {
		uint32_t page = next_page(&rng, k), n = 1 + (uint32_t)rng_below(&rng, 1500);

		if (rng_below(&rng, 200)) {
			step(v, &m, page, rng_below(&rng, 4) == 0);
		} else {
			core_unmap(v, 1, page, n, REMOVE_UNMAP, NULL, NULL);
			sizes_unmap(&m, page, n);
		}
		if (k % 64 == 0)
			assert_equal(v, &m);
	}
	assert_equal(v, &m);
	assert_int_equal(core_check(v), 0);
	made[automatic] += m.made;
	vmm_destroy(v);
	return m.split;
}

static void test_agree(void **state)
{
	static const uint32_t frames[] = { 1, 30, 511, 512, 513, 700, 1024, 1100, 1536, 2000, 3000 };
	uint64_t split = 0;

	(void)state;
	for (uint32_t policy = 0; policy < 3; policy++)
		for (uint32_t i = 0; i < 2 * sizeof(frames) / sizeof(frames[0]); i++)
			split += compare((enum sizes_policy)policy, i % 2, frames[i / 2], i);
	print_message("%u large, %u promoted, %u split\n", (uint32_t)made[0], (uint32_t)made[1],
		      (uint32_t)split);
	assert_true(made[0] > 100 && made[1] > 30 && split > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_agree) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
