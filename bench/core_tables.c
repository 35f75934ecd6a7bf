/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core_tables.c - every kind of page table: bytes and accesses a walk for a dense, a clustered and a sparse address space
 * of 32 bits with as many pages each; then what translation adds to a reference of vmm_access, medians.
 */
#include "core/page_table.h"
#include "core/vmm.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PAGES 16384u
#define WALKS (1u << 20)
#define REFERENCES 2000000u
#define FRAMES 20000u
#define ROUNDS 5

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static uint64_t dense(uint64_t i)
{
	return i;
}

static uint64_t clustered(uint64_t i)
{
	return i / 64 * 4096 + i % 64;
}

static uint64_t sparse(uint64_t i)
{
	return i * 61 % (1u << 20);
}

static int kinds_row(const char *kind, uint32_t cache, uint64_t (*const place[])(uint64_t))
{
	printf("%-9s %5u", kind, cache);
	for (uint32_t k = 0; k < 3; k++) {
		struct page_table_config c = { .kind = kind, .frames = PAGES, .walk_cache = cache };
		struct rng rng = { 42 };
		struct page_table t;
		uint64_t ns;

		if (page_table_init(&t, &c))
			return 1;
		for (uint32_t i = 0; i < PAGES; i++)
			if (page_table_map(&t, 1, place[k](i), PAGE_4K, i, PTE_PRESENT))
				return 1;
		ns = now_ns();
		for (uint32_t i = 0; i < WALKS; i++)
			page_table_walk(&t, 1, place[k](rng_below(&rng, PAGES)), false, NULL);
		ns = now_ns() - ns;
		printf(" | %9llu %6.2f %6.1f", (unsigned long long)t.stats.bytes / 1024,
		       (double)t.stats.walk_accesses / WALKS, (double)ns / WALKS);
		page_table_destroy(&t);
	}
	putchar('\n');
	return 0;
}

/* Nanoseconds a reference, of a skewed stream over three times the frames. */
static double reference_ns(const struct vmm_mmu *mmu, const struct vm_stats **stats, struct vmm **v)
{
	struct vmm_config c = { .frames = FRAMES, .policy = "fifo", .mmu = mmu };
	struct rng rng = { 42 };
	uint64_t ns;

	*v = vmm_create(&c);
	if (!*v)
		exit(1);
	ns = now_ns();
	for (uint32_t i = 0; i < REFERENCES; i++) {
		uint64_t page = rng_below(&rng, rng_below(&rng, 3 * FRAMES) + 1);

		vmm_access(*v, 1, page << 12, page % 3 == 0);
	}
	ns = now_ns() - ns;
	*stats = vmm_stats(*v);
	return (double)ns / REFERENCES;
}

int main(void)
{
	static const char *const kinds[] = { "single", "two",    "three",   "four",
					     "five",   "hashed", "inverted" };
	static uint64_t (*const place[])(uint64_t) = { dense, clustered, sparse };
	static const struct vmm_mmu mmus[] = {
		{ NULL, NULL, 0 },
		{ "four", NULL, 0 },
		{ NULL, "l1=64x4,l2=1536x12", 0 },
		{ "four", "l1=64x4,l2=1536x12", 0 },
		{ "four", "l1=64x4,l2=1536x12", 16 },
		{ "hashed", "l1=64x4,l2=1536x12", 0 },
	};

	printf("%u pages of 4K; walks of random pages: KiB, accesses, ns\n%-9s %5s | %-23s | %-23s | %-23s\n",
	       PAGES, "table", "cache", "dense", "clustered (64 pages)", "sparse");
	for (uint32_t k = 0; k < 7; k++)
		for (uint32_t cache = 0; cache <= 16; cache += 16)
			if ((!cache || (k > 0 && k < 5)) && kinds_row(kinds[k], cache, place))
				return 1;
	printf("\nvmm_access, fifo, %u frames, ns a reference\n%-9s %5s %-20s %8s %10s %10s\n",
	       FRAMES, "table", "cache", "tlb", "ns", "tlb hits", "walk acc.");
	for (uint32_t m = 0; m < sizeof(mmus) / sizeof(mmus[0]); m++) {
		const struct vm_stats *s;
		double ns[ROUNDS];
		struct vmm *v;

		for (uint32_t r = 0; r < ROUNDS; r++) {
			ns[r] = reference_ns(&mmus[m], &s, &v);
			if (r + 1 < ROUNDS)
				vmm_destroy(v);
		}
		qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
		printf("%-9s %5u %-20s %8.1f %10llu %10llu\n",
		       mmus[m].page_table ? mmus[m].page_table : "-", mmus[m].walk_cache,
		       mmus[m].tlb ? mmus[m].tlb : "-", ns[ROUNDS / 2],
		       (unsigned long long)s->tlb_hits, (unsigned long long)s->pt_walk_accesses);
		vmm_destroy(v);
	}
	return 0;
}
