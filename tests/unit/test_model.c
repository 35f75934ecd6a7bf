/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_model.c - the core and the brute-force model agree to the digit on random, Zipf, looping and phased strings at
 * many frame counts, with one and with several processes, and with processes that hold pages as threads do.
 */
#include "core/vmm.h"
#include "tests/model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH 20000u

static struct model_access string[LENGTH];
static uint64_t prng = 7;

static uint32_t pick(uint32_t n)
{
	prng = prng * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((prng >> 33) % n);
}

/* Each makes reference k to one of about `pages` pages. */
static uint64_t uniform(uint32_t k, uint32_t pages)
{
	(void)k;
	return pick(pages);
}

/* As Zipf's law has it: small numbers far more often. */
static uint64_t skewed(uint32_t k, uint32_t pages)
{
	uint32_t r = pages;

	(void)k;
	while (r > 1 && pick(2))
		r = r / 2 + r % 2;
	return pick(r);
}

static uint64_t loop(uint32_t k, uint32_t pages)
{
	return pick(50) ? k % pages : pick(4) + pages;
}

static uint64_t phased(uint32_t k, uint32_t pages)
{
	return k / (LENGTH / 5) * (pages / 2) + skewed(k, pages / 2 + 1);
}

/* Scattered over the whole address space. */
static uint64_t sparse(uint32_t k, uint32_t pages)
{
	return skewed(k, pages) * 0x9E3779B97F4A7C15u >> 12;
}

static void make_string(uint64_t (*reference)(uint32_t, uint32_t), uint32_t pages, uint32_t pids,
			uint32_t write_percent)
{
	for (uint32_t k = 0; k < LENGTH; k++)
		string[k] = (struct model_access){
			.pid = pick(pids) + 10,
			.write = pick(100) < write_percent,
			.page = reference(k, pages),
		};
}

static void run_core(const char *policy, const struct model_config *m, struct vm_stats *stats)
{
	struct vmm_config c = {
		.size = sizeof(c),
		.frames = m->frames,
		.flags = VMM_FLAG_TIME_FAULTS | VMM_FLAG_TRACK_DIRTY |
			 (m->hold ? VMM_FLAG_LIVE : VMM_FLAG_PROBATION),
		.seed = m->seed,
		.policy = policy,
	};
	struct vmm *v = vmm_create(&c);

	assert_non_null(v);
	for (uint32_t k = 0; k < LENGTH; k++)
		assert_true(vmm_access(v, string[k].pid, string[k].page << 12 | 123,
				       string[k].write) >= 0);
	*stats = *vmm_stats(v);
	assert_int_equal(vm_stats_check(stats), 0);
	vmm_destroy(v);
}

static void compare(const char *policy, const struct model_config *c)
{
	struct model_counts m;
	struct vm_stats s;

	run_core(policy, c, &s);
	assert_int_equal(model_run(c, string, LENGTH, &m), 0);
	assert_int_equal(s.faults, m.faults);
	assert_int_equal(s.faults_zero, m.faults_zero);
	assert_int_equal(s.evictions, m.evictions);
	assert_int_equal(s.evictions_dirty, m.evictions_dirty);
	assert_int_equal(s.faults_soft, m.soft);
	assert_int_equal(s.faults_write, m.writes);
	assert_int_equal(s.store_writes, m.evictions_dirty);
	assert_int_equal(s.store_reads, m.faults - m.faults_zero);
	assert_int_equal(s.accesses, LENGTH);
}

static void compare_at(const uint32_t *sizes, size_t n, int hold)
{
	for (size_t i = 0; i < n; i++) {
		struct model_config c = { .frames = sizes[i], .seed = 42 + i, .hold = hold };

		c.policy = MODEL_FIFO;
		compare("fifo", &c);
		c.policy = MODEL_RANDOM;
		compare("random", &c);
		c.policy = MODEL_CLOCK;
		compare("clock", &c);
		c.policy = MODEL_SIEVE;
		compare("sieve", &c);
		c.policy = MODEL_NRU;
		compare("nru", &c);
		c.reset = 37;
		compare("nru:reset=37", &c);
		c.reset = 1000;
		compare("nru:reset=1000", &c);
	}
}

struct string {
	uint64_t (*reference)(uint32_t, uint32_t);
	uint32_t pages, pids, write_percent;
};

static void test_agree(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 3, 4, 5, 7, 8, 16, 31, 64, 65, 127, 128, 200, 300 };
	static const struct string strings[] = {
		{ uniform, 10, 1, 30 }, { uniform, 250, 1, 5 },  { skewed, 1000, 1, 20 },
		{ skewed, 300, 3, 50 }, { loop, 60, 1, 0 },      { loop, 130, 1, 10 },
		{ phased, 200, 1, 25 }, { phased, 100, 5, 100 }, { sparse, 200, 2, 30 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		make_string(strings[i].reference, strings[i].pages, strings[i].pids,
			    strings[i].write_percent);
		compare_at(sizes, sizeof(sizes) / sizeof(sizes[0]), 0);
	}
}

/* With one process it makes no difference. */
static void test_agree_holding(void **state)
{
	static const uint32_t sizes[] = { 12, 13, 25, 48, 64, 100, 250 };
	static const struct string strings[] = {
		{ uniform, 50, 1, 30 }, { skewed, 300, 1, 20 }, { uniform, 40, 2, 30 },
		{ skewed, 200, 3, 50 }, { loop, 50, 2, 10 },    { phased, 100, 6, 20 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		make_string(strings[i].reference, strings[i].pages, strings[i].pids,
			    strings[i].write_percent);
		compare_at(sizes, sizeof(sizes) / sizeof(sizes[0]), 1);
		if (strings[i].pids == 1)
			compare_at(sizes, sizeof(sizes) / sizeof(sizes[0]), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agree),
		cmocka_unit_test(test_agree_holding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
