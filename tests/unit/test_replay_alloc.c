/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_replay_alloc.c - the Nth allocation of a replay fails, for N = 1, 2 ...: sweeps, the full model with local allocation
 * and next uses, working sets, reduction. Each gives -ENOMEM and nothing else, and leaks nothing (under a sanitizer).
 *
 * link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
 */
#include "core/replay/chance.h"
#include "core/replay/denning.h"
#include "core/replay/full.h"
#include "core/replay/stack_distance.h"
#include "core/replay/window.h"
#include "core/trace/sad.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/trace_drive.h"

static char *path;

static int setup(void **state)
{
	FILE *file;

	(void)state;
	path = temporary("alloc.trace");
	file = fopen(path, "w");
	assert_non_null(file);
	for (uint32_t i = 0; i < 6000; i++) {
		fprintf(file, "%u %c %u\n", 1 + i % 3, i % 4 ? 'R' : 'W', i * i % 9973 * 4096);
		if (i % 100 == 99)
			fprintf(file, "%u U %u 8192\n", 1 + i % 3, i * 4096);
	}
	fprintf(file, "2 X\n");
	fclose(file);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	temporary_remove(path);
	return 0;
}

static int sweep(void)
{
	struct sweep_cell cells[2] = { { .config = { .policy = "arc", .frames = 50 } },
				       { .config = { .policy = "clock", .frames = 9 } } };
	struct sweep s = { .cells = cells, .n_cells = 2, .events = true, .interval = 500 };
	struct trace_source t;
	uint32_t bad;
	int err = trace_source_open(&t, path, 12, 0, NULL);

	if (err)
		return err;
	s.source = &t.source;
	err = sweep_run(&s, &bad);
	free(s.rows);
	free(cells[0].rows);
	free(cells[1].rows);
	trace_source_close(&t);
	return err;
}

static int full(void)
{
	static const struct full_quota quotas[] = { { 1, 20 }, { 2, 3 }, { 3, 1 } };
	struct vmm_mmu mmu = { .page_table = "four", .tlb = "8x2" };
	struct full_cell cells[2] = {
		{ .config = { .policy = "opt", .frames = 50, .mmu = &mmu } },
		{ .config = { .policy = "lru", .frames = 24 }, .quotas = quotas, .n_quotas = 3 }
	};
	struct full m = { .cells = cells, .n_cells = 2, .interval = 500, .warmup = 700 };
	struct replay_events events = { .n = 0 };
	struct opt_table table = { .fd = -1 };
	struct trace_source t;
	uint32_t bad;
	int err = trace_source_open(&t, path, 12, 0, NULL);

	if (err)
		return err;
	t.source.events = &events;
	t.source.fresh = true;
	err = opt_table_make(&table, &t.source, 0, 1 << 20);
	t.source.fresh = false;
	replay_events_destroy(&events);
	if (!err)
		err = t.source.rewind(&t.source);
	m.source = &t;
	m.next = &table;
	if (!err)
		err = full_run(&m, &bad);
	free(m.rows);
	full_cell_destroy(&cells[0]);
	full_cell_destroy(&cells[1]);
	opt_table_destroy(&table);
	trace_source_close(&t);
	return err;
}

static int take(void *arg, const struct trace_record *record)
{
	(void)record;
	++*(uint32_t *)arg;
	return 0;
}

static int reduction(void)
{
	struct trace_record r = { .pid = 1 };
	uint32_t n = 0;
	struct sad *s;
	int err = sad_create(&s, 300, take, &n);

	if (err)
		return err;
	for (uint32_t i = 0; i < 4000 && !err; i++) {
		r.vpn = i * i % 1511;
		err = sad_feed(s, &r, 1);
	}
	if (!err)
		err = sad_finish(s);
	sad_destroy(s);
	return err;
}

static int sets(void)
{
	struct denning d = { .now = 0 };
	struct working_set w = { .now = 0 };
	int err = 0;

	for (uint32_t i = 0; i < 5000 && !err; i += 100) {
		err = denning_feed(&d, &i, 1, i + 1);
		if (!err)
			err = working_set_feed(&w, &i, 1, i + 1);
	}
	denning_destroy(&d);
	working_set_destroy(&w);
	return err;
}

/* Every second page goes again, so that holes take room too; the axis is renumbered. */
static int distances(void)
{
	struct stack_distance s;
	uint32_t distance;
	int err = stack_distance_init(&s);

	for (uint32_t i = 0; i < 50000 && !err; i++) {
		uint32_t page = i % 5000;

		err = stack_distance_feed(&s, &page, 1, page + 1, &distance);
		if (!err && page % 2)
			err = stack_distance_gone(&s, page - 1);
	}
	stack_distance_destroy(&s);
	return err;
}

/* Pages enter, leave and now and then go; both axes are renumbered. */
static int windows(void)
{
	struct window w;
	int err = window_init(&w, 8);

	for (uint32_t i = 0; i < 50000 && !err; i++) {
		uint32_t page = i % 5000, left = (i + 4992) % 5000;

		err = window_leave(&w, left);
		if (!err && i % 3 == 0)
			err = window_gone(&w, left);
		if (!err)
			err = window_feed(&w, &page, 1, page + 1, true);
	}
	window_destroy(&w);
	return err;
}

static int chance(void)
{
	int draws = policy_draws("random");

	return draws < 0 ? draws : !draws;
}

static void nth_of(int (*run)(void), uint64_t least)
{
	uint64_t n = 0;
	int err;

	do {
		calls = 0;
		fail_at = ++n;
		err = run();
		fail_at = 0;
		assert_true(err == 0 || err == -ENOMEM);
	} while (err);
	assert_true(n > least);
	assert_int_equal(run(), 0);
}

static void test_nth(void **state)
{
	(void)state;
	nth_of(sweep, 20);
	nth_of(full, 40);
	nth_of(reduction, 5);
	nth_of(sets, 5);
	nth_of(distances, 8);
	nth_of(windows, 20);
	nth_of(chance, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_nth) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
