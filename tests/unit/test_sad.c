/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sad.c - what "safely allowed drop" promises, by experiment: on random traces LRU and OPT make exactly the same faults
 * in K frames or more, and LRU writes as many pages; what is dropped is what the definition says, done the slow way.
 */
#include "core/replay/opt.h"
#include "core/replay/replay.h"
#include "core/rng.h"
#include "core/trace/sad.h"
#include "tests/unit/trace_drive.h"

#define N 3000u
#define PAGES 60u

static struct trace_record records[N], left[N];
static uint32_t n_left;

static int take(void *arg, const struct trace_record *record)
{
	(void)arg;
	assert_true(n_left < N);
	left[n_left++] = *record;
	return 0;
}

/* Loops, skew and runs of one page. */
static void records_make(uint64_t seed)
{
	struct rng g = { seed };
	uint64_t page = 0;

	for (uint32_t i = 0; i < N; i++) {
		switch (i / 300 % 3) {
		case 0:
			page = rng_below(&g, PAGES) * rng_below(&g, PAGES) / PAGES;
			break;
		case 1:
			page = i % (3 + seed % 20);
			break;
		default:
			page = rng_below(&g, 3) ? page : rng_below(&g, PAGES);
		}
		records[i] = (struct trace_record){ .pid = 1 + (uint32_t)(page & 1),
						    .vpn = page,
						    .kind = rng_below(&g, 4) == 0 };
	}
}

static void reduce(uint32_t k)
{
	struct sad *s;

	n_left = 0;
	assert_int_equal(sad_create(&s, k, take, NULL), 0);
	for (uint32_t i = 0; i < N; i += 7)
		assert_int_equal(sad_feed(s, records + i, N - i < 7 ? N - i : 7), 0);
	assert_int_equal(sad_finish(s), 0);
	sad_destroy(s);
}

/* The definition: the first middle reference that may go, goes; until none may. Returns how many are left. */
static uint32_t reduce_slowly(struct trace_record *r, uint32_t n, uint32_t k)
{
	for (uint32_t third = 0; third < n; third++) {
		uint32_t middle = third, first, others = 0;
		uint64_t seen = 0;

		while (middle-- > 0 && r[middle].vpn != r[third].vpn)
			;
		if (middle >= n)
			continue;
		for (first = middle; first-- > 0 && r[first].vpn != r[third].vpn;)
			;
		if (first >= n)
			continue;
		for (uint32_t i = first + 1; i < third; i++)
			if (r[i].vpn != r[third].vpn && !(seen >> r[i].vpn & 1)) {
				seen |= 1ull << r[i].vpn;
				others++;
			}
		if (others >= k)
			continue;
		r[third].kind |= r[middle].kind;
		memmove(&r[middle], &r[middle + 1], (n - middle - 1) * sizeof(*r));
		n--;
		third--;
	}
	return n;
}

static void count(const struct trace_record *r, uint32_t n, uint32_t frames, uint64_t *lru,
		  uint64_t *opt, uint64_t *dirty)
{
	struct replay_config c = { .policy = "lru", .frames = frames };
	struct replay *replay = replay_create(&c);
	struct opt_table table;
	struct replay_array a;
	static uint32_t refs[N];

	for (uint32_t i = 0; i < n; i++)
		refs[i] = (uint32_t)r[i].vpn | (r[i].kind ? REPLAY_WRITE : 0);
	assert_non_null(replay);
	assert_int_equal(replay_reserve(replay, PAGES), 0);
	assert_int_equal(replay_feed(replay, refs, n), 0);
	*lru = replay_stats(replay)->faults;
	*dirty = replay_stats(replay)->evictions_dirty;
	replay_destroy(replay);
	replay_array_init(&a, refs, n);
	assert_int_equal(opt_table_make(&table, &a.source, 0, 1 << 20), 0);
	assert_int_equal(opt_misses(&table, frames, 0, opt), 0);
	opt_table_destroy(&table);
}

static void test_exact(void **state)
{
	uint64_t rounds = getenv("FULL") ? 200 : 12, dropped = 0;

	(void)state;
	for (uint64_t seed = 0; seed < rounds; seed++) {
		static const uint32_t ks[] = { 1, 2, 5, 12, 30, 59, 100 };

		records_make(seed);
		for (size_t i = 0; i < sizeof(ks) / sizeof(ks[0]); i++) {
			uint32_t k = ks[i];

			reduce(k);
			dropped += N - n_left;
			for (uint32_t m = k; m < k + 30; m += 1 + m / 7) {
				uint64_t a[3], b[3];

				count(records, N, m, &a[0], &a[1], &a[2]);
				count(left, n_left, m, &b[0], &b[1], &b[2]);
				assert_int_equal(a[0], b[0]);
				assert_int_equal(a[1], b[1]);
				assert_int_equal(a[2], b[2]);
			}
		}
	}
	assert_true(dropped > rounds * N);
}

static void test_definition(void **state)
{
	static struct trace_record slow[N];

	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++)
		for (uint32_t k = 1; k < 40; k = k * 2 + 1) {
			records_make(seed);
			memcpy(slow, records, sizeof(slow));
			reduce(k);
			assert_int_equal(reduce_slowly(slow, N, k), n_left);
			assert_memory_equal(slow, left, n_left * sizeof(*slow));
		}
}

/* Events stay, in their places; nothing is dropped across one that changes pages. */
static void test_events(void **state)
{
	const uint8_t kinds[] = { TRACE_UNMAP, TRACE_EXIT, TRACE_FORK, TRACE_DISCARD, TRACE_MAP };

	(void)state;
	for (size_t k = 0; k < sizeof(kinds); k++) {
		for (uint32_t i = 0; i < N; i++)
			records[i] = (struct trace_record){ .pid = 1, .vpn = 5, .kind = 0 };
		records[1000] = (struct trace_record){ .pid = 1, .value = 1, .kind = kinds[k] };
		records[2000] = (struct trace_record){ .pid = 1, .value = 7, .kind = TRACE_TIME };
		reduce(4);
		assert_int_equal(n_left, 6);
		assert_int_equal(left[2].kind, kinds[k]);
		assert_int_equal(left[4].kind, TRACE_TIME);
	}
}

static int refuse(void *arg, const struct trace_record *record)
{
	(void)arg;
	(void)record;
	return -EIO;
}

static void test_errors(void **state)
{
	struct sad *s;

	(void)state;
	records_make(1);
	assert_int_equal(sad_create(&s, 0, take, NULL), -EINVAL);
	assert_int_equal(sad_create(&s, 3, refuse, NULL), 0);
	assert_int_equal(sad_feed(s, records, N), -EIO);
	sad_destroy(s);
	sad_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_definition),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
