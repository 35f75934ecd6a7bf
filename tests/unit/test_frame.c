/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_frame.c - the buddy system and the pools of nodes against a plain array of owners; references; and one tick of
 * aging: every way to compute it against a byte at a time.
 */
#include "core/buddy.h"
#include "core/frame.h"
#include "core/frame_age.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GROUPS 200u

struct group {
	uint32_t first, order;
};

/* Can the range of frames that are not owned give a block? Asked of every aligned place. */
static bool place_exists(const uint8_t *owned, uint32_t first, uint32_t count, uint32_t order)
{
	uint64_t size = 1ull << order;

	for (uint64_t f = (first + size - 1) & ~(size - 1); f + size <= (uint64_t)first + count;
	     f += size) {
		uint64_t i = 0;

		while (i < size && !owned[f + i])
			i++;
		if (i == size)
			return true;
	}
	return false;
}

static void own(uint8_t *owned, struct group g, uint8_t value)
{
	for (uint32_t i = 0; i < 1u << g.order; i++) {
		assert_int_equal(owned[g.first + i], !value);
		owned[g.first + i] = value;
	}
}

static void test_buddy(void **state)
{
	static const uint32_t ranges[][2] = { { 0, 1 },     { 0, 1024 },  { 0, 1000 },
					      { 37, 1500 }, { 512, 512 }, { 3, 5 } };
	static uint8_t owned[4096];
	struct rng rng = { 4 };

	(void)state;
	for (size_t r = 0; r < sizeof(ranges) / sizeof(ranges[0]); r++) {
		uint32_t first = ranges[r][0], count = ranges[r][1], n = 0;
		struct group groups[GROUPS];
		struct buddy b;

		memset(owned, 0, sizeof(owned));
		assert_int_equal(buddy_init(&b, first, count), 0);
		for (uint32_t k = 0; k < 4000; k++) {
			uint32_t order = (uint32_t)rng_below(&rng, rng_below(&rng, 10) + 1);

			if (n < GROUPS && rng_below(&rng, 2)) {
				uint32_t f = buddy_take(&b, order);

				assert_int_equal(f != BUDDY_NONE,
						 place_exists(owned, first, count, order));
				if (f == BUDDY_NONE)
					continue;
				assert_int_equal(f & ((1u << order) - 1), 0);
				assert_true(f >= first && f + (1u << order) <= first + count);
				groups[n] = (struct group){ f, order };
				own(owned, groups[n++], 1);
			} else if (n) {
				uint32_t i = (uint32_t)rng_below(&rng, n);

				if (rng_below(&rng, 2)) { /* whole, or a frame at a time */
					buddy_put(&b, groups[i].first, groups[i].order);
				} else {
					for (uint32_t j = 1u << groups[i].order; j--;)
						buddy_put(&b, groups[i].first + j, 0);
				}
				own(owned, groups[i], 0);
				groups[i] = groups[--n];
			}
			if (k % 16)
				continue;
			assert_int_equal(buddy_check(&b), 0);
			for (uint32_t f = first; f < first + count; f++)
				assert_int_equal(buddy_is_free(&b, f), !owned[f]);
		}
		while (n--)
			buddy_put(&b, groups[n].first, groups[n].order);
		assert_int_equal(b.free, count);
		assert_int_equal(buddy_check(&b), 0);
		buddy_destroy(&b);
	}
}

static void settle(struct frame_table *t, struct group g)
{
	for (uint32_t i = 0; i < 1u << g.order; i++)
		frame_settle(t, g.first + i, g.first + i);
}

static void give_back(struct frame_table *t, struct group g)
{
	for (uint32_t i = 0; i < 1u << g.order; i++) {
		frame_lift(t, g.first + i);
		frame_free(t, g.first + i);
	}
}

static void test_pools(void **state)
{
	enum { FRAMES = 1001, NODES = 3 };
	static uint8_t owned[FRAMES];
	struct group groups[GROUPS];
	struct rng rng = { 8 };
	struct frame_table t;
	uint32_t n = 0;

	(void)state;
	assert_int_equal(frame_table_init(&t, FRAMES, 1), 0);
	assert_int_equal(frame_node(&t, 7), 0);
	assert_int_equal(frame_table_split(&t, 0), -EINVAL);
	assert_int_equal(frame_table_split(&t, FRAMES + 1), -EINVAL);
	assert_int_equal(frame_table_split(&t, NODES), 0);
	assert_int_equal(frame_node(&t, 332), 0);
	assert_int_equal(frame_node(&t, 333), 1);
	assert_int_equal(frame_node(&t, 1000), 2);
	for (uint32_t k = 0; k < 4000; k++) {
		uint32_t order = rng_below(&rng, 3) ? 0 : (uint32_t)rng_below(&rng, 6);
		uint32_t node = (uint32_t)rng_below(&rng, NODES);

		if (n < GROUPS && rng_below(&rng, 9) < 5) {
			bool single = order == 0 && rng_below(&rng, 2);
			uint32_t first = node * 333, count = node < 2 ? 333 : 335;
			uint32_t f = single ? frame_take(&t) : frame_take_group(&t, order, node);

			if (!single)
				assert_int_equal(f != VMM_NONE,
						 place_exists(owned, first, count, order));
			if (f == VMM_NONE)
				continue;
			assert_true(single || (frame_node(&t, f) == node &&
					       f + (1u << order) <= first + count));
			groups[n] = (struct group){ f, order };
			settle(&t, groups[n]);
			own(owned, groups[n++], 1);
		} else if (n) {
			uint32_t i = (uint32_t)rng_below(&rng, n);

			give_back(&t, groups[i]);
			own(owned, groups[i], 0);
			groups[i] = groups[--n];
		}
		assert_int_equal(frame_table_check(&t), 0);
	}
	while (n--)
		give_back(&t, groups[n]);
	for (uint32_t node = 0; node < NODES; node++)
		assert_int_equal(frame_node_free(&t, node), node < 2 ? 333 : 335);
	assert_int_equal(frame_table_split(&t, 2), -EINVAL);
	frame_table_destroy(&t);
}

/* The order without pools, on which seeded policies depend. */
static void test_order(void **state)
{
	struct frame_table t;

	(void)state;
	assert_int_equal(frame_table_init(&t, 4, 1), 0);
	for (uint32_t f = 0; f < 2; f++)
		frame_settle(&t, frame_take(&t), f);
	frame_lift(&t, 0);
	frame_free(&t, 0);
	assert_int_equal(frame_take(&t), 2);
	assert_int_equal(frame_take(&t), 3);
	assert_int_equal(frame_take(&t), 0);
	assert_int_equal(frame_take(&t), VMM_NONE);
	frame_table_destroy(&t);
}

static void test_refs(void **state)
{
	struct frame_table t;
	uint32_t f;

	(void)state;
	assert_int_equal(frame_table_init(&t, 2, 1), 0);
	f = frame_take(&t);
	frame_settle(&t, f, 9);
	assert_int_equal(frame_refs(&t, f), 1);
	assert_int_equal(frame_inc_ref(&t, f), 2);
	assert_int_equal(frame_inc_ref(&t, f), 3);
	assert_int_equal(frame_dec_ref(&t, f), 2);
	assert_int_equal(frame_table_check(&t), 0);
	frame_lift(&t, f);
	frame_free(&t, f); /* while it is still shared */
	assert_int_equal(frame_table_check(&t), -EINVAL);
	t.in_transit++;
	t.free_count--;
	assert_int_equal(frame_dec_ref(&t, f), 1);
	assert_int_equal(frame_dec_ref(&t, f), 0);
	frame_free(&t, f);
	assert_int_equal(frame_table_check(&t), 0);
	frame_table_destroy(&t);
}

/* Every way, at every length and offset, gives the ages, bits and list of the last one. */
static void test_age_ways(void **state)
{
	enum { N = 700 };
	const struct frame_age_way *scalar = &frame_age_ways[frame_age_way_count - 1];
	uint8_t bits[2][N + 1], age[2][N + 1];
	uint32_t cleared[2][N + 1], count[2];
	struct rng rng = { 6 };

	(void)state;
	for (uint32_t w = 0; w + 1 < frame_age_way_count; w++) {
		if (!frame_age_ways[w].supported()) {
			print_message("%s: not on this processor\n", frame_age_ways[w].name);
			continue;
		}
		for (uint32_t n = 0; n < N; n++) {
			uint32_t odd = n % 2; /* arrays need not be aligned */
			uint8_t top = (uint8_t)(128 >> n % 8);

			for (uint32_t f = 0; f <= N; f++) {
				bits[0][f] = (uint8_t)rng_next(&rng) &
					     (n % 3 ? 31 : FRAME_USED | FRAME_REF);
				age[0][f] = (uint8_t)rng_next(&rng);
			}
			memcpy(bits[1], bits[0], sizeof(bits[0]));
			memcpy(age[1], age[0], sizeof(age[0]));
			for (uint32_t k = 0; k < 2; k++)
				count[k] = (k ? scalar : &frame_age_ways[w])
						   ->sweep(bits[k] + odd, age[k] + odd, top, n,
							   cleared[k]);
			assert_memory_equal(bits[0], bits[1], sizeof(bits[0]));
			assert_memory_equal(age[0], age[1], sizeof(age[0]));
			assert_int_equal(count[0], count[1]);
			if (count[0])
				assert_memory_equal(cleared[0], cleared[1],
						    count[0] * sizeof(uint32_t));
		}
	}
}

/* What a tick means, as one frame at a time through the functions that policies use. */
static void test_age_all(void **state)
{
	enum { N = 300 };
	struct frame_table a, b;
	uint8_t age_a[N] = { 0 }, age_b[N] = { 0 };
	struct rng rng = { 3 };

	(void)state;
	assert_int_equal(frame_table_init(&a, N, 1) | frame_table_init(&b, N, 1), 0);
	for (uint32_t tick = 0; tick < 40; tick++) {
		for (uint32_t k = 0; k < 60; k++) {
			uint32_t f = (uint32_t)rng_below(&rng, N);

			if (a.fresh < N - 9) {
				frame_settle(&a, frame_take(&a), a.fresh);
				frame_settle(&b, frame_take(&b), b.fresh);
			}
			if (f >= a.fresh)
				continue;
			a.bits[f] = b.bits[f] = b.bits[f] | FRAME_REF;
			if (f % 7 == 0 && b.pins[f] == 0) {
				frame_pin(&a, f);
				frame_pin(&b, f);
			}
		}
		a.cleared_count = b.cleared_count = 0;
		frame_age_all(&a, age_a, 128);
		for (uint32_t f = 0; f < b.fresh; f++) {
			age_b[f] = (uint8_t)(age_b[f] / 2 + (frame_referenced(&b, f) ? 128 : 0));
			if (frame_evictable(&b, f))
				frame_clear_referenced(&b, f);
		}
		assert_memory_equal(age_a, age_b, N);
		assert_memory_equal(a.bits, b.bits, N);
		assert_int_equal(a.cleared_count, b.cleared_count);
		assert_memory_equal(a.cleared, b.cleared, a.cleared_count * sizeof(uint32_t));
		assert_true(a.cleared_count > 0);
	}
	frame_table_destroy(&a);
	frame_table_destroy(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buddy),    cmocka_unit_test(test_pools),
		cmocka_unit_test(test_order),    cmocka_unit_test(test_refs),
		cmocka_unit_test(test_age_ways), cmocka_unit_test(test_age_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
