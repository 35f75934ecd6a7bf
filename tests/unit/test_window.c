/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_window.c - what is said about LRU from a trace recorded through a window is true: full traces are cut down to what a window
 * of K pages, first in first out, would have recorded, and LRU on the full trace is within the bracket in every memory of 2K
 * frames or more.
 */
#include "core/replay/sweep.h"
#include "core/replay/trace_source.h"
#include "core/replay/window.h"
#include "tests/unit/trace_drive.h"

#define N 20000u
#define PIDS 3u
#define PAGES 60u /* of each process */
#define FRAMES_MAX (PIDS * PAGES + 1)
#define WINDOW_MAX 32u

static char *full_path, *window_path;
static struct trace_record full[N], cut[2 * N + 1];
static uint64_t truth[FRAMES_MAX + 1]; /* misses of LRU on the full trace, by frames */

/* Popular pages, short loops, and in some traces ranges that go. */
static void full_make(uint64_t seed, bool going)
{
	struct rng g = { seed };
	uint64_t base = 0;

	for (uint32_t i = 0; i < N; i++) {
		uint64_t what = rng_below(&g, 200), a = rng_below(&g, PAGES),
			 b = rng_below(&g, PAGES);
		struct trace_record *r = &full[i];

		if (!what)
			base = rng_below(&g, PAGES);
		*r = (struct trace_record){ .pid = 1 + (uint32_t)(i / 150 % PIDS),
					    .vpn = what % 3 ? a * b / PAGES
							    : (base + i % 9) % PAGES,
					    .kind = what % 4 ? TRACE_READ : TRACE_WRITE };
		if (going && what == 7) {
			r->kind = i % 2 ? TRACE_UNMAP : TRACE_DISCARD;
			r->value = 1 + rng_below(&g, 12);
		} else if (going && what == 8 && i % 4 == 0) {
			r->kind = TRACE_EXIT;
		}
	}
}

static bool same_page(const struct trace_record *a, const struct trace_record *b)
{
	return a->pid == b->pid && a->vpn == b->vpn;
}

static bool takes(const struct trace_record *event, const struct trace_record *page)
{
	return event->pid == page->pid &&
	       (event->kind == TRACE_EXIT || page->vpn - event->vpn < event->value);
}

/* What a window of k pages records. An exit is written before the entry that causes it, or behind it. */
static uint32_t cut_make(uint32_t k, bool behind)
{
	struct trace_record inside[WINDOW_MAX], leave;
	uint32_t n = 0, used = 0, j;

	for (uint32_t i = 0; i < N; i++) {
		const struct trace_record *r = &full[i];
		bool leaves = false;

		if (r->kind > TRACE_WRITE) {
			uint32_t kept = 0;

			for (j = 0; j < used; j++)
				if (!takes(r, &inside[j]))
					inside[kept++] = inside[j];
			used = kept;
			cut[n++] = *r;
			continue;
		}
		for (j = 0; j < used && !same_page(&inside[j], r);)
			j++;
		if (j < used)
			continue;
		if (used == k) {
			leave = inside[0];
			leave.kind = TRACE_LEAVE;
			leaves = true;
			memmove(inside, inside + 1, --used * sizeof(inside[0]));
		}
		if (leaves && !behind)
			cut[n++] = leave;
		inside[used++] = cut[n++] = *r;
		if (leaves && behind)
			cut[n++] = leave;
	}
	return n;
}

static void write_records(const char *path, const struct trace_record *records, uint32_t n,
			  uint32_t window)
{
	struct trace_write_options options = { .header = { .page_shift = 12,
							   .fidelity = window ? TRACE_WINDOW
									      : TRACE_FULL,
							   .window = window } };
	struct trace_writer *w;

	assert_int_equal(trace_create(&w, path, &options), 0);
	assert_int_equal(trace_write(w, records, n), 0);
	assert_int_equal(trace_finish(w), 0);
}

/* Misses of LRU on a trace, by frames. */
static void lru_run(const char *path, uint64_t *misses)
{
	struct sweep_cell cells[FRAMES_MAX] = { 0 };
	struct sweep s = { .cells = cells, .n_cells = FRAMES_MAX, .events = true };
	struct trace_source t;
	uint32_t bad;

	for (uint32_t i = 0; i < FRAMES_MAX; i++)
		cells[i].config = (struct replay_config){ .policy = "lru", .frames = i + 1 };
	assert_int_equal(trace_source_open(&t, path, 12, 0, NULL), 0);
	s.source = &t.source;
	assert_int_equal(sweep_run(&s, &bad), 0);
	trace_source_close(&t);
	for (uint32_t i = 0; i < FRAMES_MAX; i++)
		misses[i + 1] = cells[i].stats.faults;
}

static void window_read(struct window *w, uint32_t k, uint64_t warmup)
{
	struct trace_source t;

	assert_int_equal(window_init(w, k), 0);
	assert_int_equal(trace_source_open(&t, window_path, 12, 0, NULL), 0);
	assert_int_equal(trace_header(t.reader)->window, k);
	assert_int_equal(window_run(w, &t.source, 0, warmup), 0);
	trace_source_close(&t);
}

static void bracket_check(uint32_t k, bool going, bool behind)
{
	uint64_t replayed[FRAMES_MAX + 1], low, high;
	struct window w;

	lru_run(window_path, replayed);
	window_read(&w, k, 0);
	assert_in_range(w.most, 1, PIDS * PAGES);
	for (uint32_t m = 2 * k; m <= FRAMES_MAX; m++) {
		window_misses(&w, m, &low, &high);
		if (truth[m] < low || truth[m] > high || replayed[m] < low || replayed[m] > high)
			fail_msg(
				"window %u, %u frames: %llu misses, %llu replayed, not in %llu..%llu",
				k, m, (unsigned long long)truth[m], (unsigned long long)replayed[m],
				(unsigned long long)low, (unsigned long long)high);
		if (k == 1 && !going && !behind) /* only repetitions are hidden */
			assert_int_equal(low, high);
		if (!going && m + k <= FRAMES_MAX) { /* the law without exits, which is wider */
			assert_in_range(truth[m], replayed[m + k], replayed[m - k]);
			assert_in_range(low, replayed[m + k], replayed[m - k]);
			assert_in_range(high, replayed[m + k], replayed[m - k]);
		}
	}
	window_misses(&w, UINT32_MAX, &low, &high);
	assert_int_equal(low, truth[FRAMES_MAX]); /* all that is left is cold */
	assert_int_equal(high, truth[FRAMES_MAX]);
	window_destroy(&w);
}

static void traces_check(bool going)
{
	static const uint32_t windows[] = { 1, 2, 3, 8, 20, WINDOW_MAX };

	for (uint64_t seed = 1; seed <= 4; seed++) {
		full_make(seed, going);
		write_records(full_path, full, N, 0);
		lru_run(full_path, truth);
		for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
			uint32_t n = cut_make(windows[i], seed % 2);

			write_records(window_path, cut, n, windows[i]);
			bracket_check(windows[i], going, seed % 2);
		}
	}
}

static void test_bracket(void **state)
{
	(void)state;
	traces_check(false);
}

static void test_bracket_going(void **state)
{
	(void)state;
	traces_check(true);
}

/* References before the end of the warm-up are not counted, those after it as ever. */
static void test_warmup(void **state)
{
	uint64_t low, high, all_low, all_high;
	struct window w;

	(void)state;
	full_make(9, true);
	write_records(window_path, cut, cut_make(8, false), 8);
	window_read(&w, 8, 0);
	window_misses(&w, 40, &all_low, &all_high);
	window_destroy(&w);
	window_read(&w, 8, 1000);
	window_misses(&w, 40, &low, &high);
	window_destroy(&w);
	assert_in_range(low, 1, all_low - 1);
	assert_in_range(all_low - low, 1, 1000);
	assert_in_range(all_high - high, all_low - low, 1000);
	window_read(&w, 8, N);
	window_misses(&w, 40, &low, &high);
	window_destroy(&w);
	assert_int_equal(high, 0);
}

/* Without exits more pages are inside than the window has. */
static void test_no_exits(void **state)
{
	uint32_t n, left = 0;
	struct trace_source t;
	struct window w;

	(void)state;
	full_make(1, false);
	n = cut_make(8, false);
	for (uint32_t i = 0; i < n; i++)
		if (cut[i].kind != TRACE_LEAVE)
			cut[left++] = cut[i];
	write_records(window_path, cut, left, 8);
	assert_int_equal(window_init(&w, 8), 0);
	assert_int_equal(trace_source_open(&t, window_path, 12, 0, NULL), 0);
	assert_int_equal(window_run(&w, &t.source, 0, 0), -EPROTO);
	trace_source_close(&t);
	window_destroy(&w);
}

static int setup(void **state)
{
	(void)state;
	full_path = temporary("full.vmt");
	window_path = temporary("window.vmt");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	temporary_remove(full_path);
	temporary_remove(window_path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bracket),
		cmocka_unit_test(test_bracket_going),
		cmocka_unit_test(test_warmup),
		cmocka_unit_test(test_no_exits),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
