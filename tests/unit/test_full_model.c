/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_full_full.c - traces through struct vmm (core/replay/full.h): the fast engine counts the same, at any number of
 * threads; OPT and VMIN get their future; local allocation is each process alone; warm-up and rows add up.
 */
#include "core/replay/full.h"
#include "tests/unit/trace_drive.h"

#define N 5000u
#define PROCESSES 3u

static char *path;
static struct trace_record records[N];

static void trace_put(const char *name, const struct trace_record *list, size_t n)
{
	struct trace_writer *w;

	path = temporary(name);
	assert_int_equal(trace_create(&w, path, NULL), 0);
	assert_int_equal(trace_write(w, list, n), 0);
	assert_int_equal(trace_finish(w), 0);
}

static void records_make(uint64_t seed)
{
	struct rng g = { seed };

	for (uint32_t i = 0; i < N; i++)
		records[i] =
			(struct trace_record){ .pid = 1 + (uint32_t)rng_below(&g, PROCESSES),
					       .vpn = rng_below(&g, 90) * rng_below(&g, 90) / 90,
					       .kind = rng_below(&g, 3) ? TRACE_READ
									: TRACE_WRITE };
}

static int setup(void **state)
{
	(void)state;
	records_make(5);
	trace_put("model.trace", records, N);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	temporary_remove(path);
	return 0;
}

static struct trace_source source;

static struct trace_source *opened(void)
{
	assert_int_equal(trace_source_open(&source, path, 12, 0, NULL), 0);
	return &source;
}

static void run(struct full *m)
{
	uint32_t bad;

	m->source = opened();
	assert_int_equal(full_run(m, &bad), 0);
	trace_source_close(m->source);
}

static void cells_destroy(struct full_cell *cells, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		full_cell_destroy(&cells[i]);
}

static void sweep_cells(struct sweep_cell *cells, uint32_t n, uint64_t warmup)
{
	struct sweep s = { .cells = cells, .n_cells = n, .warmup = warmup, .events = true };
	uint32_t bad;

	s.source = &opened()->source;
	assert_int_equal(sweep_run(&s, &bad), 0);
	trace_source_close(&source);
}

static void equal(const char *what, const struct vm_stats *a, const struct vm_stats *b,
		  bool peaks_too)
{
	for (uint32_t i = 0; i < vm_stat_count; i++) {
		const struct vm_stat_info *s = &vm_stat_list[i];

		if (!strcmp(s->name, "references_cleared") || (vm_stat_is_peak(s) && !peaks_too))
			continue; /* the engine does not keep it */
		if (vm_stat_get(a, s) != vm_stat_get(b, s))
			fail_msg("%s, %s: %llu, not %llu", what, s->name,
				 (unsigned long long)vm_stat_get(a, s),
				 (unsigned long long)vm_stat_get(b, s));
	}
}

/* Wherever both can run they count the same, warm-up or not, on one thread or three. */
static void test_engines_equal(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 7, 40, 400 };
	const struct policy_ops *const *p;

	(void)state;
	for (p = policy_all(); *p; p++) {
		for (uint64_t warmup = 0; warmup <= 1000; warmup += 1000) {
			struct full_cell cells[5] = { 0 };
			struct sweep_cell fast[5] = { 0 };
			struct full m = { .cells = cells,
					  .n_cells = 5,
					  .jobs = warmup ? 3 : 1,
					  .block = 300,
					  .warmup = warmup };

			if (!replay_can(*p))
				break;
			for (uint32_t k = 0; k < 5; k++) {
				cells[k].config = (struct vmm_config){ .policy = (*p)->name,
								       .frames = sizes[k],
								       .seed = 9 };
				fast[k].config = (struct replay_config){ .policy = (*p)->name,
									 .frames = sizes[k],
									 .seed = 9 };
			}
			run(&m);
			sweep_cells(fast, 5, warmup);
			for (uint32_t k = 0; k < 5; k++)
				equal((*p)->name, &cells[k].stats, &fast[k].stats, !warmup);
			assert_int_equal(m.totals.references, N);
			assert_int_equal(m.totals.warmup, warmup);
			cells_destroy(cells, 5);
		}
	}
}

static void next_make(struct opt_table *t)
{
	struct replay_events events = { 0 };

	opened();
	source.source.events = &events;
	source.source.fresh = true;
	assert_int_equal(opt_table_make(t, &source.source, 0, 1 << 20), 0);
	trace_source_close(&source);
	replay_events_destroy(&events);
}

/* OPT through vmm_access_next makes the misses that it makes without a struct vmm; so does vmin that keeps what it can. */
static void test_future(void **state)
{
	struct full_cell cells[4] = { 0 };
	struct full m = { .cells = cells, .n_cells = 4, .jobs = 2, .block = 77 };
	struct opt_table table;
	uint64_t misses;

	(void)state;
	next_make(&table);
	m.next = &table;
	for (uint32_t k = 0; k < 4; k++)
		cells[k].config = (struct vmm_config){ .policy = k < 3 ? "opt" : "vmin:tau=1",
						       .frames = 5 + 30 * (k % 3) };
	run(&m);
	for (uint32_t k = 0; k < 3; k++) {
		assert_int_equal(opt_misses(&table, cells[k].config.frames, 0, &misses), 0);
		assert_int_equal(cells[k].stats.faults, misses);
		assert_true(cells[k].stats.evictions > 0);
	}
	assert_true(cells[3].stats.resident_sum <=
		    2 * N); /* a page stays for the next reference only */
	opt_table_destroy(&table);
	cells_destroy(cells, 4);
}

/* Without its future a policy of class X is an error of its cell. */
static void test_errors(void **state)
{
	struct full_cell cells[2] = { { .config = { .policy = "lru", .frames = 3 } },
				      { .config = { .policy = "opt", .frames = 3 } } };
	struct full m = { .cells = cells, .n_cells = 2, .jobs = 2 };
	uint32_t bad;

	(void)state;
	m.source = opened();
	assert_int_equal(full_run(&m, &bad), -ENOTSUP);
	assert_int_equal(bad, 1);
	trace_source_close(&source);
	cells_destroy(cells, 2);
	cells[1].config = (struct vmm_config){ .policy = "nosuch", .frames = 3 };
	m.source = opened();
	assert_int_equal(full_run(&m, &bad), -ENOENT);
	assert_int_equal(bad, 1);
	trace_source_close(&source);
	cells_destroy(cells, 2);
}

/* One process's references alone, as a trace. */
static uint64_t alone(uint32_t pid, uint32_t frames, struct vm_stats *stats)
{
	struct vmm_config c = { .frames = frames, .policy = "lru" };
	struct vmm *v = vmm_create(&c);

	assert_non_null(v);
	for (uint32_t i = 0; i < N; i++)
		if (records[i].pid == pid)
			assert_true(vmm_access(v, pid, records[i].vpn << 12, records[i].kind) >= 0);
	*stats = *vmm_stats(v);
	vmm_destroy(v);
	return stats->faults;
}

static void test_local(void **state)
{
	const struct full_quota quotas[PROCESSES] = { { 1, 10 }, { 2, 25 }, { 3, 1 } };
	struct full_cell cell = { .config = { .policy = "lru", .frames = 36 },
				  .quotas = quotas,
				  .n_quotas = PROCESSES };
	struct full m = { .cells = &cell, .n_cells = 1, .jobs = 2, .interval = 1000, .block = 64 };
	struct vm_stats stats;
	uint64_t faults = 0;

	(void)state;
	run(&m);
	assert_int_equal(cell.n_processes, PROCESSES);
	for (uint32_t k = 0; k < PROCESSES; k++) {
		faults += alone(quotas[k].pid, quotas[k].frames, &stats);
		assert_int_equal(cell.processes[k].frames, quotas[k].frames);
		assert_memory_equal(&cell.processes[k].stats, &stats, sizeof(stats));
	}
	assert_int_equal(cell.stats.faults, faults);
	assert_int_equal(cell.stats.accesses, N);
	assert_int_equal(cell.n_rows, N / 1000);
	assert_memory_equal(&cell.rows[cell.n_rows - 1], &cell.stats, sizeof(stats));
	assert_int_equal(m.n_rows, cell.n_rows);
	free(m.rows);
	full_cell_destroy(&cell);
}

/* A trace that ends in the warm-up counts nothing. */
static void test_all_warm(void **state)
{
	struct full_cell cell = { .config = { .policy = "clock", .frames = 9 } };
	struct full m = { .cells = &cell, .n_cells = 1, .warmup = N + 1 };

	(void)state;
	run(&m);
	assert_int_equal(cell.stats.accesses, 0);
	assert_int_equal(cell.stats.faults, 0);
	full_cell_destroy(&cell);
}

/* What a trace says of forks and mappings reaches the library as it is: the counts are those of the calls made by hand. */
static void test_sharing(void **state)
{
	static const struct trace_record list[] = {
		{ .pid = 1, .kind = TRACE_MAP, .vpn = 10, .value = 20, .backing = TRACE_ANON },
		{ .pid = 1,
		  .kind = TRACE_MAP,
		  .vpn = 50,
		  .value = 8,
		  .backing = TRACE_SHARED,
		  .object = 3 },
		{ .pid = 1, .kind = TRACE_WRITE, .vpn = 10 },
		{ .pid = 1, .kind = TRACE_WRITE, .vpn = 50 },
		{ .pid = 1, .kind = TRACE_FORK, .value = 2 },
		{ .pid = 2, .kind = TRACE_WRITE, .vpn = 10 },
		{ .pid = 2, .kind = TRACE_READ, .vpn = 51 },
		{ .pid = 1, .kind = TRACE_READ, .vpn = 51 },
		{ .pid = 2, .kind = TRACE_EXIT },
		{ .pid = 1, .kind = TRACE_DISCARD, .vpn = 10, .value = 1 },
		{ .pid = 1, .kind = TRACE_READ, .vpn = 10 },
		{ .pid = 9, .kind = TRACE_EXIT },
	};
	const struct vmm_mapping shared = { .backing = VMM_SHARED, .object = 3 },
				 anon = { VMM_ANON, 0, 0, 0 };
	struct full_cell cell = { .config = { .policy = "lru", .frames = 9 } };
	struct full m = { .cells = &cell, .n_cells = 1 };
	struct vmm_config c = cell.config;
	struct vmm *v = vmm_create(&c);
	char *before = path;

	(void)state;
	assert_non_null(v);
	assert_int_equal(vmm_map(v, 1, 10 << 12, 20 << 12, &anon), 0);
	assert_int_equal(vmm_map(v, 1, 50 << 12, 8 << 12, &shared), 0);
	assert_int_equal(vmm_access(v, 1, 10 << 12, 1), 1);
	assert_int_equal(vmm_access(v, 1, 50 << 12, 1), 1);
	assert_int_equal(vmm_fork(v, 1, 2), 0);
	assert_true(vmm_access(v, 2, 10 << 12, 1) >= 0);
	assert_true(vmm_access(v, 2, 51 << 12, 0) >= 0);
	assert_true(vmm_access(v, 1, 51 << 12, 0) >= 0);
	assert_int_equal(vmm_exit(v, 2), 0);
	assert_int_equal(vmm_discard(v, 1, 10 << 12, 1 << 12), 0);
	assert_true(vmm_access(v, 1, 10 << 12, 0) >= 0);
	trace_put("sharing.vmt", list, sizeof(list) / sizeof(list[0]));
	run(&m);
	temporary_remove(path);
	path = before;
	assert_memory_equal(&cell.stats, vmm_stats(v), sizeof(cell.stats));
	assert_int_equal(cell.stats.faults_cow, 1);
	assert_int_equal(cell.n_processes, 2);
	full_cell_destroy(&cell);
	vmm_destroy(v);
}

/* The mean time is the library's, also of what follows a warm-up: time adds up. */
static void test_time(void **state)
{
	struct timing t = { .tlb_ns = 3, .mem_ns = 70, .fault_us = 11, .swap_us = 13 };
	struct full_cell cells[2] = { 0 };
	struct full m = { .cells = &cells[0], .n_cells = 1 }, warm = m;
	struct vmm_config c = {
		.policy = "lru", .frames = 40, .numa = "2:interleave,remote-ns=150", .timing = &t
	};
	struct vmm *v = vmm_create(&c);
	double before = 0, after;

	(void)state;
	assert_non_null(v);
	cells[0].config = cells[1].config = c;
	warm.cells = &cells[1];
	warm.warmup = 1000;
	run(&m);
	run(&warm);
	for (uint32_t i = 0; i < N; i++) {
		if (i == 1000)
			before = vmm_amt_ns(v) * 1000;
		assert_true(vmm_access(v, records[i].pid, records[i].vpn << 12, records[i].kind) >=
			    0);
	}
	after = vmm_amt_ns(v) * N;
	assert_true(cells[0].extra_ns > 0);
	assert_true(timing_total_ns(&t, &cells[0].stats, cells[0].extra_ns) > after - 2 &&
		    timing_total_ns(&t, &cells[0].stats, cells[0].extra_ns) < after + 2);
	after -= before;
	assert_true(timing_total_ns(&t, &cells[1].stats, cells[1].extra_ns) > after - 2 &&
		    timing_total_ns(&t, &cells[1].stats, cells[1].extra_ns) < after + 2);
	cells_destroy(cells, 2);
	vmm_destroy(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_engines_equal), cmocka_unit_test(test_future),
		cmocka_unit_test(test_errors),        cmocka_unit_test(test_local),
		cmocka_unit_test(test_all_warm),      cmocka_unit_test(test_time),
		cmocka_unit_test(test_sharing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
