/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_threads.c - several threads use the library at once, each its own struct vmm: the counts are those of one thread.
 * With BUILD=tsan this also shows that the library has no state of its own that is written.
 */
#include "core/rng.h"
#include "core/vmm.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 4
#define REFERENCES 20000u

static const struct vmm_mmu mmus[] = { { "four", "l1=16x4,l2=64x4,asid", 4 },
				       { "inverted", "16", 0 },
				       { "hashed", NULL, 0 } };

/* What thread n runs; the counters when it is done. Everything it does follows from n. */
struct work {
	unsigned n;
	int error;
	struct vm_stats stats;
};

static struct vmm_config config_of(unsigned n)
{
	static const char *const policies[] = { "clock", "lru", "arc", "random" };

	return (struct vmm_config){ .frames = 60 + n,
				    .policy = policies[n % 4],
				    .seed = n,
				    .mmu = &mmus[n % 3],
				    .numa = n % 2 ? "2:interleave" : NULL,
				    .prefetch = n == 2 ? "seq:4" : NULL };
}

static void *run(void *arg)
{
	struct work *w = arg;
	struct vmm_config c = config_of(w->n);
	struct vmm *v = vmm_create(&c);
	struct rng g = { w->n + 1 };

	w->error = !v;
	for (uint32_t i = 0; v && i < REFERENCES && !w->error; i++) {
		uint32_t pid = 1 + (uint32_t)rng_below(&g, 3);
		uint64_t addr = rng_below(&g, 1 + rng_below(&g, 200)) << 12;

		w->error = vmm_access(v, pid, addr, (int)rng_below(&g, 2)) < 0;
		if (i % 1000 == 999)
			w->error |= vmm_unmap(v, pid, addr, 8 << 12) < 0;
	}
	if (v)
		w->stats = *vmm_stats(v);
	vmm_destroy(v);
	return NULL;
}

static void test_own_memories(void **state)
{
	struct work alone[THREADS] = { 0 }, together[THREADS] = { 0 };
	pthread_t threads[THREADS];

	(void)state;
	for (unsigned n = 0; n < THREADS; n++) {
		alone[n].n = together[n].n = n;
		run(&alone[n]);
		assert_int_equal(alone[n].error, 0);
		assert_true(alone[n].stats.evictions > 0);
	}
	for (unsigned n = 0; n < THREADS; n++)
		assert_int_equal(pthread_create(&threads[n], NULL, run, &together[n]), 0);
	for (unsigned n = 0; n < THREADS; n++)
		assert_int_equal(pthread_join(threads[n], NULL), 0);
	for (unsigned n = 0; n < THREADS; n++) {
		assert_int_equal(together[n].error, 0);
		assert_memory_equal(&alone[n].stats, &together[n].stats, sizeof(alone[n].stats));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_memories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
