/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_replay.c - the replay engine counts what the core counts, for every policy in the registry; the stack distances, OPT,
 * the samples and the sweep agree with brute force and with each other.
 *
 * FULL=1 compares on longer traces and at more sizes.
 */
#include "core/replay/unit.h" /* before policy.h */

#include "core/core.h"
#include "core/replay/opt.h"
#include "core/replay/replay.h"
#include "core/replay/shards.h"
#include "core/replay/stack_distance.h"
#include "core/replay/sweep.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGES 300u
#define N_MAX 200000u

static uint32_t refs[N_MAX], n_refs;

/* Skewed references to PAGES pages with loops in between, a third of them writes; ids in order of first appearance. */
static void trace_make(uint64_t seed, uint32_t n, bool writes)
{
	struct rng g = { seed };
	uint32_t id[PAGES], ids = 0;

	memset(id, 0xFF, sizeof(id));
	n_refs = n;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t x = rng_below(&g, PAGES);
		uint32_t page = (uint32_t)(x * rng_below(&g, PAGES) / PAGES);

		if (i / 500 % 3 == 0)
			page = i % (PAGES / 2);
		if (id[page] == UINT32_MAX)
			id[page] = ids++;
		refs[i] = id[page];
		if (writes && rng_below(&g, 3) == 0)
			refs[i] |= REPLAY_WRITE;
	}
}

static void core_run(const char *policy, uint32_t frames, uint32_t flags, struct vm_stats *stats)
{
	struct vmm_config c = { .frames = frames, .policy = policy, .seed = 7, .flags = flags };
	struct vmm *v = vmm_create(&c);

	assert_non_null(v);
	for (uint32_t i = 0; i < n_refs; i++)
		assert_true(vmm_access(v, 1, (uint64_t)(refs[i] & REPLAY_PAGE) << 12,
				       refs[i] >> 31) >= 0);
	*stats = *vmm_stats(v);
	/* the engine does not keep it */
	stats->references_cleared = 0;
	vmm_destroy(v);
}

static void replay_run(const struct replay_config *c, size_t step, struct vm_stats *stats)
{
	struct replay *r = replay_create(c);

	assert_non_null(r);
	assert_int_equal(replay_reserve(r, PAGES), 0);
	for (size_t i = 0; i < n_refs; i += step) {
		size_t k = n_refs - i < step ? n_refs - i : step;

		assert_int_equal(replay_feed(r, refs + i, k), 0);
	}
	assert_int_equal(replay_check(r), 0);
	*stats = *replay_stats(r);
	assert_int_equal(vm_stats_check(stats), 0);
	replay_destroy(r);
}

static void compare(const char *policy, uint32_t frames, bool time_faults)
{
	struct replay_config c = {
		.policy = policy, .frames = frames, .seed = 7, .time_faults = time_faults
	};
	struct vm_stats core, inlined, table;

	core_run(policy, frames, time_faults ? VMM_FLAG_TIME_FAULTS : 0, &core);
	replay_run(&c, 1000, &inlined);
	c.table = true;
	replay_run(&c, N_MAX, &table);
	for (uint32_t i = 0; i < vm_stat_count; i++) {
		uint64_t expected = vm_stat_get(&core, &vm_stat_list[i]);

		if (vm_stat_get(&inlined, &vm_stat_list[i]) == expected &&
		    vm_stat_get(&table, &vm_stat_list[i]) == expected)
			continue;
		fail_msg("%s, %u frames, %s: core %llu, inlined %llu, table %llu", policy, frames,
			 vm_stat_list[i].name, (unsigned long long)expected,
			 (unsigned long long)vm_stat_get(&inlined, &vm_stat_list[i]),
			 (unsigned long long)vm_stat_get(&table, &vm_stat_list[i]));
	}
}

/* Every policy, and the parameters that change what a policy must see. */
static void test_equal(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 3, 7, 20, 64, 150, 299, 300, 1000 };
	static const char *const more[] = { "clock:ref-at-load=0", "nru:reset=50", NULL };
	uint32_t n = getenv("FULL") ? N_MAX : 6000;

	(void)state;
	for (int writes = 0; writes < 2; writes++) {
		trace_make(1 + (uint64_t)writes, n, writes);
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			for (const struct policy_ops *const *p = policy_all(); *p; p++)
				if (replay_can(*p))
					compare((*p)->name, sizes[k], k & 1);
			for (const char *const *p = more; *p; p++)
				compare(*p, sizes[k], k & 1);
		}
	}
}

/* No policy may be left without a loop of its own. */
static void test_every_policy_has_a_unit(void **state)
{
	(void)state;
	for (const struct policy_ops *const *p = policy_all(); *p; p++) {
		struct replay_config c = { .policy = (*p)->name, .frames = 4 };
		struct replay *r = replay_create(&c), *table;

		if (!replay_can(*p)) {
			assert_null(r);
			assert_int_equal(errno, ENOTSUP);
			continue;
		}
		assert_non_null(r);
		c.table = true;
		table = replay_create(&c);
		assert_non_null(table);
		assert_ptr_equal(replay_policy(table), *p);
		assert_ptr_not_equal(replay_policy(r), *p);
		replay_destroy(r);
		replay_destroy(table);
	}
}

/* Pages that are unmapped now and then, in the core and in the engine. */
static void test_forget(void **state)
{
	(void)state;
	trace_make(3, 6000, true);
	for (const struct policy_ops *const *p = policy_all(); *p; p++) {
		struct vmm_config vc = { .frames = 40, .policy = (*p)->name };
		struct replay_config rc = { .policy = (*p)->name, .frames = 40 };
		struct replay *r = replay_create(&rc);
		struct vmm *v = vmm_create(&vc);

		if (!replay_can(*p)) {
			vmm_destroy(v);
			continue;
		}
		assert_non_null(r);
		assert_non_null(v);
		assert_int_equal(replay_reserve(r, PAGES), 0);
		for (uint32_t i = 0; i < n_refs; i++) {
			uint32_t page = refs[i] & REPLAY_PAGE;

			vmm_access(v, 1, (uint64_t)page << 12, refs[i] >> 31);
			assert_int_equal(replay_feed(r, &refs[i], 1), 0);
			if (i % 50 == 49) {
				/* the next page that the core sees takes the id over, so it is the same one */
				page = refs[i - 20] & REPLAY_PAGE;
				core_unmap(v, 1, page, 1, REMOVE_UNMAP, NULL, NULL);
				vmm_access(v, 1, (uint64_t)page << 12, 0);
				replay_forget(r, page, REMOVE_UNMAP);
				assert_int_equal(replay_feed(r, &page, 1), 0);
			}
		}
		assert_int_equal(replay_check(r), 0);
		assert_int_equal(replay_stats(r)->faults, vmm_stats(v)->faults);
		assert_int_equal(replay_stats(r)->faults_major, vmm_stats(v)->faults_major);
		assert_int_equal(replay_stats(r)->evictions_dirty, vmm_stats(v)->evictions_dirty);
		assert_int_equal(replay_stats(r)->footprint_pages, vmm_stats(v)->footprint_pages);
		replay_destroy(r);
		vmm_destroy(v);
	}
}

static void test_create_errors(void **state)
{
	struct replay_config c = { .policy = "lru" };

	(void)state;
	assert_null(replay_create(&c));
	assert_int_equal(errno, EINVAL);
	c = (struct replay_config){ .policy = "nosuch", .frames = 1 };
	assert_null(replay_create(&c));
	assert_int_equal(errno, ENOENT);
	c.policy = "nru:reset=x";
	assert_null(replay_create(&c));
	assert_int_equal(errno, EINVAL);
	replay_destroy(NULL);
}

/* Belady's string: what he found in 1966. */
static void test_belady(void **state)
{
	static const uint32_t string[] = { 0, 1, 2, 3, 0, 1, 4, 0, 1, 2, 3, 4 };
	static const struct {
		const char *policy;
		uint32_t frames, faults;
	} expected[] = { { "fifo", 3, 9 }, { "fifo", 4, 10 }, { "lru", 3, 10 }, { "lru", 4, 8 } };
	struct vm_stats stats;

	(void)state;
	n_refs = sizeof(string) / sizeof(string[0]);
	memcpy(refs, string, sizeof(string));
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		struct replay_config c = { .policy = expected[i].policy,
					   .frames = expected[i].frames };

		replay_run(&c, N_MAX, &stats);
		assert_int_equal(stats.faults, expected[i].faults);
	}
}

/* --- stack distances --------------------------------------------------------------------------------------------- */

static void test_stack_distance(void **state)
{
	uint32_t *distance = malloc(N_MAX * sizeof(*distance));
	uint32_t stack[PAGES], depth = 0;
	struct stack_distance s;

	(void)state;
	assert_non_null(distance);
	trace_make(4, 100000, true); /* the axis of 300 pages is renumbered three times */
	assert_int_equal(stack_distance_init(&s), 0);
	for (uint32_t i = 0; i < n_refs; i += 777) {
		uint32_t k = n_refs - i < 777 ? n_refs - i : 777;

		assert_int_equal(stack_distance_feed(&s, refs + i, k, PAGES, distance + i), 0);
	}
	for (uint32_t i = 0; i < n_refs; i++) {
		uint32_t page = refs[i] & REPLAY_PAGE, d = 0;

		while (d < depth && stack[d] != page)
			d++;
		assert_int_equal(distance[i], d == depth ? STACK_DISTANCE_COLD : d + 1);
		depth += d == depth;
		memmove(stack + 1, stack, d * sizeof(stack[0]));
		stack[0] = page;
	}
	stack_distance_destroy(&s);
	free(distance);
}

static void test_stack_forget(void **state)
{
	static const uint32_t string[] = { 0, 1, 2, 3 }, again[] = { 1, 0, 3 };
	uint32_t distance[4];
	struct stack_distance s;

	(void)state;
	assert_int_equal(stack_distance_init(&s), 0);
	assert_int_equal(stack_distance_feed(&s, string, 4, 4, distance), 0);
	stack_distance_forget(&s, 1);
	stack_distance_forget(&s, 1);
	stack_distance_forget(&s, 99);
	assert_int_equal(stack_distance_feed(&s, again, 3, 4, distance), 0);
	assert_int_equal(distance[0], STACK_DISTANCE_COLD);
	assert_int_equal(distance[1], 4); /* 2, 3, 1 and itself */
	assert_int_equal(distance[2], 3);
	stack_distance_destroy(&s);
}

/* --- OPT --------------------------------------------------------------------------------------------------------- */

/* The next use of each resident page is searched from scratch. */
static uint64_t opt_brute(uint32_t frames, uint64_t warmup)
{
	uint32_t resident[PAGES], used = 0;
	uint64_t misses = 0;

	for (uint32_t i = 0; i < n_refs; i++) {
		uint32_t page = refs[i] & REPLAY_PAGE, k = 0, victim = 0, far = 0;

		while (k < used && resident[k] != page)
			k++;
		if (k < used)
			continue;
		misses += i >= warmup;
		if (used < frames) {
			resident[used++] = page;
			continue;
		}
		for (k = 0; k < used; k++) {
			uint32_t j = i + 1;

			while (j < n_refs && (refs[j] & REPLAY_PAGE) != resident[k])
				j++;
			if (j > far) {
				far = j;
				victim = k;
			}
		}
		resident[victim] = page;
	}
	return misses;
}

static void test_opt(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 3, 10, 50, 100, 299, 300, 400 };
	enum { N = sizeof(sizes) / sizeof(sizes[0]) };
	uint64_t misses[N];

	(void)state;
	trace_make(5, 3000, true);
	for (int file = 0; file < 2; file++) {
		struct replay_array a;
		struct opt_table t;

		replay_array_init(&a, refs, n_refs);
		assert_int_equal(opt_table_make(&t, &a.source, 0, file ? 100 : UINT64_MAX), 0);
		assert_int_equal(t.n, n_refs);
		assert_int_equal(t.file_bytes != 0, file);
		assert_int_equal(opt_curve(&t, sizes, N, 500, 3, NULL, NULL, misses), 0);
		for (int i = 0; i < N; i++)
			assert_int_equal(misses[i], opt_brute(sizes[i], 500));
		opt_table_destroy(&t);
	}
}

static void test_opt_small(void **state)
{
	static const uint32_t string[] = { 0, 1, 2, 3, 0, 1, 4, 0, 1, 2, 3, 4 };
	struct replay_array a;
	struct opt_table t;
	uint64_t misses;

	(void)state;
	replay_array_init(&a, string, 12);
	assert_int_equal(opt_table_make(&t, &a.source, 0, UINT64_MAX), 0);
	assert_int_equal(opt_misses(&t, 3, 0, &misses), 0);
	assert_int_equal(misses, 7);
	assert_int_equal(opt_misses(&t, 4, 0, &misses), 0);
	assert_int_equal(misses, 6);
	assert_int_equal(opt_misses(&t, 0, 0, &misses), -EINVAL);
	opt_table_destroy(&t);
	replay_array_init(&a, string, 0);
	assert_int_equal(opt_table_make(&t, &a.source, 0, UINT64_MAX), 0);
	assert_int_equal(opt_misses(&t, 1, 0, &misses), 0);
	assert_int_equal(misses, 0);
	opt_table_destroy(&t);
}

/* --- samples ----------------------------------------------------------------------------------------------------- */

static uint64_t lru_misses(uint32_t frames)
{
	struct replay_config c = { .policy = "lru", .frames = frames };
	struct vm_stats stats;

	replay_run(&c, N_MAX, &stats);
	return stats.faults;
}

/* All pages sampled: the curve itself. */
static void test_shards_all(void **state)
{
	struct shards *s = shards_create(1, 0, 9);

	(void)state;
	trace_make(6, 20000, false);
	assert_non_null(s);
	assert_int_equal(shards_feed(s, refs, n_refs), 0);
	assert_int_equal(shards_sampled(s), n_refs);
	for (uint32_t frames = 1; frames < 128; frames += 9)
		assert_int_equal(shards_miss_ratio(s, frames) * n_refs + 0.5, lru_misses(frames));
	shards_destroy(s);
	assert_null(shards_create(0, 0, 1));
	assert_null(shards_create(1.5, 0, 1));
	shards_destroy(NULL);
}

/* The mean of many samples is near the curve, and a fixed size is kept. */
static void test_shards_sampled(void **state)
{
	enum { SALTS = 32 };

	(void)state;
	trace_make(6, 20000, false);
	for (uint32_t pages_max = 0; pages_max <= 60; pages_max += 60) {
		double ratio[SALTS], mean, half, truth = (double)lru_misses(100) / n_refs;

		for (uint32_t k = 0; k < SALTS; k++) {
			struct shards *s = shards_create(pages_max ? 1 : 0.2, pages_max, k);

			assert_non_null(s);
			assert_int_equal(shards_feed(s, refs, n_refs), 0);
			if (pages_max)
				assert_true(shards_pages(s) <= pages_max && shards_rate(s) < 1);
			ratio[k] = shards_miss_ratio(s, 100);
			shards_destroy(s);
		}
		shards_interval(ratio, SALTS, &mean, &half);
		assert_true(half > 0 && half < 0.1);
		assert_true(mean > truth - 0.05 && mean < truth + 0.05);
	}
}

/* --- sweeps ------------------------------------------------------------------------------------------------------ */

static void sweep_all(uint32_t jobs, uint64_t warmup, struct sweep_cell *cells, uint32_t n,
		      struct sweep_totals *totals)
{
	static const char *const policies[] = { "fifo", "lru", "random", "nru", "sieve" };
	struct replay_array a;
	struct sweep s = { .source = &a.source,
			   .cells = cells,
			   .n_cells = n,
			   .jobs = jobs,
			   .warmup = warmup,
			   .block = 1000 };
	uint32_t bad;

	replay_array_init(&a, refs, n_refs);
	for (uint32_t i = 0; i < n; i++)
		cells[i].config = (struct replay_config){ .policy = policies[i % 5],
							  .frames = 10 + i,
							  .seed = 3 };
	assert_int_equal(sweep_run(&s, &bad), 0);
	*totals = s.totals;
}

static void test_sweep(void **state)
{
	enum { N = 15 };
	struct sweep_cell one[N], many[N], warm[N];
	struct sweep_totals totals;

	(void)state;
	trace_make(7, 20000, true);
	sweep_all(1, 0, one, N, &totals);
	assert_int_equal(totals.references, n_refs);
	assert_int_equal(totals.pages, totals.pages_cold);
	for (uint32_t jobs = 2; jobs <= 20; jobs += 6) {
		sweep_all(jobs, 0, many, N, &totals);
		for (uint32_t i = 0; i < N; i++)
			assert_memory_equal(&one[i].stats, &many[i].stats, sizeof(one[i].stats));
	}
	/* what was counted before and after the warm-up adds up */
	sweep_all(2, 5000, warm, N, &totals);
	assert_int_equal(totals.warmup, 5000);
	n_refs = 5000;
	sweep_all(2, 0, many, N, &totals);
	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(one[i].stats.faults, many[i].stats.faults + warm[i].stats.faults);
		assert_int_equal(one[i].stats.writes, many[i].stats.writes + warm[i].stats.writes);
		assert_int_equal(one[i].stats.evictions_dirty,
				 many[i].stats.evictions_dirty + warm[i].stats.evictions_dirty);
	}
}

static int stop(void *arg, uint64_t references, double done)
{
	(void)done;
	*(uint64_t *)arg = references;
	return -ECANCELED;
}

static void test_sweep_errors(void **state)
{
	struct sweep_cell cells[2] = { { .config = { .policy = "lru", .frames = 1 } },
				       { .config = { .policy = "nosuch", .frames = 1 } } };
	struct replay_array a;
	uint64_t references = 0;
	uint32_t bad = 9;
	struct sweep s = { .source = &a.source, .cells = cells, .n_cells = 2, .jobs = 2 };

	(void)state;
	replay_array_init(&a, refs, 1000);
	assert_int_equal(sweep_run(&s, &bad), -ENOENT);
	assert_int_equal(bad, 1);
	s.n_cells = 1;
	s.references_max = 100;
	s.progress = stop;
	s.progress_arg = &references;
	assert_int_equal(sweep_run(&s, &bad), -ECANCELED);
	assert_int_equal(references, 100);
	assert_true(sweep_jobs_default() >= 1);
}

static uint32_t own_fed;

static int own_feed(struct replay *r, const uint32_t *refs, size_t n, bool writes)
{
	(void)r;
	(void)refs;
	(void)writes;
	own_fed += (uint32_t)n;
	return 0;
}

/* A policy that was added at run time is replayed by its own loop; one without a loop through its table. */
static void test_added(void **state)
{
	static struct policy_ops with, without;
	static const struct replay_unit unit = { &with, own_feed };
	struct replay_config c = { .policy = "with-loop", .frames = 2 };
	static const uint32_t refs[] = { 0, 1, 2, 0 };
	struct replay *r;

	(void)state;
	with = *policy_find("fifo");
	with.alias = NULL;
	without = with;
	with.name = "with-loop";
	without.name = "without-loop";
	assert_int_equal(policy_registry_add(&with), 0);
	assert_int_equal(policy_registry_add(&without), 0);
	assert_int_equal(replay_unit_add(&with, &unit, REPLAY_ABI + 1), -EINVAL);
	assert_int_equal(replay_unit_add(&with, &unit, REPLAY_ABI), 0);
	r = replay_create(&c);
	assert_non_null(r);
	assert_int_equal(replay_reserve(r, 3), 0);
	assert_int_equal(replay_feed(r, refs, 4), 0);
	assert_int_equal(own_fed, 4);
	replay_destroy(r);
	c.policy = "without-loop";
	r = replay_create(&c);
	assert_non_null(r);
	assert_int_equal(replay_reserve(r, 3), 0);
	assert_int_equal(replay_feed(r, refs, 4), 0);
	assert_int_equal(replay_stats(r)->faults, 4);
	assert_int_equal(own_fed, 4);
	replay_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_every_policy_has_a_unit),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_create_errors),
		cmocka_unit_test(test_belady),
		cmocka_unit_test(test_stack_distance),
		cmocka_unit_test(test_stack_forget),
		cmocka_unit_test(test_opt),
		cmocka_unit_test(test_opt_small),
		cmocka_unit_test(test_shards_all),
		cmocka_unit_test(test_shards_sampled),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_sweep_errors),
		cmocka_unit_test(test_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
