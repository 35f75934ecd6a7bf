/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_prefetch.c - the detectors, with sequences worked out by hand (one from the paper); every policy with prefetching at
 * every small size; and what prefetching is for. Counters are compared with a model in test_memory.c.
 */
#include "core/core.h"
#include "core/prefetcher.h"
#include "core/rng.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void make(struct prefetch *p, const char *spec)
{
	struct prefetch_config c;
	const char *bad;

	assert_int_equal(prefetch_parse(spec, &c, &bad), 0);
	prefetch_init(p, &c);
}

/* An event that must name n pages at this distance. */
static void event(struct prefetch *p, uint32_t space, uint64_t vpn, bool hit, uint32_t n,
		  int64_t step)
{
	uint64_t vpns[PREFETCH_MAX];

	assert_int_equal(prefetch_event(p, space, vpn, hit, vpns), n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(vpns[i], vpn + (uint64_t)step * (i + 1));
}

static void test_parse(void **state)
{
	static const char *const bad[] = { "",       "sec",     "seq:",     "seq:0", "seq:65",
					   "seq:1x", "trend:8", "stride,4", "seq:-1" };
	struct prefetch_config c;
	const char *at;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(prefetch_parse(bad[i], &c, &at), -EINVAL);
		assert_true(at >= bad[i] && at <= bad[i] + strlen(bad[i]));
	}
	assert_int_equal(prefetch_parse("SEQ:64", &c, &at), 0);
	assert_true(c.kind == PREFETCH_SEQ && c.distance == 64);
	assert_int_equal(prefetch_parse("stride", &c, &at), 0);
	assert_true(c.kind == PREFETCH_STRIDE && c.distance == PREFETCH_DEFAULT);
}

static void test_seq_stride(void **state)
{
	struct prefetch p;

	(void)state;
	make(&p, "seq:3");
	event(&p, 1, 100, false, 3, 1);
	event(&p, 1, UINT64_MAX - 2, true, 2, 1); /* page numbers end */
	prefetch_destroy(&p);
	make(&p, "stride:4");
	event(&p, 1, 100, false, 0, 0);
	event(&p, 1, 93, false, 0, 0);
	event(&p, 2, 50, false, 0, 0); /* another space has steps of its own */
	event(&p, 1, 86, true, 4, -7);
	event(&p, 2, 57, false, 0, 0);
	event(&p, 1, 86, false, 0, 0);
	event(&p, 1, 86, false, 0, 0); /* no step is no stride */
	event(&p, 1, 2, false, 0, 0);
	prefetch_space_exit(&p, 1);
	prefetch_space_exit(&p, 9);
	event(&p, 1, 102, false, 0, 0);
	event(&p, 1, 51, false, 0, 0);
	event(&p, 1, 0, false, 0, 0); /* and before 0 there is none */
	prefetch_destroy(&p);
}

static void test_trend(void **state)
{
	struct prefetch p;

	(void)state;
	make(&p, "trend");
	event(&p, 1, 1000, false, 0, 0);
	event(&p, 1, 1003, false, 1, 3); /* the only step is the trend: try one */
	event(&p, 1, 1006, true, 0, 0);
	event(&p, 1, 1009, false, 2, 3); /* 1 hit: 2 */
	event(&p, 1, 1012, true, 0, 0);
	event(&p, 1, 1015, true, 0, 0);
	event(&p, 1, 1018, false, 4, 3);
	for (uint32_t k = 0; k < 4; k++)
		event(&p, 1, 1021 + 3 * k, true, 0, 0);
	event(&p, 1, 1033, false, 8, 3);
	event(&p, 1, 7, false, 4, 3); /* off the trend: half the window, along the trend */
	event(&p, 1, 500, false, 2, 3);
	event(&p, 1, 30, false, 1, 3);
	event(&p, 1, 90, false, 0, 0);
	event(&p, 1, 93, false, 1, 3);   /* follows again */
	for (uint32_t k = 0; k < 9; k++) /* 8 of the last 16 steps are no majority, 9 are */
		event(&p, 1, 92 - k, false, k == 8 ? 1 : 0, -1);
	prefetch_destroy(&p);
}

/* Shapes a plan can have, under every policy that knows no future. */
static void test_every_policy(void **state)
{
	static const char *const specs[] = { "seq:1", "seq:8", "seq:64", "stride:5", "trend" };
	uint64_t issued = 0, used = 0;

	(void)state;
	for (const struct policy_ops *const *p = policy_all(); *p; p++)
		for (uint32_t i = 0; i < 60; i++) {
			struct vmm_config c = { .frames = 1 + i % 30,
						.policy = (*p)->name,
						.prefetch = specs[i % 5],
						.flags = i % 7 == 6   ? VMM_FLAG_LIVE
							 : i % 7 == 5 ? VMM_FLAG_LIVE |
										VMM_FLAG_MAP_AHEAD
								      : 0,
						.batch = i % 4,
						.window = i % 3 * 4 };
			struct vmm *v = vmm_create(&c);
			struct rng rng = { i };

			if ((*p)->class == POLICY_X) {
				assert_null(v);
				assert_int_equal(errno, ENOTSUP);
				break;
			}
			assert_non_null(v);
			for (uint32_t k = 0; k < 400; k++) {
				uint64_t vpn = rng_below(&rng, 4) ? k % 50 : rng_below(&rng, 60);
				int rc = vmm_access(v, (uint32_t)rng_below(&rng, 2), vpn << 12,
						    rng_below(&rng, 2) == 0);

				assert_true(rc >= 0 || (rc == -ENOMEM && c.flags && c.frames < 3));
			}
			assert_int_equal(core_check(v), 0);
			issued += vmm_stats(v)->prefetch_issued;
			used += vmm_stats(v)->prefetch_used;
			vmm_destroy(v);
		}
	assert_true(issued > 10000 && used > 5000);
}

/* A loop over twice as many written pages as there are frames: each misses under fifo, and most need not. */
static void test_pays(void **state)
{
	static const struct {
		const char *spec;
		uint32_t step;
		uint64_t faults_most; /* of 64 pages, four times after the first */
	} rows[] = {
		{ "off", 1, 256 },  { "seq:8", 1, 4 },     { "stride:8", 1, 12 },
		{ "trend", 1, 36 }, { "stride:8", 5, 12 }, { "trend", 5, 36 },
		{ "seq:8", 5, 4 },  { "seq:4", 5, 256 },
	};
	struct vmm_config c = { .frames = 32, .policy = "fifo" };
	double amt_off = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct vm_stats *s;
		struct vmm *v;

		c.prefetch = rows[i].spec;
		v = vmm_create(&c);
		for (uint32_t k = 0; k < 5 * 64; k++)
			assert_true(vmm_access(v, 1, (uint64_t)(k % 64 * rows[i].step) << 12, 1) >=
				    0);
		s = vmm_stats(v);
		assert_true(s->faults - 64 <= rows[i].faults_most);
		assert_true(s->faults_major + s->prefetch_used == 256);
		if (i == 0)
			amt_off = vmm_amt_ns(v);
		/* what was saved is what is missing from the time without */
		assert_true(amt_off * 320 - vmm_amt_ns(v) * 320 - (double)s->prefetch_saved_ns <
			    1.0);
		assert_int_equal(s->faults - 64 == 256, s->prefetch_saved_ns == 0);
		vmm_destroy(v);
	}
}

/* A driver's view: pages are named after the fill, in order, and can be refused. */
static void test_plan(void **state)
{
	struct vmm_config c = {
		.frames = 16, .policy = "clock", .prefetch = "seq:2", .flags = VMM_FLAG_LIVE
	};
	struct vmm *v = vmm_create(&c);
	uint32_t id[8];
	struct plan p, q;

	(void)state;
	for (uint64_t k = 0; k < 8; k++)
		assert_int_equal(core_add_stored(v, 1, 10 + k, &id[k]), 0);
	assert_int_equal(core_fault(v, 1, 11, false, 1, &p), 0);
	core_fill(v, &p);
	assert_int_equal(p.n_prefetch, 2);
	assert_true(p.prefetch[0] == id[2] && p.prefetch[1] == id[3]);
	assert_int_equal(core_prefetch(v, id[1], false, &q), -EALREADY);
	assert_int_equal(core_prefetch(v, id[2], false, &q), 0);
	assert_true(q.kind == FAULT_PREFETCH && q.needs_frame && q.page == id[2]);
	assert_int_equal(core_page(v, id[2])->state, PAGE_FILLING);
	assert_int_equal(core_prefetch(v, id[3], false, &q), 0); /* the other one is given up */
	assert_int_equal(core_page(v, id[2])->state, PAGE_STORED);
	core_fill(v, &q);
	assert_int_equal(q.n_prefetch, 0);
	assert_int_equal(core_page(v, id[3])->state, PAGE_IDLE);
	assert_false(frame_referenced(core_frames(v), core_page(v, id[3])->frame));
	assert_int_equal(core_fault(v, 1, 13, false, 1, &p), 0);
	assert_int_equal(p.kind, FAULT_SOFT);
	core_fill(v, &p);
	assert_int_equal(p.n_prefetch, 2);
	assert_int_equal(core_stats(v)->prefetch_used, 1);
	assert_int_equal(core_stats(v)->faults_soft, 0);
	assert_int_equal(core_stats(v)->faults, 1);
	assert_int_equal(core_prefetch(v, p.prefetch[0], false, &q), 0);
	core_fill(v, &q);
	core_unmap(v, 1, 0, 100, REMOVE_UNMAP, NULL, NULL);
	assert_int_equal(core_stats(v)->prefetch_wasted, 1);
	assert_int_equal(core_check(v), 0);
	vmm_destroy(v);
}

/* What a driver does after a fault, with a frame for each page: all pages of the plan. */
static void fetch(struct vmm *v, const struct plan *fault)
{
	struct plan p;

	for (uint32_t i = 0; i < fault->n_prefetch; i++) {
		assert_int_equal(core_prefetch(v, fault->prefetch[i], i < fault->n_map_ahead, &p),
				 0);
		assert_int_equal(p.n_evict, 0);
		core_fill(v, &p);
	}
	assert_int_equal(core_check(v), 0);
}

/* Pages of a window are mapped, and the last of them tells of the others. */
static void test_map_ahead(void **state)
{
	struct vmm_config c = { .frames = 32,
				.policy = "clock",
				.prefetch = "seq:4",
				.flags = VMM_FLAG_LIVE | VMM_FLAG_MAP_AHEAD };
	struct vmm *v = vmm_create(&c);
	const struct vm_stats *s = core_stats(v);
	uint32_t id[16];
	struct plan p;

	(void)state;
	for (uint64_t k = 0; k < 16; k++)
		assert_int_equal(core_add_stored(v, 1, k, &id[k]), 0);
	assert_int_equal(core_fault(v, 1, 0, false, 1, &p), 0);
	core_fill(v, &p);
	assert_true(p.n_prefetch == 4 && p.n_map_ahead == 3);
	fetch(v, &p);
	for (uint32_t k = 1; k < 4; k++) {
		assert_int_equal(core_page(v, id[k])->state, PAGE_MAPPED);
		assert_true(frame_referenced(core_frames(v), core_page(v, id[k])->frame));
	}
	assert_int_equal(core_page(v, id[4])->state, PAGE_IDLE);
	assert_int_equal(s->prefetch_used, 0);

	assert_int_equal(core_fault(v, 1, 4, false, 1, &p), 0); /* the trigger */
	assert_int_equal(p.kind, FAULT_SOFT);
	core_fill(v, &p);
	assert_int_equal(s->prefetch_used, 4);
	assert_true(p.n_prefetch == 4 && p.n_map_ahead == 3 && p.prefetch[0] == id[5]);
	fetch(v, &p);
	core_unmap(v, 1, 5, 1, REMOVE_UNMAP, NULL, NULL); /* gone before the trigger is used */
	assert_int_equal(s->prefetch_wasted, 1);
	assert_int_equal(core_fault(v, 1, 8, false, 1, &p), 0);
	core_fill(v, &p);
	assert_int_equal(s->prefetch_used, 7);
	fetch(v, &p);

	/* Windows that are too old are not remembered: their pages are what they were, on their own. */
	for (uint32_t i = 0; i < WINDOWS; i++) {
		core_unmap(v, 1, 100, 2, REMOVE_UNMAP, NULL, NULL);
		for (uint64_t k = 0; k < 2; k++)
			assert_int_equal(core_add_stored(v, 1, 100 + k, &id[k]), 0);
		assert_int_equal(core_fault(v, 1, 100, false, 1, &p), 0);
		core_fill(v, &p);
		assert_true(p.n_prefetch == 1 && p.n_map_ahead == 0);
		fetch(v, &p);
	}
	assert_int_equal(core_page(v, id[12])->prefetched, WINDOW_NONE);
	assert_int_equal(core_fault(v, 1, 12, false, 1, &p), 0);
	core_fill(v, &p);
	assert_int_equal(s->prefetch_used, 8);
	assert_int_equal(p.n_prefetch, 0); /* no event */
	assert_int_equal(core_check(v), 0);
	vmm_destroy(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),        cmocka_unit_test(test_seq_stride),
		cmocka_unit_test(test_trend),        cmocka_unit_test(test_plan),
		cmocka_unit_test(test_every_policy), cmocka_unit_test(test_pays),
		cmocka_unit_test(test_map_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
