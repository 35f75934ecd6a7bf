/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_numa.c - placement and counts against a plain model: arrays of homes, of free frames a node, of distances; then
 * distances, specifications, latencies and balance with figures worked out by hand.
 */
#include "core/numa.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NODES 4u
#define FRAMES 43u
#define PROCESSES 9u
#define PAGES 60u

struct world {
	struct numa n;
	struct frame_table t;
	struct rng rng;
	int home[PROCESSES]; /* -1: not seen */
	uint32_t seen;
	uint32_t free[NODES];
	uint32_t frame[PAGES]; /* of page p, which process p % PROCESSES faulted on */
	uint64_t local, remote, extra_ns, migrations, elsewhere;
};

static uint32_t pick(struct world *w, uint32_t n)
{
	return (uint32_t)rng_below(&w->rng, n);
}

static uint32_t model_home(struct world *w, uint32_t process)
{
	if (w->home[process] < 0)
		w->home[process] = (int)(w->seen++ % NODES);
	return (uint32_t)w->home[process];
}

/* The nearest node with a free frame, VMM_NONE when none may be used. */
static uint32_t model_node(struct world *w, uint32_t wanted)
{
	uint32_t best = VMM_NONE;

	if (w->free[wanted])
		return wanted;
	for (uint32_t node = 0; node < NODES && w->n.config.placement != NUMA_BIND; node++)
		if (w->free[node] &&
		    (best == VMM_NONE || w->n.distance[wanted][node] < w->n.distance[wanted][best]))
			best = node;
	return best;
}

static void page_out(struct world *w, uint32_t page)
{
	uint32_t f = w->frame[page];

	w->free[frame_node(&w->t, f)]++;
	frame_lift(&w->t, f);
	frame_free(&w->t, f);
	w->frame[page] = VMM_NONE;
}

static void page_in(struct world *w, uint32_t page)
{
	uint32_t process = page % PROCESSES;
	uint32_t wanted = w->n.config.placement == NUMA_INTERLEAVE ? page % NODES
								   : model_home(w, process);
	uint32_t node = model_node(w, wanted), f = numa_take(&w->n, &w->t, process, page, 0);

	assert_int_equal(f == VMM_NONE, node == VMM_NONE);
	if (f == VMM_NONE)
		return;
	assert_int_equal(frame_node(&w->t, f), node);
	w->elsewhere += node != wanted;
	w->free[node]--;
	frame_settle(&w->t, f, page);
	w->frame[page] = f;
}

static void access_page(struct world *w, uint32_t page, uint32_t process)
{
	uint32_t from = model_home(w, process), to = frame_node(&w->t, w->frame[page]), f;
	uint32_t move = numa_access(&w->n, &w->t, process, w->frame[page]);

	w->local += from == to;
	w->remote += from != to;
	w->extra_ns += from == to ? 0 : 100 * w->n.distance[from][to] / 10 - 100;
	if (w->n.config.placement != NUMA_MIGRATE || from == to || !w->free[from]) {
		assert_int_equal(move, VMM_NONE);
		return;
	}
	assert_int_equal(move, from);
	f = frame_take_group(&w->t, 0, move);
	page_out(w, page);
	frame_settle(&w->t, f, page);
	w->frame[page] = f;
	w->free[move]--;
	w->migrations++;
	numa_migrated(&w->n);
}

static void world_init(struct world *w, enum numa_placement placement)
{
	struct numa_config c = { .nodes = NODES, .placement = placement };

	memset(w, 0, sizeof(*w));
	w->rng.state = 9 + placement;
	assert_int_equal(numa_init(&w->n, &c), 0);
	assert_int_equal(frame_table_init(&w->t, FRAMES, 1), 0);
	assert_int_equal(frame_table_split(&w->t, NODES), 0);
	for (uint32_t node = 0; node < NODES; node++)
		w->free[node] = frame_node_free(&w->t, node);
	for (uint32_t p = 0; p < PROCESSES; p++)
		w->home[p] = -1;
	memset(w->frame, 0xff, sizeof(w->frame));
	assert_int_equal(numa_set_distance(&w->n, 0, 3, 15), 0);
	assert_int_equal(numa_set_distance(&w->n, 2, 1, 12), 0);
	assert_int_equal(numa_set_distance(&w->n, 2, 0, 40), 0);
}

static void step(struct world *w)
{
	uint32_t page = pick(w, PAGES), process = pick(w, PROCESSES), what = pick(w, 100);

	if (what == 0) {
		w->home[process] = (int)pick(w, NODES);
		assert_int_equal(numa_set_home(&w->n, process, (uint32_t)w->home[process]), 0);
	} else if (what == 1) {
		w->home[process] = -1;
		numa_process_exit(&w->n, process);
	} else if (w->frame[page] == VMM_NONE) {
		page_in(w, page);
	} else if (what < 15) {
		page_out(w, page);
	} else {
		access_page(w, page, process);
	}
}

static void test_random(void **state)
{
	static struct world w;

	(void)state;
	for (uint32_t p = NUMA_FIRST_TOUCH; p <= NUMA_MIGRATE; p++) {
		world_init(&w, (enum numa_placement)p);
		for (uint32_t k = 0; k < 20000; k++) {
			step(&w);
			if (k % 64)
				continue;
			assert_int_equal(numa_check(&w.n) | frame_table_check(&w.t), 0);
			assert_int_equal(numa_local(&w.n), w.local);
			assert_int_equal(numa_remote(&w.n), w.remote);
			assert_int_equal(numa_extra_ns(&w.n, 100), w.extra_ns);
			assert_int_equal(w.n.migrations, w.migrations);
			assert_int_equal(w.n.elsewhere, w.elsewhere);
			for (uint32_t node = 0; node < NODES; node++)
				assert_int_equal(frame_node_free(&w.t, node), w.free[node]);
		}
		assert_true(!w.migrations == (p != NUMA_MIGRATE) && w.remote && w.local);
		assert_true(!w.elsewhere == (p == NUMA_BIND));
		frame_table_destroy(&w.t);
		numa_destroy(&w.n);
	}
}

static void test_distance(void **state)
{
	struct numa_config c = { .nodes = 3 };
	struct numa n;

	(void)state;
	assert_int_equal(numa_init(&n, &c), 0);
	assert_memory_equal(n.near[1], ((uint8_t[]){ 1, 0, 2 }), 3);
	assert_int_equal(numa_set_distance(&n, 1, 2, 11), 0);
	assert_memory_equal(n.near[1], ((uint8_t[]){ 1, 2, 0 }), 3);
	assert_int_equal(numa_set_distance(&n, 1, 0, 10), 0);
	assert_memory_equal(n.near[1], ((uint8_t[]){ 1, 0, 2 }), 3);
	assert_int_equal(numa_set_distance(&n, 0, 0, 11), -EINVAL);
	assert_int_equal(numa_set_distance(&n, 0, 1, 9), -EINVAL);
	assert_int_equal(numa_set_distance(&n, 0, 3, 20), -EINVAL);
	assert_int_equal(numa_set_home(&n, 1, 3), -EINVAL);
	assert_int_equal(numa_latency_ns(&n, 1, 1, 100), 100);
	assert_int_equal(numa_latency_ns(&n, 1, 2, 100), 110);
	assert_int_equal(numa_latency_ns(&n, 2, 1, 100), 200);
	n.config.remote_ns = 350;
	assert_int_equal(numa_latency_ns(&n, 1, 2, 100), 350);
	assert_int_equal(numa_check(&n), 0);
	numa_destroy(&n);
	c.nodes = 0;
	assert_int_equal(numa_init(&n, &c), -EINVAL);
	c.nodes = NUMA_NODES_MAX + 1;
	assert_int_equal(numa_init(&n, &c), -EINVAL);
	c.nodes = NUMA_NODES_MAX;
	assert_int_equal(numa_init(&n, &c), 0);
	assert_int_equal(numa_check(&n), 0);
	numa_destroy(&n);
}

/* Nodes of 10, 10 and 12 frames. */
static void test_balance(void **state)
{
	struct numa_config c = { .nodes = 3, .placement = NUMA_BIND };
	struct frame_table t;
	struct numa n;

	(void)state;
	assert_int_equal(numa_init(&n, &c), 0);
	assert_int_equal(frame_table_init(&t, 32, 1), 0);
	assert_int_equal(frame_table_split(&t, 3), 0);
	assert_int_equal(numa_balance_percent(&n, &t), 0);
	for (uint32_t i = 0; i < 10; i++)
		frame_settle(&t, numa_take(&n, &t, 7, i, 0), i);
	assert_int_equal(numa_take(&n, &t, 7, 10, 0), VMM_NONE); /* bound to a full node */
	assert_int_equal(numa_balance_percent(&n, &t), 33);
	for (uint32_t i = 0; i < 5; i++) /* the second process: the second node */
		frame_settle(&t, numa_take(&n, &t, 8, i, 0), i);
	assert_int_equal(numa_balance_percent(&n, &t), 50);
	assert_int_equal(numa_take(&n, &t, 9, 0, 3), 24); /* eight frames, aligned, of 20 to 31 */
	frame_table_destroy(&t);
	numa_destroy(&n);
}

static void test_parse(void **state)
{
	static const struct {
		const char *spec;
		int at; /* of the bad word; -1: it is good */
		struct numa_config c;
	} rows[] = {
		{ "2", -1, { 2, NUMA_FIRST_TOUCH, 0 } },
		{ "4:interleave", -1, { 4, NUMA_INTERLEAVE, 0 } },
		{ "64:Bind,remote-ns=250", -1, { 64, NUMA_BIND, 250 } },
		{ "2,remote-ns=300", -1, { 2, NUMA_FIRST_TOUCH, 300 } },
		{ "2:migrate", -1, { 2, NUMA_MIGRATE, 0 } },
		{ "", 0, { 0 } },
		{ "0", 0, { 0 } },
		{ "65", 0, { 0 } },
		{ "2x", 0, { 0 } },
		{ "2:", 2, { 0 } },
		{ "2:far", 2, { 0 } },
		{ "2:bind,", 7, { 0 } },
		{ "2:bind,remote=1", 7, { 0 } },
		{ "2,remote-ns=", 2, { 0 } },
		{ "2,remote-ns=0", 2, { 0 } },
		{ "2,remote-ns=5x", 2, { 0 } },
	};
	struct numa_config c;
	const char *bad;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int err = numa_parse(rows[i].spec, &c, &bad);

		assert_int_equal(err, rows[i].at < 0 ? 0 : -EINVAL);
		if (err)
			assert_int_equal(bad - rows[i].spec, rows[i].at);
		else
			assert_memory_equal(&c, &rows[i].c, sizeof(c));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
