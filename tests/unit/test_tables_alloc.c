/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tables_alloc.c - the Nth allocation fails, for N = 1, 2, ... until a whole run succeeds, in page tables, TLBs,
 * pools of frames, NUMA homes, swap slots and the MMU: -ENOMEM and nothing else, and what exists stays consistent.
 *
 * link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
 */
#include "core/core.h"
#include "core/numa.h"
#include "core/page_table.h"
#include "core/swap.h"
#include "core/tlb.h"
#include "tests/unit/fail_alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Enough entries for several tables, buckets to double and aliases to grow; each failed map changes nothing. */
static int use_table(const char *kind)
{
	struct page_table_config c = { .kind = kind, .frames = 64, .walk_cache = 2 };
	struct page_table t;
	int err = page_table_init(&t, &c);

	if (err)
		return err;
	for (uint64_t i = 0; i < 400 && !err; i++) {
		uint64_t entries = t.stats.entries;
		uint64_t vpn = i < 200 || t.ops->vpn_bits == 20 ? i : i << 18;

		err = page_table_map(&t, (uint32_t)i % 2, vpn, PAGE_4K, i % 64, PTE_PRESENT);
		if (err) {
			fail_at = 0;
			assert_int_equal(t.stats.entries, entries);
			assert_null(page_table_find(&t, (uint32_t)i % 2, vpn));
		}
		page_table_walk(&t, 0, vpn, true, NULL);
	}
	fail_at = 0;
	assert_int_equal(page_table_check(&t), 0);
	page_table_destroy(&t);
	return err;
}

static int use_single(void)
{
	return use_table("single");
}

static int use_five(void)
{
	return use_table("five");
}

static int use_hashed(void)
{
	return use_table("hashed");
}

static int use_inverted(void)
{
	return use_table("inverted");
}

static int use_tlb(void)
{
	struct tlb_config c;
	const char *bad;
	struct tlb t;
	int err;

	assert_int_equal(tlb_parse("l1=8x2,l1-2m=4,l2=64x4,asid", &c, &bad), 0);
	err = tlb_init(&t, &c, 12, 1);
	if (!err)
		tlb_destroy(&t);
	return err;
}

static int use_numa(void)
{
	struct numa_config c = { .nodes = 3 };
	struct frame_table t;
	struct numa n;
	int err = frame_table_init(&t, 100, 1);

	if (err)
		return err;
	err = frame_table_split(&t, 3);
	assert_int_equal(frame_table_check(&t), 0);
	if (!err) {
		assert_int_equal(numa_init(&n, &c), 0);
		for (uint32_t p = 0; p < 100; p++) {
			assert_true(numa_home(&n, p) < 3); /* works without memory too */
			if (!err)
				err = numa_set_home(&n, 1000 + p, p % 3);
			assert_true(numa_take(&n, &t, p, p, 0) != VMM_NONE);
		}
		assert_int_equal(numa_check(&n), 0);
		numa_destroy(&n);
	}
	frame_table_destroy(&t);
	/* a home by turn that found no memory is not an error, but the test goes on to the next failure */
	return fail_at && calls >= fail_at ? -ENOMEM : err;
}

static int use_swap(void)
{
	struct swap s;
	uint32_t slot;
	int err = 0;

	swap_init(&s, 0);
	for (uint32_t i = 0; i < 2000 && !err; i++)
		err = swap_take(&s, &slot);
	assert_int_equal(swap_check(&s), 0);
	swap_destroy(&s);
	return err;
}

/* After a failure the same reference works, and so does all that follows. */
static int use_mmu(void)
{
	static const struct vmm_mmu mmu = { "four", "16x4,l2=64x4", 4 };
	struct vmm_config c = { .frames = 50, .policy = "clock", .mmu = &mmu };
	struct vmm *v = vmm_create(&c);
	int err = v ? 0 : -errno, first = 0;

	if (!v)
		return err;
	for (uint64_t k = 0; k < 300; k++) {
		err = vmm_access(v, 1 + k % 3, (k % 2 << 40) + (k % 200 << 20), k % 3 == 0);
		if (err >= 0)
			continue;
		fail_at = 0;
		first = err;
		assert_int_equal(core_check(v), 0);
		k--;
	}
	fail_at = 0;
	assert_int_equal(core_check(v), 0);
	vmm_destroy(v);
	return first;
}

static void test_nth(void **state)
{
	static int (*const uses[])(void) = { use_single, use_five, use_hashed, use_inverted,
					     use_tlb,    use_numa, use_swap,   use_mmu };

	(void)state;
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		uint64_t n = 0;
		int err;

		do {
			fail_at = ++n;
			calls = 0;
			err = uses[i]();
			fail_at = 0;
			assert_true(err == 0 || err == -ENOMEM);
		} while (err);
		assert_true(n > 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
