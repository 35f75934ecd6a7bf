/* SPDX-License-Identifier: Apache-2.0 */
/* test_page_map.c - the map against a plain array, at the edges of the address space, and over huge sparse ranges. */
#include "core/frame.h"
#include "core/page_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define ENTRIES 600u
#define STEPS 60000u

struct entry {
	uint32_t space, id;
	uint64_t vpn;
};

static struct entry plain[ENTRIES];
static uint64_t prng = 3;

static uint32_t pick(uint32_t n)
{
	prng = prng * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((prng >> 33) % n);
}

static int by_vpn(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->space != y->space)
		return x->space < y->space ? -1 : 1;
	return x->vpn < y->vpn ? -1 : x->vpn > y->vpn;
}

/* Distinct places: neighbours, node borders, both ends of the address space. */
static void make_places(void)
{
	for (uint32_t i = 0; i < ENTRIES; i++) {
		static const uint64_t bases[] = { 0,          511,        (1u << 18) - 2,
						  1ull << 30, 1ull << 52, UINT64_MAX - 700 };

		plain[i].space = i % 3;
		plain[i].vpn = bases[i / 3 % 6] + i / 18 * (1 + i / 18 % 3 * 10);
		plain[i].id = VMM_NONE;
	}
	qsort(plain, ENTRIES, sizeof(plain[0]), by_vpn);
}

static void check_range(struct page_map *m, uint32_t space, uint64_t vpn, uint64_t n, int remove)
{
	uint64_t last = n - 1 > UINT64_MAX - vpn ? UINT64_MAX : vpn + n - 1, at;
	struct page_map_iter it;
	uint32_t id;

	page_map_iter_init(&it, m, space, vpn, n);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		struct entry *e = &plain[i];

		if (e->space != space || e->vpn < vpn || e->vpn > last || e->id == VMM_NONE)
			continue;
		id = page_map_next(&it, &at);
		assert_int_equal(id, e->id);
		assert_int_equal(at, e->vpn);
		if (!remove)
			continue;
		page_map_remove(m, space, at);
		e->id = VMM_NONE;
	}
	assert_int_equal(page_map_next(&it, &at), VMM_NONE);
}

static void test_random(void **state)
{
	struct page_map m;

	(void)state;
	make_places();
	page_map_init(&m);
	for (uint32_t k = 0; k < STEPS; k++) {
		struct entry *e = &plain[pick(ENTRIES)];
		uint64_t n;

		assert_int_equal(page_map_get(&m, e->space, e->vpn), e->id);
		if (pick(4)) {
			e->id = k;
			assert_int_equal(page_map_set(&m, e->space, e->vpn, k), 0);
		} else if (pick(2)) {
			e->id = VMM_NONE;
			page_map_remove(&m, e->space, e->vpn);
		} else if (pick(10) == 0) {
			n = pick(3) ? pick(2000) + 1 : UINT64_MAX >> pick(64);
			check_range(&m, pick(3), pick(4) ? e->vpn : 0, n, pick(4) == 0);
		}
	}
	for (uint32_t s = 0; s < 4; s++)
		check_range(&m, s, 0, UINT64_MAX, s == 1);
	check_range(&m, 0, UINT64_MAX, 1, 0);
	page_map_destroy(&m);
}

static void test_empty(void **state)
{
	struct page_map_iter it;
	struct page_map m;
	uint64_t at;

	(void)state;
	page_map_init(&m);
	page_map_iter_init(&it, &m, 1, 0, UINT64_MAX);
	assert_int_equal(page_map_next(&it, &at), VMM_NONE);
	assert_int_equal(page_map_set(&m, 1, 5, 6), 0);
	page_map_iter_init(&it, &m, 1, 5, 0);
	assert_int_equal(page_map_next(&it, &at), VMM_NONE);
	page_map_remove(&m, 1, 6);
	page_map_remove(&m, 2, 5);
	assert_int_equal(page_map_get(&m, 1, 5), 6);
	page_map_destroy(&m);
}

/* A million iterations over 2^60 pages that were never seen. Without the sorted walk this would not end. */
static void test_sparse(void **state)
{
	struct page_map m;
	struct page_map_iter it;
	uint64_t at;

	(void)state;
	page_map_init(&m);
	for (uint32_t s = 0; s < 50; s++)
		assert_int_equal(page_map_set(&m, s, (uint64_t)s << 50, s), 0);
	for (uint32_t k = 0; k < 1000000; k++) {
		page_map_iter_init(&it, &m, 7, (8ull << 50) + k, 1ull << 60);
		assert_int_equal(page_map_next(&it, &at), VMM_NONE);
	}
	page_map_destroy(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_sparse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
