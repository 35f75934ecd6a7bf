/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core_tlb.c - tlb_invalidate_batch against as many tlb_invalidate, for batches of 1 to 4096 pages of which half are
 * held. Nanoseconds a batch, medians; the time of putting the entries back is not in them.
 */
#include "core/tlb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 201
#define PAGES_MAX 4096u

static const char *const specs[] = { "64", "l1=64x4,l1-2m=32x4,l2=1536x12", "1536" };

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void fill(struct tlb *t, uint32_t entries)
{
	tlb_flush(t);
	for (uint64_t vpn = 0; vpn < entries; vpn++)
		tlb_insert(t, 1, vpn, pte_make(1, PAGE_4K, PTE_PRESENT));
}

static uint64_t median_ns(struct tlb *t, uint32_t entries, const uint64_t *vpns, uint32_t n,
			  int batch, uint32_t *ended)
{
	static uint64_t ns[ROUNDS];

	for (uint32_t r = 0; r < ROUNDS; r++) {
		uint64_t start;

		fill(t, entries);
		*ended = 0;
		start = now_ns();
		if (batch)
			*ended = tlb_invalidate_batch(t, 1, vpns, n);
		else
			for (uint32_t i = 0; i < n; i++)
				*ended += tlb_invalidate(t, 1, vpns[i]);
		ns[r] = now_ns() - start;
	}
	qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
	return ns[ROUNDS / 2];
}

int main(void)
{
	static uint64_t vpns[PAGES_MAX];
	int broken = 0;

	for (size_t s = 0; s < sizeof(specs) / sizeof(specs[0]); s++) {
		struct tlb_config c;
		struct rng rng = { 42 };
		const char *bad;
		uint32_t entries;
		struct tlb t;

		if (tlb_parse(specs[s], &c, &bad) || tlb_init(&t, &c, 12, 1))
			return 1;
		entries = c.l2.entries ? c.l2.entries : c.l1[PAGE_4K].entries;
		printf("tlb %s, %u entries held\n%8s %12s %12s %8s %8s\n", specs[s], entries,
		       "pages", "singles_ns", "batch_ns", "ratio", "ended");
		for (uint32_t n = 1; n <= PAGES_MAX; n *= 4) {
			uint32_t ended_one, ended_batch;
			uint64_t one, batch;

			for (uint32_t i = 0; i < n; i++)
				vpns[i] = rng_below(&rng, 2 * (uint64_t)entries);
			one = median_ns(&t, entries, vpns, n, 0, &ended_one);
			batch = median_ns(&t, entries, vpns, n, 1, &ended_batch);
			printf("%8u %12llu %12llu %8.2f %8u\n", n, (unsigned long long)one,
			       (unsigned long long)batch, (double)one / (double)(batch ? batch : 1),
			       ended_batch);
			broken |= ended_one != ended_batch;
		}
		tlb_destroy(&t);
	}
	if (broken)
		puts("FAILED: batch and singles did not end the same entries");
	return broken;
}
