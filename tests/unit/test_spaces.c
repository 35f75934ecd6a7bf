/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_spaces.c - random sequences of references, fork, exit, map, unmap, discard and sync: the core and the brute-force
 * model of tests/model/spaces.h agree on every result and every counter after every step. Translation, nodes and a swap device change nothing.
 */
#include "core/core.h"
#include "tests/model/spaces.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define PAGE(n) ((uint64_t)(n) << 12)
#define STEPS 300
#define CREATED 3 /* the object that vmm_create_shared makes; 0 and 1 are files */
#define CREATED_PAGES 6

struct both {
	struct vmm *v, *translated; /* the latter may be NULL */
	struct spaces m;
	struct rng rng;
	uint32_t created;
};

static int pick(struct both *b, int n)
{
	return (int)rng_below(&b->rng, (uint32_t)n);
}

/* The same call for both; their results must be equal. */
#define BOTH(b, call)                                                                              \
	({                                                                                         \
		struct vmm *v = (b)->v;                                                            \
		int result = (call);                                                               \
		v = (b)->translated;                                                               \
		if (v)                                                                             \
			assert_int_equal((call), result);                                          \
		result;                                                                            \
	})

static uint32_t object_number(const struct both *b, int object)
{
	return object == CREATED ? b->created : (uint32_t)object;
}

static void step_map(struct both *b, int process)
{
	int page = pick(b, SPACES_PAGES),
	    n = 1 + pick(b, SPACES_PAGES - page < 9 ? SPACES_PAGES - page : 9);
	int object = pick(b, 3), first = pick(b, 5), read_only = pick(b, 4) == 0;
	enum spaces_backing backing = pick(b, 3) ? SPACES_FILE_PRIVATE : SPACES_FILE_SHARED;
	struct vmm_mapping mapping;

	if (object == 2)
		backing = pick(b, 3) ? SPACES_SHARED : SPACES_ANON;
	mapping = (struct vmm_mapping){ .backing = (enum vmm_backing)backing,
					.object = object_number(b, object),
					.object_page = (uint64_t)first,
					.read_only = read_only };
	assert_int_equal(BOTH(b, vmm_map(v, (uint32_t)process, PAGE(page), PAGE(n), &mapping)), 0);
	spaces_map(&b->m, process, page, n, backing, object, first, read_only);
}

static void step_attach(struct both *b, int process)
{
	int page = pick(b, SPACES_PAGES - CREATED_PAGES);
	uint32_t pid = (uint32_t)process;
	bool attached = b->m.at[process][page].mapped;

	/* what it begins with decides: a whole mapping of the object, or nothing that could be detached */
	for (int i = 0; i < CREATED_PAGES && attached; i++)
		attached = b->m.at[process][page + i].mapped &&
			   b->m.at[process][page + i].object == CREATED &&
			   b->m.at[process][page + i].object_page == i;
	if (attached && BOTH(b, vmm_detach_shared(v, pid, PAGE(page))) == 0) {
		spaces_unmap(&b->m, process, page, CREATED_PAGES);
		return;
	}
	assert_int_equal(BOTH(b, vmm_attach_shared(v, pid, b->created, PAGE(page))), 0);
	spaces_map(&b->m, process, page, CREATED_PAGES, SPACES_SHARED, CREATED, 0, false);
}

static void step_range(struct both *b, int process, int what)
{
	int page = pick(b, SPACES_PAGES), n = 1 + pick(b, SPACES_PAGES - page);
	uint32_t pid = (uint32_t)process;

	if (what == 0) {
		assert_int_equal(BOTH(b, vmm_unmap(v, pid, PAGE(page), PAGE(n))), 0);
		spaces_unmap(&b->m, process, page, n);
	} else if (what == 1) {
		assert_int_equal(BOTH(b, vmm_discard(v, pid, PAGE(page), PAGE(n))), 0);
		spaces_discard(&b->m, process, page, n);
	} else {
		assert_int_equal(BOTH(b, vmm_sync(v, pid, PAGE(page), PAGE(n))), 0);
		spaces_sync(&b->m, process, page, n);
	}
}

static void step_fork(struct both *b, int parent)
{
	int child = (parent + 1 + pick(b, SPACES - 1)) % SPACES;
	int result = BOTH(b, vmm_fork(v, (uint32_t)parent, (uint32_t)child));

	assert_int_equal(result, spaces_fork(&b->m, parent, child) ? -EEXIST : 0);
}

static void step(struct both *b)
{
	int process = pick(b, SPACES), what = pick(b, 100);
	int page = pick(b, 1 + pick(b, SPACES_PAGES));
	int write = pick(b, 3) == 0, result;
	uint32_t pid = (uint32_t)process;

	if (what < 4) {
		step_range(b, process, pick(b, 3));
	} else if (what < 9) {
		step_fork(b, process);
	} else if (what < 11) {
		result = BOTH(b, vmm_exit(v, pid));
		assert_int_equal(result, spaces_exit(&b->m, process) ? -ESRCH : 0);
	} else if (what < 15) {
		step_map(b, process);
	} else if (what < 16) {
		step_attach(b, process);
	} else {
		result = BOTH(b, vmm_access(v, pid, PAGE(page) + 17, write));
		if (result == -EACCES)
			result = -1;
		assert_int_equal(result, spaces_access(&b->m, process, page, write));
	}
}

static void compare(const struct both *b)
{
	const struct vm_stats *s = vmm_stats(b->v);
	const struct spaces_counts *n = &b->m.n;
	const struct {
		uint64_t core, model;
	} rows[] = {
		{ s->faults, n->faults },
		{ s->faults_zero, n->zero },
		{ s->faults_major, n->major },
		{ s->faults_file, n->file },
		{ s->faults_cow_alloc, n->cow_alloc },
		{ s->faults_cow, n->cow },
		{ s->cow_copies, n->copies },
		{ s->faults_minor, n->minor },
		{ s->faults_soft, n->soft },
		{ s->faults_write, n->writes },
		{ s->file_faults, n->file_faults },
		{ s->evictions, n->evictions },
		{ s->evictions_dirty, n->dirty },
		{ s->file_evictions_clean, n->file_clean },
		{ s->file_evictions_dirty, n->file_dirty },
		{ s->store_reads, n->store_reads },
		{ s->store_writes, n->store_writes },
		{ s->file_reads, n->file_reads },
		{ s->file_writes, n->file_writes },
		{ s->file_synced, n->synced },
		{ s->unmapped, n->unmapped },
		{ s->cow_pages_saved, n->cow_saved },
		{ s->shared_pages_saved, n->shared_saved },
		{ s->footprint_pages, n->footprint },
		{ s->anon_faults, n->faults - n->file_faults },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].core != rows[i].model)
			fail_msg("row %zu: core %llu, model %llu", i,
				 (unsigned long long)rows[i].core,
				 (unsigned long long)rows[i].model);
	for (uint32_t p = 0; p < SPACES; p++)
		if (vmm_process_stats(b->v, p))
			assert_int_equal(vmm_process_stats(b->v, p)->faults, b->m.faults_of[p]);
}

/* What a memory has besides policy, frames and tracking of writes. */
struct extras {
	struct vmm_mmu mmu;
	const char *numa;
	uint32_t swap_pages;
};

static struct vmm *make(const char *policy, uint32_t frames, bool track_dirty,
			const struct extras *e, uint32_t *created)
{
	struct vmm_config c = { .frames = frames,
				.policy = policy,
				.flags = track_dirty ? VMM_FLAG_TRACK_DIRTY : 0,
				.mmu = e ? &e->mmu : NULL,
				.numa = e && frames > 3 ? e->numa : NULL,
				.swap_pages = e ? e->swap_pages : 0 };
	struct vmm *v = vmm_create(&c);

	assert_non_null(v);
	assert_int_equal(vmm_create_shared(v, PAGE(CREATED_PAGES), created), 0);
	return v;
}

static void compare_translated(const struct both *b)
{
	for (uint32_t i = 0; i < vm_stat_count; i++)
		if (vmm_counter_applies(b->v, &vm_stat_list[i]))
			assert_int_equal(vm_stat_get(vmm_stats(b->translated), &vm_stat_list[i]),
					 vm_stat_get(vmm_stats(b->v), &vm_stat_list[i]));
}

static void sequence(uint64_t seed, const struct extras *extras)
{
	static const char *const policies[] = { "fifo", "lru", "clock" };
	static struct both b;
	enum spaces_policy policy = (enum spaces_policy)(seed % 3);
	bool track_dirty = seed / 3 % 2;
	uint32_t frames;

	b.rng.state = seed;
	frames = 1 + (uint32_t)pick(&b, 1 + pick(&b, 64));
	b.v = make(policies[policy], frames, track_dirty, NULL, &b.created);
	b.translated = extras ? make(policies[policy], frames, track_dirty, extras, &b.created)
			      : NULL;
	spaces_init(&b.m, policy, (int)frames, track_dirty);
	b.m.object_is_file[0] = b.m.object_is_file[1] = true;
	b.m.object_stays[CREATED] = true;
	for (int k = 0; k < STEPS; k++) {
		step(&b);
		compare(&b);
		if (b.translated && k % 8 == 0)
			assert_int_equal(core_check(b.translated), 0);
	}
	assert_int_equal(core_check(b.v), 0);
	if (b.translated)
		compare_translated(&b);
	vmm_destroy(b.v);
	if (b.translated)
		vmm_destroy(b.translated);
}

static void test_agree(void **state)
{
	uint64_t n = getenv("FULL") ? 30000 : 1500;

	(void)state;
	for (uint64_t seed = 0; seed < n; seed++)
		sequence(seed, NULL);
}

/* Neither translation nor nodes nor a swap device that is large enough change a decision. */
static void test_extras(void **state)
{
	static const struct extras extras[] = {
		{ .mmu = { "four", "8x2", 0 } },
		{ .mmu = { NULL, "16,policy=plru,asid", 0 } },
		{ .mmu = { "inverted", "4", 0 } },
		{ .mmu = { "hashed", "8x4,l2=24x3", 0 } },
		{ .mmu = { "two", "8,asid=2", 3 } },
		{ .mmu = { "five", NULL, 2 } },
		{ .numa = "3:interleave" },
		{ .mmu = { "four", "8", 0 }, .numa = "2:migrate" },
		{ .swap_pages = SPACES * SPACES_PAGES + CREATED_PAGES + SPACES_OBJECT_PAGES },
	};

	(void)state;
	for (uint64_t seed = 0; seed < 180; seed++)
		sequence(seed * 7, &extras[seed % 9]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agree),
		cmocka_unit_test(test_extras),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
