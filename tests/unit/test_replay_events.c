/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_replay_events.c - pages that go (unmap, discard, exit) are replayed as the core does it: random traces of several
 * processes, every policy, both engines, counts equal to the digit; LRU's distances and OPT say the same of all sizes at once;
 * rows of intervals add up.
 */
#include "core/core.h"
#include "core/replay/opt.h"
#include "core/replay/stack_distance.h"
#include "core/replay/sweep.h"
#include "core/replay/trace_source.h"
#include "tests/unit/trace_drive.h"

#define N 6000u
#define FRAMES 40u

static char *path;
static struct trace_record records[N];

/* Three processes; ranges go now and then, some of them never seen, and a process ends and comes back. */
static void records_make(uint64_t seed)
{
	struct rng g = { seed };

	for (uint32_t i = 0; i < N; i++) {
		uint64_t what = rng_below(&g, 150);
		struct trace_record *r = &records[i];

		*r = (struct trace_record){ .pid = 1 + (uint32_t)rng_below(&g, 3),
					    .vpn = rng_below(&g, 80) * rng_below(&g, 80) / 80,
					    .kind = what % 3 ? TRACE_READ : TRACE_WRITE };
		if (what == 0)
			r->kind = TRACE_EXIT;
		else if (what < 4)
			r->kind = what % 2 ? TRACE_UNMAP : TRACE_DISCARD;
		else if (what == 4)
			r->kind = TRACE_MAP; /* anonymous */
		if (what <= 4)
			r->value = 1 + rng_below(&g, what == 1 ? 1000 : 5);
	}
}

static int setup(void **state)
{
	struct trace_writer *w;

	(void)state;
	path = temporary("events.vmt");
	assert_int_equal(trace_create(&w, path, NULL), 0);
	records_make(5);
	assert_int_equal(trace_write(w, records, N), 0);
	assert_int_equal(trace_finish(w), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	temporary_remove(path);
	return 0;
}

/* The core, told the same. `unmapped` is what the engine counts: exits are not unmaps. */
static void core_run(const char *policy, struct vm_stats *stats)
{
	struct vmm_config c = { .frames = FRAMES, .policy = policy, .seed = 3 };
	struct vmm *v = vmm_create(&c);

	assert_non_null(v);
	for (uint32_t i = 0; i < N; i++) {
		const struct trace_record *r = &records[i];

		if (r->kind <= TRACE_WRITE)
			assert_true(vmm_access(v, r->pid, r->vpn << 12, r->kind) >= 0);
		else if (r->kind == TRACE_EXIT)
			core_unmap(v, r->pid, 0, UINT64_MAX, REMOVE_EXIT, NULL, NULL);
		else if (r->kind == TRACE_MAP)
			assert_int_equal(vmm_map(v, r->pid, r->vpn << 12, r->value << 12,
						 &(struct vmm_mapping){ .backing = VMM_ANON }),
					 0);
		else
			core_unmap(v, r->pid, r->vpn, r->value, REMOVE_UNMAP, NULL, NULL);
	}
	*stats = *vmm_stats(v);
	stats->references_cleared = 0; /* the engine does not keep it */
	vmm_destroy(v);
}

static void sweep_all(struct sweep *s, struct trace_source *t)
{
	uint32_t bad;

	assert_int_equal(trace_source_open(t, path, 12, 0, NULL), 0);
	s->source = &t->source;
	s->events = true;
	assert_int_equal(sweep_run(s, &bad), 0);
}

static void equal(const char *policy, const struct vm_stats *a, const struct vm_stats *b)
{
	for (uint32_t i = 0; i < vm_stat_count; i++)
		if (vm_stat_get(a, &vm_stat_list[i]) != vm_stat_get(b, &vm_stat_list[i]))
			fail_msg("%s, %s: %llu, not %llu", policy, vm_stat_list[i].name,
				 (unsigned long long)vm_stat_get(a, &vm_stat_list[i]),
				 (unsigned long long)vm_stat_get(b, &vm_stat_list[i]));
}

static void test_every_policy(void **state)
{
	const struct policy_ops *const *p;

	(void)state;
	for (p = policy_all(); *p; p++) {
		struct sweep_cell cells[2] = { 0 };
		struct sweep s = { .cells = cells, .n_cells = 2, .jobs = 2, .block = 700 };
		struct trace_source t;
		struct vm_stats core;

		if (!replay_can(*p))
			continue;
		for (int k = 0; k < 2; k++)
			cells[k].config = (struct replay_config){
				.policy = (*p)->name, .frames = FRAMES, .seed = 3, .table = k
			};
		sweep_all(&s, &t);
		trace_source_close(&t);
		core_run((*p)->name, &core);
		equal((*p)->name, &cells[0].stats, &core);
		equal((*p)->name, &cells[1].stats, &core);
		assert_true(core.unmapped > 100);
	}
}

static const uint32_t sizes[] = { 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* Distances of a source in blocks, in which pages go. */
static void distances_make(struct trace_source *t, struct stack_distance *s, uint32_t *distance)
{
	struct pass pass = { .source = &t->source, .block = 700, .events = true };
	struct pass_block b;
	bool more = true;

	assert_int_equal(trace_source_open(t, path, 12, 0, NULL), 0);
	assert_int_equal(stack_distance_init(s), 0);
	assert_int_equal(pass_block_init(&b, 700), 0);
	while (more) {
		size_t at = 0;

		assert_int_equal(pass_read(&pass, &b, &more), 0);
		for (uint32_t k = 0; k <= b.events.n; k++) {
			const struct replay_gone *g = k < b.events.n ? &b.events.list[k] : NULL;
			size_t to = g ? g->at : b.n;

			assert_int_equal(stack_distance_feed(s, b.refs + at, to - at, b.pages,
							     distance + b.first + at),
					 0);
			at = to;
			for (uint32_t i = 0; g && i < g->count; i++)
				assert_int_equal(stack_distance_gone(s, b.events.ids[g->first + i]),
						 0);
		}
	}
	pass_block_destroy(&b);
	pass_destroy(&pass);
}

static void test_distances(void **state)
{
	static uint32_t distance[N];
	struct stack_distance stack;
	struct trace_source t;

	(void)state;
	distances_make(&t, &stack, distance);
	trace_source_close(&t);
	assert_true(stack.axis.marks <= t.source.pages);
	stack_distance_destroy(&stack);
	for (uint32_t k = 0; k < SIZES; k++) {
		struct sweep_cell cell = { .config = { .policy = "lru", .frames = sizes[k] } };
		struct sweep s = { .cells = &cell, .n_cells = 1 };
		uint64_t misses = 0;

		sweep_all(&s, &t);
		trace_source_close(&t);
		for (uint64_t i = 0; i < s.totals.references; i++)
			misses += distance[i] > sizes[k];
		assert_int_equal(misses, cell.stats.faults);
	}
}

/* Whether the record takes a page away. */
static bool takes(const struct trace_record *r, uint32_t pid, uint64_t vpn)
{
	return r->kind > TRACE_WRITE && r->pid == pid &&
	       (r->kind == TRACE_EXIT || vpn - r->vpn < r->value);
}

/* Number of the record that references the page next, N when it goes before or is never used again. */
static uint32_t next_use(uint32_t i, uint32_t pid, uint64_t vpn)
{
	while (++i < N && !takes(&records[i], pid, vpn))
		if (records[i].kind <= TRACE_WRITE && records[i].pid == pid &&
		    records[i].vpn == vpn)
			return i;
	return N;
}

/* Belady's rule by the letter: frames with their page and its next use; what goes leaves its frame free. */
static uint64_t opt_by_hand(uint32_t frames)
{
	static struct {
		uint32_t pid, next;
		uint64_t vpn;
	} f[233];
	uint32_t used = 0, k;
	uint64_t misses = 0;

	for (uint32_t i = 0; i < N; i++) {
		const struct trace_record *r = &records[i];

		for (k = used; r->kind > TRACE_WRITE && k-- > 0;)
			if (takes(r, f[k].pid, f[k].vpn))
				f[k] = f[--used];
		if (r->kind > TRACE_WRITE)
			continue;
		for (k = 0; k < used && (f[k].pid != r->pid || f[k].vpn != r->vpn);)
			k++;
		misses += k == used;
		if (k == frames)
			for (uint32_t j = k = 0; j < used; j++)
				k = f[j].next > f[k].next ? j : k;
		used += k == used;
		f[k].pid = r->pid;
		f[k].vpn = r->vpn;
		f[k].next = next_use(i, r->pid, r->vpn);
	}
	return misses;
}

static void test_opt(void **state)
{
	uint64_t misses[SIZES];
	struct opt_table table;
	struct trace_source t;

	(void)state;
	assert_int_equal(trace_source_open(&t, path, 12, 0, NULL), 0);
	assert_int_equal(opt_table_make(&table, &t.source, 0, 1 << 20), 0);
	assert_int_equal(opt_curve(&table, sizes, SIZES, 0, 1, NULL, NULL, misses), 0);
	for (uint32_t k = 0; k < SIZES; k++)
		assert_int_equal(misses[k], opt_by_hand(sizes[k]));
	opt_table_destroy(&table);
	trace_source_close(&t);
}

/* Ids as they come: what goes frees its id for what appears next. */
static void test_ids(void **state)
{
	struct sweep s = { .block = 100 };
	struct trace_source t;
	uint64_t appeared = 0;
	uint32_t alive = 0, most = 0, different = 0;
	static uint8_t seen[4][128], now[4][128];

	(void)state;
	sweep_all(&s, &t);
	for (uint32_t i = 0; i < N; i++) {
		const struct trace_record *r = &records[i];
		uint64_t first = r->kind == TRACE_EXIT ? 0 : r->vpn,
			 n = r->kind == TRACE_EXIT ? 128 : r->value;

		if (r->kind <= TRACE_WRITE) {
			different += !seen[r->pid][r->vpn];
			alive += !now[r->pid][r->vpn];
			appeared += !now[r->pid][r->vpn];
			seen[r->pid][r->vpn] = now[r->pid][r->vpn] = 1;
			most = alive > most ? alive : most;
			continue;
		}
		for (uint64_t vpn = first; vpn < 128 && vpn < first + n; vpn++) {
			alive -= now[r->pid][vpn];
			now[r->pid][vpn] = 0;
		}
		if (r->kind == TRACE_EXIT) /* a process that comes back is another one */
			memset(seen[r->pid], 0, 128);
	}
	assert_int_equal(t.source.pages, most);
	assert_int_equal(s.totals.pages, different);
	assert_int_equal(s.totals.pages_cold, appeared);
	assert_int_equal(s.totals.gone, appeared - alive);
	trace_source_close(&t);
}

static void test_rows(void **state)
{
	struct sweep_cell cell = { .config = { .policy = "lru", .frames = FRAMES } };
	struct sweep s = { .cells = &cell, .n_cells = 1, .warmup = 500, .interval = 777 };
	struct trace_source t;
	uint64_t references = 0;

	(void)state;
	sweep_all(&s, &t);
	assert_int_equal(s.n_rows, (s.totals.references - 500 + 776) / 777);
	assert_int_equal(cell.n_rows, s.n_rows);
	for (uint32_t k = 0; k < s.n_rows; k++) {
		references += s.rows[k].references;
		assert_int_equal(cell.rows[k].accesses, references);
		assert_true(s.rows[k].pages && s.rows[k].pages <= s.rows[k].references);
	}
	assert_int_equal(references, s.totals.references - 500);
	assert_memory_equal(&cell.rows[s.n_rows - 1], &cell.stats, sizeof(cell.stats));
	free(s.rows);
	free(cell.rows);
	trace_source_close(&t);
}

/* In intervals of one reference each touches one page; in one interval all are in it. */
static void test_working_set(void **state)
{
	static uint32_t refs[1000];
	struct replay_array a;
	uint32_t bad;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		refs[i] = i < 50 ? i : i * i % 50;
	replay_array_init(&a, refs, 1000);
	for (uint32_t tau = 1; tau <= 1000; tau = tau * 3 + 1) {
		struct sweep s = { .source = &a.source, .interval = tau };

		assert_int_equal(sweep_run(&s, &bad), 0);
		assert_int_equal(s.n_rows, (1000 + tau - 1) / tau);
		for (uint32_t k = 0; k < s.n_rows; k++) {
			uint64_t seen = 0;

			for (uint32_t i = k * tau; i < (k + 1) * tau && i < 1000; i++)
				seen |= 1ull << refs[i];
			assert_int_equal(s.rows[k].pages, __builtin_popcountll(seen));
		}
		free(s.rows);
		assert_int_equal(a.source.rewind(&a.source), 0);
	}
}

static void test_rows_limit(void **state)
{
	static uint32_t refs[(1u << 20) + 1];
	struct replay_array a;
	struct sweep s = { .source = &a.source, .interval = 1 };
	uint32_t bad;

	(void)state;
	replay_array_init(&a, refs, SWEEP_ROWS_MAX + 1);
	assert_int_equal(sweep_run(&s, &bad), -E2BIG);
	free(s.rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_policy), cmocka_unit_test(test_distances),
		cmocka_unit_test(test_opt),          cmocka_unit_test(test_ids),
		cmocka_unit_test(test_rows),         cmocka_unit_test(test_working_set),
		cmocka_unit_test(test_rows_limit),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
