/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_content.c - a driver that carries plans out on real content, one number a page, and never is told what a page should
 * hold: whatever happens to address spaces, each process reads what it, or who shares with it, wrote last.
 *
 * What should be there is kept per address and object, without pages, frames or faults.
 */
#include "core/core.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SPACES 4
#define PAGES 16
#define FILES 2 /* objects 0 and 1; 2 is shared memory */
#define OBJECTS 3
#define OBJECT_PAGES 24
#define FRAMES_MAX 32
#define IDS 2048
#define LOST UINT64_MAX /* in a slot that holds nothing */

struct driver {
	struct vmm *v;
	uint64_t frame[FRAMES_MAX], slot[IDS], file[FILES][OBJECT_PAGES];
};

/* What should be read. */
struct truth {
	bool mapped, read_only, has_copy; /* has_copy: of a page of a private mapping of a file */
	enum vmm_backing backing;
	uint32_t object;
	uint64_t object_page, value;
};

static struct driver d;
static struct truth truth[SPACES][PAGES];
static uint64_t object_truth[OBJECTS][OBJECT_PAGES];

/* --- the driver --------------------------------------------------------------------------------------------------- */

static uint64_t *file_of(uint32_t id)
{
	uint32_t object;
	uint64_t object_page;

	assert_true(core_object_of(d.v, id, &object, &object_page));
	assert_true(object < FILES && object_page < OBJECT_PAGES);
	return &d.file[object][object_page];
}

static uint64_t *home(uint32_t id)
{
	return core_page(d.v, id)->sharing & PAGE_FILE ? file_of(id) : &d.slot[id];
}

static void write_back(void *arg, uint32_t id, const struct page *p)
{
	(void)arg;
	assert_true(p->sharing & PAGE_FILE);
	*file_of(id) = d.frame[p->frame];
}

static void gone(void *arg, uint32_t id, const struct page *p)
{
	(void)arg;
	(void)p;
	d.slot[id] = LOST;
}

static void evict(const struct plan *plan, struct rng *rng)
{
	for (uint32_t i = 0; i < plan->n_evict; i++) {
		uint32_t id = plan->evict[i], f = core_page(d.v, id)->frame;

		if (rng_below(rng, 50) == 0 && core_frames(d.v)->capacity > 4) {
			core_evict_failed(d.v, id);
			continue;
		}
		if (frame_dirty(core_frames(d.v), f))
			*home(id) = d.frame[f];
		core_evicted(d.v, id, -1);
		d.frame[f] = LOST;
	}
}

static uint64_t content(uint32_t id)
{
	const struct page *p = core_page(d.v, id);

	if (p->state == PAGE_MAPPED || p->state == PAGE_IDLE)
		return d.frame[p->frame];
	return p->state == PAGE_STORED ? *home(id) : 0;
}

static void fill(struct plan *plan)
{
	uint64_t value = 0;

	if (plan->kind == FAULT_MAJOR || plan->kind == FAULT_FILE)
		value = *home(plan->page);
	else if (plan->kind == FAULT_COW && plan->needs_frame)
		value = content(plan->source);
	core_fill(d.v, plan);
	assert_true(core_page(d.v, plan->page)->frame < FRAMES_MAX);
	if (plan->needs_frame)
		d.frame[core_page(d.v, plan->page)->frame] = value;
}

/* As a process does it: a reference is tried again until it is a hit. 0 or -errno; the page's content in *value. */
static int reference(uint32_t space, uint64_t vpn, bool write, uint64_t **value, struct rng *rng)
{
	struct plan plan;
	uint32_t f;

	for (int tries = 0; !core_hits(d.v, space, vpn, write); tries++) {
		int err = core_fault(d.v, space, vpn, write, space, &plan);

		assert_true(tries < 8);
		while (!err) {
			evict(&plan, rng);
			if (!plan.needs_frame || core_frames_free(d.v))
				break;
			err = core_room(d.v, &plan);
		}
		if (err == -ENOMEM)
			continue; /* every page that may leave was kept by chance */
		if (err)
			return err;
		fill(&plan);
		if (core_page(d.v, plan.page)->state == PAGE_IDLE)
			break; /* a class that loads pages unreferenced */
	}
	if (core_frames(d.v)->capacity < SPACES + 2)
		core_thread_exit(d.v, space); /* too few for each to hold one */
	f = core_page(d.v, core_find(d.v, space, vpn))->frame;
	if (write)
		core_frames(d.v)->bits[f] |= FRAME_DIRTY;
	*value = &d.frame[f];
	return 0;
}

/* --- what should be ----------------------------------------------------------------------------------------------- */

static uint64_t *truth_of(struct truth *t, bool write)
{
	if (!t->mapped || t->backing == VMM_ANON || t->has_copy)
		return &t->value;
	if (t->backing == VMM_FILE_PRIVATE && write) {
		t->has_copy = true;
		return &t->value;
	}
	return &object_truth[t->object][t->object_page];
}

static bool object_mapped(uint32_t object)
{
	for (int s = 0; s < SPACES; s++)
		for (int i = 0; i < PAGES; i++)
			if (truth[s][i].mapped && truth[s][i].backing != VMM_ANON &&
			    truth[s][i].object == object)
				return true;
	return false;
}

/* Shared memory that nobody maps is gone. */
static void truth_settle(void)
{
	if (!object_mapped(2))
		memset(object_truth[2], 0, sizeof(object_truth[2]));
}

static void truth_unmap(uint32_t space, uint64_t vpn, uint64_t n)
{
	memset(&truth[space][vpn], 0, n * sizeof(truth[0][0]));
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

static void step_map(struct rng *rng, uint32_t space, uint64_t vpn, uint64_t n)
{
	struct vmm_mapping m = { .backing = (enum vmm_backing)rng_below(rng, 4),
				 .object_page = rng_below(rng, OBJECT_PAGES - PAGES),
				 .read_only = rng_below(rng, 4) == 0 };

	m.object = m.backing == VMM_SHARED ? 2 : (uint32_t)rng_below(rng, FILES);
	assert_int_equal(core_map(d.v, space, vpn, n, &m, false, gone, NULL), 0);
	truth_unmap(space, vpn, n);
	for (uint64_t i = 0; i < n; i++)
		truth[space][vpn + i] = (struct truth){ .mapped = true,
							.read_only = m.read_only,
							.backing = m.backing,
							.object = m.object,
							.object_page = m.object_page + i };
	truth_settle();
}

static void step_discard(uint32_t space, uint64_t vpn, uint64_t n)
{
	core_discard(d.v, space, vpn, n, gone, NULL);
	for (uint64_t i = vpn; i < vpn + n; i++) {
		truth[space][i].value = 0;
		truth[space][i].has_copy = false;
	}
}

static void step_event(struct rng *rng, uint32_t space)
{
	uint64_t vpn = rng_below(rng, PAGES), n = 1 + rng_below(rng, (uint32_t)(PAGES - vpn));
	uint32_t other = (space + 1 + (uint32_t)rng_below(rng, SPACES - 1)) % SPACES;

	switch (rng_below(rng, 8)) {
	case 0:
		assert_int_equal(core_unmap(d.v, space, vpn, n, REMOVE_UNMAP, gone, NULL), 0);
		truth_unmap(space, vpn, n);
		truth_settle();
		break;
	case 1:
		step_discard(space, vpn, n);
		break;
	case 2:
		core_sync(d.v, space, vpn, n);
		break;
	case 3:
	case 4:
		core_exit(d.v, other, gone, NULL);
		truth_unmap(other, 0, PAGES);
		truth_settle();
		assert_int_equal(core_fork(d.v, space, other), 0);
		memcpy(truth[other], truth[space], sizeof(truth[0]));
		break;
	default:
		step_map(rng, space, vpn, n);
	}
}

static void step_reference(struct rng *rng, uint32_t space, uint64_t new_value)
{
	uint64_t vpn = rng_below(rng, PAGES), *value = NULL;
	bool write = rng_below(rng, 2);
	struct truth *t = &truth[space][vpn];
	int err = reference(space, vpn, write, &value, rng);

	if (write && t->mapped && t->read_only) {
		assert_int_equal(err, -EACCES);
		return;
	}
	assert_int_equal(err, 0);
	assert_int_equal(*value, *truth_of(t, false));
	if (write)
		*truth_of(t, true) = *value = new_value;
}

/* What was synchronised, or belonged to objects that ended, is in the files. */
static void files_check(void)
{
	for (uint32_t s = 0; s < SPACES; s++) {
		core_exit(d.v, s, gone, NULL);
		truth_unmap(s, 0, PAGES);
	}
	assert_int_equal(core_check(d.v), 0);
	assert_int_equal(core_frames(d.v)->used, 0);
	for (int o = 0; o < FILES; o++)
		for (int i = 0; i < OBJECT_PAGES; i++)
			assert_int_equal(d.file[o][i], object_truth[o][i]);
}

static void sequence(uint64_t seed, const char *policy)
{
	static const uint32_t flags[] = { 0, VMM_FLAG_TRACK_DIRTY, VMM_FLAG_PROBATION,
					  VMM_FLAG_LIVE | VMM_FLAG_TRACK_DIRTY };
	struct rng rng = { seed };
	uint32_t flag = flags[seed % 4], least = flag & VMM_FLAG_LIVE ? SPACES + 2 : 1;
	struct vmm_config c = { .frames = least + (uint32_t)rng_below(&rng, FRAMES_MAX - least),
				.batch = 1 + (uint32_t)rng_below(&rng, 4),
				.flags = flag,
				.seed = seed,
				.policy = policy };

	memset(truth, 0, sizeof(truth));
	memset(object_truth, 0, sizeof(object_truth));
	memset(&d, 0xff, sizeof(d));
	for (int o = 0; o < FILES; o++)
		for (int i = 0; i < OBJECT_PAGES; i++)
			d.file[o][i] = object_truth[o][i] = (uint64_t)(1000 * (o + 1) + i);
	d.v = vmm_create(&c);
	assert_non_null(d.v);
	core_on_write_back(d.v, write_back, NULL);
	for (uint64_t k = 0; k < 400; k++) {
		uint32_t space = (uint32_t)rng_below(&rng, SPACES);

		if (rng_below(&rng, 12) == 0)
			step_event(&rng, space);
		else
			step_reference(&rng, space, 100000 + k);
	}
	assert_int_equal(vm_stats_check(vmm_stats(d.v)), 0);
	files_check();
	vmm_destroy(d.v);
}

static void test_content(void **state)
{
	static const char *const policies[] = { "fifo",   "clock", "lru", "sieve", "nru",
						"random", "arc",   "2q",  "lirs",  "s3-fifo" };
	uint64_t n = getenv("FULL") ? 20000 : 400;

	(void)state;
	for (uint64_t seed = 0; seed < n; seed++)
		sequence(seed, policies[seed / 4 % 10]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_content) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
