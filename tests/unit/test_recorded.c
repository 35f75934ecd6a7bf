/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_recorded.c - what a recording needs of traces: its header can be amended when it is finished, and anonymous mappings, of which it
 * has many, are replayed by the fast engine as the library does.
 */
#include "core/replay/sweep.h"
#include "core/replay/trace_source.h"
#include "core/rng.h"
#include "core/vmm.h"
#include "tests/unit/trace_drive.h"

#include <fcntl.h>
#include <sys/stat.h>

#define N 20000u
#define PAGE 4096u

static struct trace_record records[N];

static void write_trace(const char *path, uint32_t n, const struct trace_header *header)
{
	struct trace_write_options o = { .header = *header };
	struct trace_writer *w;

	assert_int_equal(trace_create(&w, path, &o), 0);
	assert_int_equal(trace_write(w, records, n), 0);
	assert_int_equal(trace_finish(w), 0);
}

static void make(uint64_t seed)
{
	struct rng g = { seed };

	for (uint32_t i = 0; i < N; i++) {
		uint64_t what = rng_below(&g, 100);

		records[i] = (struct trace_record){ .pid = 1 + (uint32_t)rng_below(&g, 2),
						    .vpn = rng_below(&g, 60),
						    .kind = what % 3 ? TRACE_READ : TRACE_WRITE };
		if (what < 2) {
			records[i].kind = what ? TRACE_MAP : TRACE_DISCARD;
			records[i].value = 1 + rng_below(&g, 20);
			records[i].backing = TRACE_ANON;
		}
	}
}

static void test_amend(void **state)
{
	static const char meta[] = "recorder=a test\ncommand=none\n";
	struct trace_header header = {
		.page_shift = 12, .fidelity = TRACE_WINDOW, .window = 8, .meta = meta
	};
	char *path = temporary("amend.vmt");
	struct blob before, after;
	struct trace_reader *r;

	(void)state;
	make(1);
	write_trace(path, 1000, &header);
	before = slurp(path);
	assert_int_equal(trace_amend_window(path, 77), 0);
	after = slurp(path);
	assert_int_equal(before.size, after.size);
	assert_memory_equal(before.data + 32, after.data + 32, before.size - 32);
	assert_int_equal(trace_open(&r, path, NULL, NULL), 0);
	assert_int_equal(trace_header(r)->window, 77);
	assert_int_equal(trace_header(r)->fidelity, TRACE_WINDOW);
	assert_string_equal(trace_header(r)->meta, meta);
	trace_close(r);
	assert_int_equal(trace_amend_window(path, 8), 0);
	free(after.data);
	after = slurp(path);
	assert_memory_equal(before.data, after.data, before.size);
	free(before.data);
	free(after.data);
	temporary_remove(path);
}

static void test_amend_refused(void **state)
{
	static const char *const names[] = { "amend.txt", "amend.vmt.zst", "amend.txt.zst" };
	struct trace_header header = { .page_shift = 12, .fidelity = TRACE_WINDOW, .window = 8 };
	char *path;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct blob before, after;

		path = temporary(names[i]);
		write_trace(path, 10, &header);
		before = slurp(path);
		assert_int_equal(trace_amend_window(path, 77), -ENOTSUP);
		after = slurp(path);
		assert_int_equal(before.size, after.size);
		assert_memory_equal(before.data, after.data, before.size);
		free(before.data);
		free(after.data);
		temporary_remove(path);
	}
	path = temporary("pipe.vmt");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(trace_amend_window(path, 77), -ENOTSUP);
	temporary_remove(path);
	assert_int_equal(trace_amend_window("/no/such/file.vmt", 77), -ENOENT);
}

/* The library's count of the same. */
static uint64_t library_faults(const char *policy, uint32_t frames)
{
	struct vmm_config config = { .frames = frames, .policy = policy, .seed = 1 };
	struct vmm_mapping anonymous = { .backing = VMM_ANON };
	struct vmm *v = vmm_create(&config);
	uint64_t faults;

	assert_non_null(v);
	for (uint32_t i = 0; i < N; i++) {
		const struct trace_record *r = &records[i];
		uint64_t addr = r->vpn * PAGE;

		if (r->kind == TRACE_MAP)
			assert_int_equal(vmm_map(v, r->pid, addr, r->value * PAGE, &anonymous), 0);
		else if (r->kind == TRACE_DISCARD)
			assert_int_equal(vmm_discard(v, r->pid, addr, r->value * PAGE), 0);
		else
			assert_true(vmm_access(v, r->pid, addr, r->kind == TRACE_WRITE) >= 0);
	}
	faults = vmm_stats(v)->faults;
	vmm_destroy(v);
	return faults;
}

static void test_anonymous_maps(void **state)
{
	static const char *const policies[] = { "fifo", "lru", "clock", "arc" };
	struct trace_header header = { .page_shift = 12 };
	char *path = temporary("maps.vmt");

	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		make(seed);
		write_trace(path, N, &header);
		for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
			struct sweep_cell cell = {
				.config = { .policy = policies[i], .frames = 40, .seed = 1 }
			};
			struct sweep s = { .cells = &cell, .n_cells = 1, .events = true };
			struct trace_source t;
			uint32_t bad;

			assert_int_equal(trace_source_open(&t, path, 12, NULL), 0);
			t.stop_at_model = true; /* nothing here needs it */
			s.source = &t.source;
			assert_int_equal(sweep_run(&s, &bad), 0);
			trace_source_close(&t);
			assert_int_equal(cell.stats.faults, library_faults(policies[i], 40));
		}
	}
	temporary_remove(path);
}

/* Memory that others map too is still the model's. */
static void test_shared_maps(void **state)
{
	struct trace_header header = { .page_shift = 12 };
	char *path = temporary("shared.vmt");
	struct sweep_cell cell = { .config = { .policy = "lru", .frames = 40 } };
	struct sweep s = { .cells = &cell, .n_cells = 1, .events = true };
	struct trace_source t;
	uint32_t bad;

	(void)state;
	make(1);
	records[500] = (struct trace_record){
		.pid = 1, .vpn = 3, .kind = TRACE_MAP, .value = 2, .backing = TRACE_SHARED
	};
	write_trace(path, N, &header);
	assert_int_equal(trace_source_open(&t, path, 12, NULL), 0);
	t.stop_at_model = true;
	s.source = &t.source;
	assert_int_equal(sweep_run(&s, &bad), -EXDEV);
	trace_source_close(&t);
	temporary_remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_amend),
		cmocka_unit_test(test_amend_refused),
		cmocka_unit_test(test_anonymous_maps),
		cmocka_unit_test(test_shared_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
