/* SPDX-License-Identifier: Apache-2.0 */
/* test_tlb_spec.c - TLBs in figures: specifications, policies by hand, reach, and a batch against single requests. */
#include "core/tlb.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A batch ends what single requests end, at every size, with duplicates and pages that are not held. */
static void test_batch_is_singles(void **state)
{
	static uint64_t vpns[3000];
	struct tlb_config c;
	struct rng rng = { 11 };
	struct tlb a, b;
	const char *bad;

	(void)state;
	assert_int_equal(tlb_parse("l1=64x4,l1-2m=32x4,l2=1536x12,asid", &c, &bad), 0);
	for (uint32_t n = 1; n <= 3000; n = n * 3 / 2 + 1) {
		uint32_t ended = 0;

		assert_int_equal(tlb_init(&a, &c, 12, 1) | tlb_init(&b, &c, 12, 1), 0);
		for (uint64_t vpn = 0; vpn < 2000; vpn++)
			for (struct tlb *t = &a; t; t = t == &a ? &b : NULL) {
				tlb_insert(t, vpn % 8 == 0, vpn, pte_make(1, PAGE_4K, PTE_PRESENT));
				if (vpn % 16 == 0)
					tlb_insert(t, 0, vpn << 18,
						   pte_make(1, vpn % 32 ? PAGE_2M : PAGE_1G,
							    PTE_PRESENT));
			}
		for (uint32_t i = 0; i < n; i++)
			vpns[i] = rng_below(&rng, 4000) << (rng_below(&rng, 4) == 0 ? 18 : 0);
		for (uint32_t i = 0; i < n; i++)
			ended += tlb_invalidate(&a, 0, vpns[i]);
		assert_int_equal(tlb_invalidate_batch(&b, 0, vpns, n), ended);
		assert_int_equal(b.stats.shootdowns, 1);
		assert_int_equal(a.stats.shootdowns, n);
		assert_int_equal(tlb_check(&b), 0);
		assert_memory_equal(a.l2->tag, b.l2->tag, 1536 * sizeof(uint64_t));
		assert_memory_equal(a.level[0].tag, b.level[0].tag, 64 * sizeof(uint64_t));
		tlb_destroy(&a);
		tlb_destroy(&b);
	}
}

static void test_parse(void **state)
{
	static const struct {
		const char *spec;
		int at; /* of the bad word; -1: it is good */
	} rows[] = {
		{ "64", -1 },
		{ "l1=64x4,l1-2m=32x4,l2=1536x12,policy=lru,asid", -1 },
		{ "L1=64X4,Policy=PLRU,ASID=8,l1-1g=4", -1 },
		{ "", 0 },
		{ "0", 0 },
		{ "64x0", 0 },
		{ "64x5", 0 },
		{ "64x", 0 },
		{ "64y4", 0 },
		{ "9999999999999999999999", 0 },
		{ "64,", 3 },
		{ "64,l3=4", 3 },
		{ "64,l2", 3 },
		{ "64,l2=", 3 },
		{ "64,policy=mru", 3 },
		{ "64,policy", 3 },
		{ "64,asid=", 3 },
		{ "64,asid=0", 3 },
		{ "64,asid=65537", 3 },
		{ "l2=64", 0 },
		{ "128,policy=plru", 4 },
		{ "64,l2=130,policy=plru", 10 },
	};
	struct tlb_config c;
	const char *bad;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int err = tlb_parse(rows[i].spec, &c, &bad);

		assert_int_equal(err, rows[i].at < 0 ? 0 : -EINVAL);
		if (err)
			assert_int_equal(bad - rows[i].spec, rows[i].at);
	}
	assert_int_equal(tlb_parse(rows[1].spec, &c, &bad), 0);
	assert_int_equal(c.l1[PAGE_4K].entries, 64);
	assert_int_equal(c.l1[PAGE_4K].ways, 4);
	assert_int_equal(c.l1[PAGE_2M].entries, 32);
	assert_int_equal(c.l1[PAGE_1G].entries, 0);
	assert_int_equal(c.l2.entries, 1536);
	assert_int_equal(c.l2.ways, 12);
	assert_int_equal(c.asids, TLB_ASIDS_DEFAULT);
	assert_int_equal(tlb_parse("64", &c, &bad), 0);
	assert_int_equal(c.l1[PAGE_4K].ways, 64);
	assert_int_equal(c.asids, 0);
}

/* Pages A B C A D in three ways of one set: lru ends B, fifo A, plru what its bits say. */
static void test_policies(void **state)
{
	static const struct {
		const char *spec;
		uint64_t gone;
	} rows[] = {
		{ "3,policy=lru", 1 },
		{ "3,policy=fifo", 0 },
		/* use of C clears the bits of A and B; A is used again: B has the first clear bit */
		{ "3,policy=plru", 1 }
	};
	struct tlb_config c;
	struct tlb t;
	const char *bad;
	pte_t pte;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static const uint64_t order[] = { 0, 1, 2, 0, 3 };

		assert_int_equal(tlb_parse(rows[i].spec, &c, &bad), 0);
		assert_int_equal(tlb_init(&t, &c, 12, 1), 0);
		for (uint32_t k = 0; k < 5; k++)
			if (tlb_lookup(&t, 1, order[k], &pte) == TLB_MISS)
				tlb_insert(&t, 1, order[k], pte_make(0, PAGE_4K, PTE_PRESENT));
		for (uint64_t vpn = 0; vpn < 4; vpn++)
			assert_int_equal(tlb_holds(&t, 1, vpn, &pte), vpn != rows[i].gone);
		assert_int_equal(t.stats.hits_l1, 1);
		assert_int_equal(t.stats.misses, 4);
		tlb_destroy(&t);
	}
}

static void test_reach(void **state)
{
	struct tlb_config c;
	struct tlb t;
	const char *bad;

	(void)state;
	assert_int_equal(tlb_parse("l1=64x4,l1-2m=32x4,l2=1536x12,asid", &c, &bad), 0);
	assert_int_equal(tlb_init(&t, &c, 12, 1), 0);
	assert_int_equal(tlb_reach_max_bytes(&t, PAGE_4K), 1536 * 4096);
	assert_int_equal(tlb_reach_max_bytes(&t, PAGE_2M), 1536ull << 21);
	tlb_insert(&t, 1, 5, pte_make(0, PAGE_4K, PTE_PRESENT));
	tlb_insert(&t, 1, 512, pte_make(0, PAGE_2M, PTE_PRESENT));
	assert_int_equal(tlb_reach_bytes(&t), 4096 + (2u << 20));
	/* not canonical: never held */
	tlb_insert(&t, 1, 1ull << 47, pte_make(0, PAGE_4K, PTE_PRESENT));
	tlb_insert(&t, 1, 1ull << 60, pte_make(0, PAGE_4K, PTE_PRESENT));
	assert_int_equal(tlb_reach_bytes(&t), 4096 + (2u << 20));
	assert_int_equal(tlb_flush(&t), 4);
	assert_int_equal(tlb_reach_bytes(&t), 0);
	tlb_destroy(&t);
	c.l1[PAGE_4K].ways = 5;
	assert_int_equal(tlb_init(&t, &c, 12, 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batch_is_singles),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_reach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
