/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mmu.c - translation inside vmm_access: it changes no decision, its tables follow every change of the core, and its
 * counts are those of a plain model (fifo, a list as TLB, the set of pages seen as page table).
 */
#include "core/core.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct vmm *make(const char *policy, uint32_t frames, uint32_t flags, uint32_t batch,
			const struct vmm_mmu *mmu)
{
	struct vmm_config c = { .frames = frames,
				.policy = policy,
				.flags = flags,
				.batch = batch,
				.seed = 7,
				.mmu = mmu };

	return vmm_create(&c);
}

/* Counters that both have must be equal. */
static void assert_same_decisions(const struct vmm *with, const struct vmm *without)
{
	const struct vm_stats *a = vmm_stats(with), *b = vmm_stats(without);

	for (uint32_t i = 0; i < vm_stat_count; i++)
		if (strncmp(vm_stat_list[i].name, "tlb_", 4) &&
		    strncmp(vm_stat_list[i].name, "pt_", 3))
			assert_int_equal(vm_stat_get(a, &vm_stat_list[i]),
					 vm_stat_get(b, &vm_stat_list[i]));
		else
			assert_int_equal(vm_stat_get(b, &vm_stat_list[i]), 0);
}

/* A reference or, rarely, what else a driver does. */
static void step(struct vmm *v, struct rng *rng, uint32_t k)
{
	uint32_t pid = 1 + (uint32_t)rng_below(rng, 3), page;
	uint64_t vpn = rng_below(rng, 40) * (rng_below(rng, 3) ? 1 : 300);
	uint64_t what = rng_below(rng, 200);
	struct plan plan;

	if (what == 0) {
		core_unmap(v, pid, vpn, 30, REMOVE_UNMAP, NULL, NULL);
	} else if (what == 1) {
		core_unmap(v, pid, 50000, 100, REMOVE_UNMAP, NULL, NULL);
		assert_int_equal(core_remap(v, pid, vpn, 50000, 20), 0);
	} else if (what == 2) {
		core_adopt(v, pid, vpn, 0, k % 2 ? FRAME_DIRTY : 0, &page);
	} else if (what == 3 && core_room_begin(v, &plan) == 0) {
		for (uint32_t i = 0; i < plan.n_evict; i++)
			if (i % 3 == 2)
				core_evict_failed(v, plan.evict[i]);
			else
				core_evicted(v, plan.evict[i], -1);
		for (uint32_t i = 0; i < plan.n_idle; i += 4)
			core_idle_failed(v, plan.idle[i]);
		core_fill(v, &plan);
	} else {
		assert_true(vmm_access(v, pid, vpn << 12 | (k & 4095), rng_below(rng, 3) == 0) >=
			    0);
	}
}

static void test_follows(void **state)
{
	static const char *const policies[] = { "fifo", "clock", "sieve", "lru", "nru", "random" };
	static const struct vmm_mmu mmus[] = {
		{ "four", NULL, 0 },
		{ NULL, "8x2", 0 },
		{ "four", "8x2,l2=24x3", 3 },
		{ "hashed", "16,policy=plru,asid", 0 },
		{ "inverted", "l1=8x4,policy=random,asid=2", 0 },
		{ "two", "4,policy=fifo", 2 },
	};
	static const uint32_t flags[] = { 0, VMM_FLAG_TRACK_DIRTY, VMM_FLAG_PROBATION,
					  VMM_FLAG_LIVE | VMM_FLAG_TRACK_DIRTY };

	(void)state;
	for (uint32_t p = 0; p < 6; p++)
		for (uint32_t m = 0; m < 6; m++)
			for (uint32_t f = (p + m) % 2; f < 4; f += 2) {
				uint32_t batch = 1 + (p + m + f) % 3 * 4;
				struct vmm *a = make(policies[p], 24, flags[f], batch, &mmus[m]);
				struct vmm *b = make(policies[p], 24, flags[f], batch, NULL);
				struct rng rng_a = { p + 10 * m }, rng_b = rng_a;

				assert_non_null(a);
				for (uint32_t k = 0; k < 500; k++) {
					step(a, &rng_a, k);
					step(b, &rng_b, k);
					if (k % 16 == 0)
						assert_int_equal(core_check(a), 0);
				}
				assert_same_decisions(a, b);
				vmm_destroy(a);
				vmm_destroy(b);
			}
}

/* Pages that a policy gives back although nobody needs their frames leave the TLB too. */
static void test_given_back(void **state)
{
	static const struct vmm_mmu mmu = { "four", "8x2", 0 };
	static const char *const policies[] = { "vmin:tau=6", "ws:tau=6" };

	(void)state;
	for (uint32_t p = 0; p < 2; p++) {
		struct vmm *v = make(policies[p], 24, 0, 1, &mmu);
		struct rng rng = { p };

		assert_non_null(v);
		for (uint64_t k = 0; k < 400; k++) {
			uint64_t next = k + 1 + rng_below(&rng, 12);

			assert_true(vmm_access_next(v, 1, rng_below(&rng, 30) << 12, k & 1, next) >=
				    0);
			assert_int_equal(core_check(v), 0);
		}
		assert_true(vmm_stats(v)->evictions > 0);
		vmm_destroy(v);
	}
}

#define FRAMES 20u
#define HELD 6u
#define SEEN 64u

struct model {
	uint64_t queue[FRAMES], tlb[HELD],
		seen[SEEN]; /* oldest first; tlb: least recently used first */
	uint32_t n_queue, n_tlb, n_seen;
	bool dirty[1 << 16];
	uint64_t hits, misses, walk_accesses, shootdowns;
};

static bool list_remove(uint64_t *list, uint32_t *n, uint64_t vpn)
{
	for (uint32_t i = 0; i < *n; i++)
		if (list[i] == vpn) {
			memmove(&list[i], &list[i + 1], (--*n - i) * sizeof(*list));
			return true;
		}
	return false;
}

/* Levels of a four-level table that exist on the way to vpn. */
static uint32_t depth(const struct model *m, uint64_t vpn)
{
	uint32_t levels = m->n_seen ? 1 : 0;

	for (uint32_t level = 3; level; level--)
		for (uint32_t i = 0; i < m->n_seen; i++)
			if (m->seen[i] >> 9 * level == vpn >> 9 * level) {
				levels++;
				break;
			}
	return levels;
}

static void model_access(struct model *m, uint64_t vpn, bool write)
{
	bool hit = list_remove(m->tlb, &m->n_tlb, vpn), resident = false;

	for (uint32_t i = 0; i < m->n_queue; i++)
		resident |= m->queue[i] == vpn;
	m->hits += hit;
	m->misses += !hit;
	if (!hit)
		m->walk_accesses += depth(m, vpn);
	if (!resident && m->n_queue == FRAMES) {
		m->dirty[m->queue[0]] = false;
		list_remove(m->tlb, &m->n_tlb, m->queue[0]);
		m->shootdowns++;
		list_remove(m->queue, &m->n_queue, m->queue[0]);
	}
	if (!resident) {
		list_remove(m->seen, &m->n_seen, vpn);
		m->seen[m->n_seen++] = vpn;
		m->queue[m->n_queue++] = vpn;
		m->walk_accesses += 4;
	} else if (hit && write && !m->dirty[vpn]) {
		m->walk_accesses += 4;
	}
	m->dirty[vpn] |= write;
	if (m->n_tlb == HELD)
		list_remove(m->tlb, &m->n_tlb, m->tlb[0]);
	m->tlb[m->n_tlb++] = vpn;
}

static void test_counts(void **state)
{
	static const struct vmm_mmu mmu = { "four", "6", 0 };
	static struct model m;
	struct vmm *v = make("fifo", FRAMES, 0, 1, &mmu);
	const struct vm_stats *s;
	struct rng rng = { 1 };

	(void)state;
	for (uint32_t k = 0; k < 30000; k++) {
		uint64_t i = rng_below(&rng, rng_below(&rng, SEEN / 2) + 1);
		uint64_t vpn = i % 5 * 9000 + i; /* several PTs */
		bool write = rng_below(&rng, 4) == 0;

		assert_true(vmm_access(v, 1, vpn << 12, write) >= 0);
		model_access(&m, vpn, write);
	}
	s = vmm_stats(v);
	assert_int_equal(s->tlb_hits, m.hits);
	assert_int_equal(s->tlb_misses, m.misses);
	assert_int_equal(s->pt_walk_accesses, m.walk_accesses);
	assert_int_equal(s->tlb_shootdowns, m.shootdowns);
	assert_int_equal(s->tlb_reach_bytes, HELD * 4096);
	assert_true(s->tlb_hits > 5000 && s->tlb_misses > 5000 && s->faults > 100);
	assert_int_equal(core_check(v), 0);
	vmm_destroy(v);
}

/* Five references in order, by hand. */
static void test_by_hand(void **state)
{
	static const struct vmm_mmu mmu = { "four", "2", 0 };
	struct vmm *v = make("clock", 2, 0, 1, &mmu);
	const struct vm_stats *s = vmm_stats(v);

	(void)state;
	vmm_access(v, 1, 0x1000, 0); /* nothing to walk; fault; 4 */
	assert_int_equal(vmm_stats(v)->pt_walk_accesses, 4);
	assert_int_equal(s->pt_bytes, 4 * 4096);
	vmm_access(v, 1, 0x1008, 0); /* hit */
	assert_int_equal(s->tlb_hits, 1);
	vmm_access(v, 1, 0x1008, 1); /* hit; 4 to set the dirty bit */
	assert_int_equal(vmm_stats(v)->pt_walk_accesses, 8);
	vmm_access(v, 1, 0x2000, 1); /* 4 to find nothing; fault; 4 */
	assert_int_equal(vmm_stats(v)->pt_walk_accesses, 16);
	vmm_access(v, 2, 0x1000, 0); /* another space: flush; fault, one page leaves */
	assert_int_equal(s->tlb_misses, 3);
	assert_int_equal(vmm_stats(v)->pt_bytes, 8 * 4096);
	assert_int_equal(s->tlb_reach_bytes, 2 * 4096);
	vmm_destroy(v);
}

/* Counters of what is off unless asked for. */
static bool is_option(const char *name)
{
	static const char *const prefixes[] = { "tlb_",  "pt_",   "numa_",
						"node_", "swap_", "prefetch_" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static void test_refused(void **state)
{
	static const struct {
		struct vmm_mmu mmu;
		int err;
	} rows[] = {
		{ { "six", NULL, 0 }, ENOENT },       { { "four", "64x5", 0 }, EINVAL },
		{ { "four", NULL, 100000 }, EINVAL }, { { NULL, "64", 4 }, EINVAL },
		{ { NULL, "", 0 }, EINVAL },
	};
	static const struct vmm_mmu two = { "two", "64", 0 }, none = { NULL, NULL, 0 };
	struct vmm_config tiny = { .frames = 2, .page_size = 256, .mmu = &two };
	struct vmm *v;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		errno = 0;
		assert_null(make("fifo", 4, 0, 1, &rows[i].mmu));
		assert_int_equal(errno, rows[i].err);
	}
	assert_null(vmm_create(&tiny));
	v = make("fifo", 4, 0, 1, &two);
	assert_int_equal(vmm_access(v, 1, 0xfffff000, 1), 1);
	assert_int_equal(vmm_access(v, 1, 0x100000000, 1), -ERANGE);
	assert_int_equal(vmm_stats(v)->accesses, 1);
	assert_int_equal(core_check(v), 0);
	vmm_destroy(v);
	v = make("fifo", 4, 0, 1, &none);
	assert_int_equal(vmm_access(v, 1, 0x100000000, 1), 1);
	for (uint32_t i = 0; i < vm_stat_count; i++)
		if (is_option(vm_stat_list[i].name))
			assert_false(vmm_counter_applies(v, &vm_stat_list[i]));
	vmm_destroy(v);
}

/* vmm_access_many decides and counts as vmm_access does, and stops where it fails. */
static void test_many(void **state)
{
	static const char *const policies[] = { "fifo", "clock", "lru", "arc", "sieve" };
	static const struct vmm_mmu mmus[] = { { "four", "l1=8x2,l2=32x4", 0 },
					       { "hashed", NULL, 0 },
					       { "two", "16", 0 } };
	static struct vmm_reference refs[3000];
	struct rng g = { 5 };
	size_t done;

	(void)state;
	for (size_t i = 0; i < 3000; i++)
		refs[i] = (struct vmm_reference){ rng_below(&g, 1 + rng_below(&g, 300)) << 12,
						  1 + (uint32_t)rng_below(&g, 3),
						  (uint32_t)rng_below(&g, 2) };
	for (size_t p = 0; p < 5; p++)
		for (size_t m = 0; m < 4; m++) {
			struct vmm *a = make(policies[p], 50, 0, 1, m < 3 ? &mmus[m] : NULL);
			struct vmm *b = make(policies[p], 50, 0, 1, m < 3 ? &mmus[m] : NULL);

			for (size_t i = 0; i < 3000; i++)
				assert_true(vmm_access(a, refs[i].pid, refs[i].addr,
						       (int)refs[i].is_write) >= 0);
			for (size_t i = 0; i < 3000; i += 750) {
				assert_int_equal(vmm_access_many(b, refs + i, 750, &done), 0);
				assert_int_equal(done, 750);
			}
			assert_memory_equal(vmm_stats(a), vmm_stats(b), sizeof(struct vm_stats));
			assert_int_equal(core_check(b), 0);
			vmm_destroy(a);
			if (m == 2) {
				refs[7].addr += 1ull << 32; /* not an address of two levels */
				assert_int_equal(vmm_access_many(b, refs, 9, &done), -ERANGE);
				assert_int_equal(done, 7);
				refs[7].addr -= 1ull << 32;
			}
			vmm_destroy(b);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follows), cmocka_unit_test(test_given_back),
		cmocka_unit_test(test_counts),  cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
