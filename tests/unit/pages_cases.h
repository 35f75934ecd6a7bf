/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages_cases.h - strings of references, and every policy with the parameters under which the core is compared with the
 * brute-force model tests/model/pages.h. One test program includes it once.
 */
#ifndef TESTS_UNIT_PAGES_CASES_H
#define TESTS_UNIT_PAGES_CASES_H

#include "core/vmm.h"
#include "tests/model/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH_MAX 3000u

static struct pages_ref string[LENGTH_MAX];
static uint64_t next_use[LENGTH_MAX];
static uint32_t length;
static uint64_t prng = 11; /* of the strings */

static uint32_t pick(uint32_t n)
{
	prng = prng * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((prng >> 33) % n);
}

static uint32_t skewed(uint32_t pages)
{
	uint32_t r = pages;

	while (r > 1 && pick(2))
		r = r / 2 + r % 2;
	return pick(r);
}

enum kind { UNIFORM, SKEWED, LOOP, PHASED, SCAN, KINDS };

static uint32_t reference(enum kind kind, uint32_t k, uint32_t pages)
{
	switch (kind) {
	case UNIFORM:
		return pick(pages);
	case LOOP:
		return pick(40) ? k % pages : skewed(pages);
	case PHASED:
		return k / (length / 4 + 1) * (pages / 3) + skewed(pages / 2 + 1);
	case SCAN: /* a hot set, and now and then a run of pages used once */
		return k % 100 < 30 ? pages + k / 100 % 8 * 30 + k % 100 : skewed(pages);
	default:
		return skewed(pages);
	}
}

/* Pages are numbered in the order of their first use. */
static void make_string(enum kind kind, uint32_t n, uint32_t pages, uint32_t write_percent)
{
	static uint64_t at[PAGES_MAX];
	static uint32_t number[PAGES_MAX];
	uint32_t pages_seen = 0;

	length = n;
	memset(number, 0xff, sizeof(number));
	for (uint32_t k = 0; k < n; k++) {
		uint32_t page = reference(kind, k, pages);

		if (number[page] == UINT32_MAX)
			number[page] = pages_seen++;
		string[k] = (struct pages_ref){ number[page], pick(100) < write_percent };
	}
	memset(at, 0xff, sizeof(at));
	for (uint32_t k = n; k--;) {
		next_use[k] = at[string[k].page];
		at[string[k].page] = k;
	}
}

static void run_core(const char *policy, uint32_t frames, struct pages_counts *counts)
{
	struct vmm_config c = { .frames = frames, .policy = policy };
	struct vmm *v = vmm_create(&c);

	assert_non_null(v);
	for (uint32_t k = 0; k < length; k++)
		assert_true(vmm_access_next(v, 1, (uint64_t)string[k].page << 12, string[k].write,
					    next_use[k]) >= 0);
	counts->faults = vmm_stats(v)->faults;
	counts->evictions = vmm_stats(v)->evictions;
	counts->evictions_dirty = vmm_stats(v)->evictions_dirty;
	counts->writebacks = vmm_stats(v)->writebacks;
	counts->resident_sum = vmm_stats(v)->resident_sum;
	vmm_destroy(v);
}

static const struct {
	const char *policy, *params;
	uint64_t value[PAGES_VALUES];
} cases[] = {
	{ "fifo", "", { 0 } },
	{ "lru", "", { 0 } },
	{ "random", "", { 0 } },
	{ "clock", "", { 1 } },
	{ "clock", ":ref-at-load=0", { 0 } },
	{ "sieve", "", { 0 } },
	{ "nru", "", { 0 } },
	{ "nru", ":reset=11", { 11 } },
	{ "mru", "", { 0 } },
	{ "lfu", "", { 0 } },
	{ "lfuda", "", { 0 } },
	{ "slru", "", { 80 } },
	{ "slru", ":protected=35", { 35 } },
	{ "lru-k", "", { 2, 0, 100 } },
	{ "lru-k", ":k=1", { 1, 0, 100 } },
	{ "lru-k", ":k=3,correlated=5,history=30", { 3, 5, 30 } },
	{ "lru-k", ":correlated=60,history=0", { 2, 60, 0 } },
	{ "opt", "", { 0 } },
	{ "gclock", "", { 1, 1, 5, 0 } },
	{ "gclock", ":init=2,add=0,cap=3", { 2, 0, 3, 0 } },
	{ "gclock", ":bit=1", { 1, 1, 5, 1 } },
	{ "gclock", ":init=0,bit=1,cap=2", { 0, 1, 2, 1 } },
	{ "enhanced-clock", "", { 2 } },
	{ "enhanced-clock", ":clear-turn=1", { 1 } },
	{ "aging", "", { 0, 8, 1 } },
	{ "aging", ":tick=7,bits=3", { 7, 3, 1 } },
	{ "aging", ":tick=50,load=0", { 50, 8, 0 } },
	{ "nfu", "", { 0, 0 } },
	{ "nfu", ":tick=9,load=1", { 9, 1 } },
	{ "ws", "", { 0, 0, 1 } },
	{ "ws", ":variable=0", { 0, 0, 0 } },
	{ "ws", ":tau=25,sample=10", { 25, 10, 1 } },
	{ "ws", ":tau=25,sample=10,variable=0", { 25, 10, 0 } },
	{ "ws", ":tau=15,sample=1", { 15, 1, 1 } },
	{ "vmin", "", { 0, 1 } },
	{ "vmin", ":tau=15", { 15, 1 } },
	{ "vmin", ":tau=20,variable=0", { 20, 0 } },
	{ "wsclock", "", { 0, 32 } },
	{ "wsclock", ":tau=150", { 150, 32 } },
	{ "wsclock", ":tau=20,writes=1", { 20, 1 } },
	{ "wsclock", ":tau=6,writes=3", { 6, 3 } },
	{ "2q", "", { 25, 50 } },
	{ "2q", ":kin=60,kout=200", { 60, 200 } },
	{ "arc", "", { 0 } },
	{ "car", "", { 0 } },
	{ "s3-fifo", "", { 10, 90, 2, 2, 0 } },
	{ "s3-fifo", ":fill-main=1,small=30,ghost=40", { 30, 40, 2, 2, 1 } },
	{ "s3-fifo", ":bits=1,promote=1", { 10, 90, 1, 1, 0 } },
	{ "s3-fifo", ":bits=3,promote=4,small=50", { 50, 90, 4, 3, 0 } },
	{ "lirs", "", { 1, 200 } },
	{ "lirs", ":hir=20,stack=120", { 20, 120 } },
	{ "lirs", ":hir=100,stack=1000", { 100, 1000 } },
	{ "linux2", "", { 32 } },
	{ "linux2", ":batch=1", { 1 } },
	{ "mglru", "", { 0 } },
	{ "w-tinylfu", "", { 1, 80, 10 } },
	{ "w-tinylfu", ":window=30,protected=50,sample=2", { 30, 50, 2 } },
	{ "lecar", "", { 45, 100 } },
	{ "lecar", ":rate=90,history=40", { 90, 40 } },
	{ "cacheus", "", { 0, 50, 1 } },
	{ "cacheus", ":rate=300,history=150,r=20", { 300, 150, 20 } },
	{ "cacheus", ":rate=1000,history=0,r=100", { 1000, 0, 100 } },
	{ "clock-pro", "", { 1 } },
	{ "clock-pro", ":cold=50", { 50 } },
};

/* 1 when they differ. */
static int cases_compare(size_t i, uint32_t frames)
{
	struct pages_counts core, model;
	char spec[96];

	snprintf(spec, sizeof(spec), "%s%s", cases[i].policy, cases[i].params);
	run_core(spec, frames, &core);
	assert_int_equal(pages_run(cases[i].policy, cases[i].value, frames, string, length, &model),
			 0);
	if (memcmp(&core, &model, sizeof(core)) == 0)
		return 0;
	print_message("%s, %u frames: core %llu faults, %llu dirty; model %llu, %llu\n", spec,
		      frames, (unsigned long long)core.faults,
		      (unsigned long long)core.evictions_dirty, (unsigned long long)model.faults,
		      (unsigned long long)model.evictions_dirty);
	return 1;
}

#define CASES (sizeof(cases) / sizeof(cases[0]))

#endif
