/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fuzz.c - random operations on the core as a live driver makes them, core_check after each, for every policy and
 * many configurations. Faults, failed evictions and unmappings, plans given up, unmap, remap, adopted and stored pages,
 * pins, threads that come and go.
 */
#include "core/core.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SPACES 3
#define THREADS 5
#define PINS_MAX 4

/* Debug builds check everything a second time inside the core. */
#ifdef VMM_DEBUG
#define STEPS 600
#else
#define STEPS 1500
#endif

struct fuzz {
	struct vmm *v;
	uint32_t frames, batch, window, flags;
	uint32_t pinned[PINS_MAX];
	uint64_t prng;
	uint64_t rejected, gone;
};

static uint32_t pick(struct fuzz *z, uint32_t n)
{
	z->prng = z->prng * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((z->prng >> 33) % n);
}

/* A few pages more than frames, at scattered addresses. */
static uint64_t pick_vpn(struct fuzz *z)
{
	uint64_t k = pick(z, z->frames + z->frames / 2 + 8);

	return (k % 4) << 40 | (k % 3 == 0 ? 0x3fff0 + k : k);
}

static void check(struct fuzz *z)
{
	assert_int_equal(core_check(z->v), 0);
}

/* What a driver may rely on in the lists of a plan. */
static void check_plan(struct fuzz *z, const struct plan *p)
{
	assert_true(p->n_evict <= z->batch);
	for (uint32_t i = 0; i < p->n_evict; i++) {
		const struct page *e = core_page(z->v, p->evict[i]);

		assert_int_equal(e->state, PAGE_EVICTING);
		assert_int_equal(core_frames(z->v)->pins[e->frame], 0);
		assert_true(p->evict[i] != p->page);
		for (uint32_t k = 0; k < i; k++)
			assert_true(p->evict[i] != p->evict[k]);
	}
	for (uint32_t i = 0; i < p->n_idle; i++) {
		assert_int_equal(core_page(z->v, p->idle[i])->state, PAGE_IDLE);
		assert_true(p->idle[i] != p->page);
		for (uint32_t k = 0; k < i; k++)
			assert_true(p->idle[i] != p->idle[k]);
	}
}

static void execute(struct fuzz *z, struct plan *p)
{
	uint32_t rejected[64], n_rejected = 0;
	int err = 0;

	for (;;) {
		check_plan(z, p);
		for (uint32_t i = 0; i < p->n_idle; i++)
			if (pick(z, 20) == 0)
				core_idle_failed(z->v, p->idle[i]);
		for (uint32_t i = 0; i < p->n_evict; i++) {
			uint32_t id = p->evict[i];

			for (uint32_t k = 0; k < n_rejected; k++)
				assert_true(rejected[k] != id);
			if (pick(z, 8) == 0) {
				core_evict_failed(z->v, id);
				assert_true(core_page(z->v, id)->state == PAGE_MAPPED ||
					    core_page(z->v, id)->state == PAGE_IDLE);
				z->rejected++;
				if (n_rejected < 64)
					rejected[n_rejected++] = id;
			} else if (pick(z, 100)) {
				core_evicted(z->v, id, (int)pick(z, 3) - 1);
			}
			check(z);
		}
		if (pick(z, 40) == 0)
			core_thread_exit(z->v, pick(z, THREADS));
		if (!p->needs_frame || core_frames_free(z->v))
			break;
		err = core_room(z->v, p);
		if (err) {
			assert_int_equal(err, -ENOMEM);
			return; /* given up */
		}
	}
	if (pick(z, 50) == 0)
		return;
	core_fill(z->v, p);
	check_plan(z, p);
	assert_int_equal(p->n_evict, 0);
}

static void op_fault(struct fuzz *z)
{
	struct plan p;
	uint32_t thread = pick(z, THREADS);
	int err;

	core_next_use(z->v, pick(z, 5) ? pick(z, 1000) : UINT64_MAX);
	err = core_fault(z->v, pick(z, SPACES), pick_vpn(z), pick(z, 3) == 0, thread, &p);

	if (err) {
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(p.n_evict + p.n_idle, 0);
		return;
	}
	execute(z, &p);
}

static void op_room(struct fuzz *z)
{
	struct plan p;

	if (core_room_begin(z->v, &p) == 0)
		execute(z, &p);
}

static void op_shrink(struct fuzz *z)
{
	struct plan p;

	core_shrink(z->v, &p);
	execute(z, &p);
}

static void unpin_gone(void *arg, uint32_t id, const struct page *page)
{
	struct fuzz *z = arg;

	(void)page;
	for (int i = 0; i < PINS_MAX; i++)
		if (z->pinned[i] == id)
			z->pinned[i] = VMM_NONE;
	z->gone++;
}

static void op_unmap(struct fuzz *z)
{
	static const uint64_t lengths[] = { 1, 3, 100, 1u << 18, 1ull << 41, UINT64_MAX };

	core_unmap(z->v, pick(z, SPACES), pick_vpn(z), lengths[pick(z, pick(z, 5) ? 2 : 6)],
		   pick(z, 2) ? REMOVE_UNMAP : REMOVE_EXIT, unpin_gone, z);
}

static void op_remap(struct fuzz *z)
{
	uint32_t space = pick(z, SPACES);
	uint64_t from = pick_vpn(z), to = pick_vpn(z) + (5ull << 40), n = pick(z, 40) + 1;
	uint32_t id = core_find(z->v, space, from);

	core_unmap(z->v, space, to, n, REMOVE_UNMAP, unpin_gone, z);
	assert_int_equal(core_remap(z->v, space, from, to, n), 0);
	assert_int_equal(core_find(z->v, space, to), id);
	assert_int_equal(core_find(z->v, space, from), VMM_NONE);
}

static void op_adopt(struct fuzz *z)
{
	uint32_t id, space = pick(z, SPACES);
	uint64_t vpn = pick_vpn(z);
	int err;

	if (pick(z, 2))
		err = core_adopt(z->v, space, vpn, pick(z, 2) ? PAGE_HAS_COPY : 0,
				 (uint8_t)pick(z, 4), &id);
	else
		err = core_add_stored(z->v, space, vpn, &id);
	assert_true(err == 0 || err == -EEXIST || err == -ENOSPC);
	if (!err)
		assert_int_equal(core_find(z->v, space, vpn), id);
}

static void op_pin(struct fuzz *z)
{
	uint32_t *slot = &z->pinned[pick(z, PINS_MAX)], id;

	if (*slot != VMM_NONE) {
		core_unpin(z->v, *slot);
		*slot = VMM_NONE;
		return;
	}
	id = core_page_ids(z->v) ? pick(z, core_page_ids(z->v)) : 0;
	if (core_page_ids(z->v) == 0 || core_page(z->v, id)->frame == VMM_NONE ||
	    (core_page(z->v, id)->state != PAGE_MAPPED && core_page(z->v, id)->state != PAGE_IDLE))
		return;
	if (core_find(z->v, core_page(z->v, id)->space, core_page(z->v, id)->vpn) != id)
		return; /* a free id */
	core_pin(z->v, id);
	*slot = id;
}

static int count_page(void *arg, uint32_t id, const struct page *page)
{
	(void)id;
	(void)page;
	++*(uint32_t *)arg;
	return 0;
}

static void step(struct fuzz *z)
{
	uint32_t n = 0;

	switch (pick(z, 40)) {
	case 0:
		op_unmap(z);
		break;
	case 1:
		op_remap(z);
		break;
	case 2:
	case 3:
		op_adopt(z);
		break;
	case 4:
		op_pin(z);
		break;
	case 5:
		core_thread_exit(z->v, pick(z, THREADS));
		break;
	case 6:
		op_room(z);
		break;
	case 8:
		op_shrink(z);
		break;
	case 7:
		assert_int_equal(core_each(z->v, count_page, &n), 0);
		assert_true(n <= core_page_ids(z->v));
		break;
	default:
		op_fault(z);
	}
	check(z);
}

static void fuzz_one(const char *policy, uint32_t frames, uint32_t batch, uint32_t window,
		     uint32_t flags, uint32_t steps)
{
	struct vmm_config c = {
		.frames = frames,
		.batch = batch,
		.window = window,
		.flags = flags,
		.seed = 5,
		.policy = policy,
	};
	struct fuzz z = { .v = vmm_create(&c),
			  .frames = frames,
			  .batch = batch,
			  .window = window,
			  .flags = flags,
			  .prng = frames * 31 + flags };

	assert_non_null(z.v);
	memset(z.pinned, 0xff, sizeof(z.pinned));
	for (uint32_t i = 0; i < steps; i++)
		step(&z);
	assert_true(core_stats(z.v)->evictions_rejected >= z.rejected);
	for (uint32_t s = 0; s < SPACES; s++)
		core_unmap(z.v, s, 0, UINT64_MAX, REMOVE_EXIT, unpin_gone, &z);
	check(&z);
	assert_int_equal(core_frames_free(z.v), frames);
	vmm_destroy(z.v);
}

static void test_fuzz(void **state)
{
	static const uint32_t flags[] = {
		0,
		VMM_FLAG_PROBATION,
		VMM_FLAG_LIVE,
		VMM_FLAG_LIVE | VMM_FLAG_PROBATION | VMM_FLAG_TRACK_DIRTY | VMM_FLAG_TIME_FAULTS,
	};
	static const struct {
		uint32_t frames, batch, window;
	} sizes[] = { { 1, 1, 1 },  { 2, 1, 1 },   { 7, 1, 3 },
		      { 64, 1, 8 }, { 64, 8, 16 }, { 100, 40, 60 } };

	(void)state;
	for (const struct policy_ops *const *p = policy_all(); *p; p++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
			for (size_t f = 0; f < sizeof(flags) / sizeof(flags[0]); f++)
				fuzz_one((*p)->name, sizes[s].frames, sizes[s].batch,
					 sizes[s].window, flags[f], STEPS);
	fuzz_one("clock:ref-at-load=0", 50, 1, 0, VMM_FLAG_LIVE, 5000);
	fuzz_one("gclock:bit=1", 50, 4, 0, VMM_FLAG_LIVE, 2 * STEPS);
	fuzz_one("s3-fifo:bits=1,promote=1,small=40", 50, 4, 0, VMM_FLAG_LIVE, 2 * STEPS);
	fuzz_one("lru-k:k=3,correlated=4,history=20", 50, 4, 20, VMM_FLAG_TIME_FAULTS, 2 * STEPS);
	fuzz_one("lirs:hir=30,stack=110", 50, 4, 20, 0, 2 * STEPS);
	fuzz_one("aging:tick=3", 50, 4, 0, VMM_FLAG_LIVE | VMM_FLAG_TIME_FAULTS, 2 * STEPS);
	fuzz_one("ws:tau=20,sample=3", 50, 4, 0,
		 VMM_FLAG_LIVE | VMM_FLAG_TRACK_DIRTY | VMM_FLAG_TIME_FAULTS, 2 * STEPS);
	fuzz_one("wsclock:tau=20", 50, 4, 0,
		 VMM_FLAG_LIVE | VMM_FLAG_TRACK_DIRTY | VMM_FLAG_TIME_FAULTS, 2 * STEPS);
	fuzz_one("nru:reset=3", 200, 4, 0, VMM_FLAG_LIVE | VMM_FLAG_TRACK_DIRTY, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fuzz),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
