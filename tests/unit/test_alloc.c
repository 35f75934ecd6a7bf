/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_alloc.c - the Nth allocation fails, for N = 1, 2, ... until a whole run succeeds: every failure is an error and
 * nothing else, and what exists stays consistent.
 *
 * link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
 */
#include "core/core.h"
#include "tests/unit/fail_alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static int count(void *arg, uint32_t id, const struct page *page)
{
	(void)id;
	(void)page;
	++*(uint32_t *)arg;
	return 0;
}

/* 0, or -ENOMEM when the failing allocation was met. */
static int use(struct vmm *v)
{
	uint32_t id, n = 0;
	int err = 0;

	/* more than the first 1024 page ids, several nodes, several processes */
	for (uint64_t k = 0; k < 1100 && err >= 0; k++)
		err = vmm_access_next(v, 1 + k % 3, (k % 2 << 40) + (k << 12), k % 3 == 0,
				      UINT64_MAX);
	if (err >= 0)
		err = core_adopt(v, 3, 1ull << 50, 0, FRAME_DIRTY, &id);
	if (err == -ENOSPC)
		err = core_add_stored(v, 3, 1ull << 50, &id);
	if (err >= 0)
		err = core_remap(v, 3, 1ull << 50, 1ull << 51, 9);
	if (err >= 0)
		err = core_each(v, count, &n);
	return err;
}

/* After a failure everything works. */
static void use_again(struct vmm *v)
{
	core_unmap(v, 3, 0, UINT64_MAX, REMOVE_UNMAP, NULL, NULL);
	assert_int_equal(core_check(v), 0);
	assert_int_equal(use(v), 0);
}

/* The Nth allocation of a run fails, for all N. There are more than `least`. */
static void nth_with(const struct vmm_config *config, uint64_t least, int (*run)(struct vmm *v))
{
	uint64_t n = 0;
	int err;

	do {
		struct vmm_config c = *config;
		struct vmm *v;

		n++;
		calls = 0;
		fail_at = n;
		v = vmm_create(&c);
		err = v ? 0 : -errno;
		if (v) {
			err = run(v);
			fail_at = 0;
			assert_int_equal(core_check(v), 0);
			if (err)
				use_again(v);
			assert_int_equal(vm_stats_check(vmm_stats(v)), 0);
			vmm_destroy(v);
		}
		fail_at = 0;
		assert_true(err == 0 || err == -ENOMEM);
	} while (err);
	assert_true(n > least);
}

static void nth_of(const char *policy, uint64_t least, int (*run)(struct vmm *v))
{
	struct vmm_config c = {
		.frames = 100, .window = 20, .policy = policy, .flags = VMM_FLAG_LIVE
	};

	nth_with(&c, least, run);
}

/* With everything that can be below a policy. */
static void test_nth_memory(void **state)
{
	static const struct vmm_mmu mmu = { "hashed", "8", 0 };
	static const struct vmm_config rows[] = {
		{ .frames = 100, .policy = "lru", .numa = "3:interleave", .swap_pages = 2000 },
		{ .frames = 100, .policy = "fifo", .numa = "2:migrate", .mmu = &mmu },
		{ .frames = 100, .policy = "clock", .swap_pages = 2000, .mmu = &mmu },
		{ .frames = 100, .policy = "arc", .prefetch = "seq:4", .swap_pages = 2000 },
		{ .frames = 100, .policy = "sieve", .prefetch = "trend", .numa = "2:bind" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		nth_with(&rows[i], 20, use);
}

static void test_nth(void **state)
{
	static const char *const policies[] = { "clock",  "sieve", "lru",     "nru",
						"random", "fifo",  "skeleton" };

	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		nth_of(policies[i], 20, use);
}

/* Every policy that cannot be made says so and leaves nothing behind. */
static int no_use(struct vmm *v)
{
	fail_at = 0;
	return v ? 0 : -ENOMEM;
}

static void test_nth_create(void **state)
{
	(void)state;
	for (const struct policy_ops *const *p = policy_all(); *p; p++)
		nth_of((*p)->name, 8, no_use);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nth),
		cmocka_unit_test(test_nth_memory),
		cmocka_unit_test(test_nth_create),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
