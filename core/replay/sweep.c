/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep.c - many replays of one source in one pass (sweep.h).
 *
 * Two blocks take turns: while the workers feed one to the cells the reader fills the other, then helps. A barrier before and
 * one after each block; in between `taken` hands out cells. Fields of struct pool below `gate` are written by the
 * reader only, and not between the two barriers. `gate` is locked until it is known how many threads could be started.
 */
#define _GNU_SOURCE
#include "core/replay/sweep.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define BLOCK_DEFAULT (1024u * 1024)

struct pool {
	struct sweep *sweep;
	struct replay **replays;
	int *errors; /* by cell */
	atomic_uint taken;
	pthread_mutex_t gate;
	pthread_barrier_t start, end;
	const uint32_t *refs;
	size_t n;
	size_t warm; /* the first `warm` references of the block only warm up */
	uint32_t pages;
	bool stop;
};

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int cell_feed(struct pool *p, struct replay *r)
{
	int err = replay_reserve(r, p->pages);

	if (!err && p->warm) {
		err = replay_feed(r, p->refs, p->warm);
		replay_stats_reset(r);
	}
	return err ? err : replay_feed(r, p->refs + p->warm, p->n - p->warm);
}

static void cells_feed(struct pool *p)
{
	uint32_t i;

	while ((i = atomic_fetch_add(&p->taken, 1)) < p->sweep->n_cells) {
		uint64_t before = cpu_ns();

		if (!p->errors[i])
			p->errors[i] = cell_feed(p, p->replays[i]);
		p->sweep->cells[i].cpu_ns += cpu_ns() - before;
	}
}

static void *worker(void *arg)
{
	struct pool *p = arg;

	pthread_mutex_lock(&p->gate);
	pthread_mutex_unlock(&p->gate);
	for (;;) {
		pthread_barrier_wait(&p->start);
		if (p->stop)
			return NULL;
		cells_feed(p);
		pthread_barrier_wait(&p->end);
	}
}

/* Reads a block, at most what references_max leaves. */
static int block_read(struct sweep *s, uint32_t *refs, size_t *n)
{
	uint64_t left = s->references_max ? s->references_max - s->totals.references : s->block;
	int err;

	*n = 0;
	if (!left)
		return 0;
	err = s->source->read(s->source, refs, left < s->block ? (size_t)left : s->block, n);
	s->totals.references += *n;
	return err;
}

/* Ids are dense in order of first appearance, so the largest of the warm-up tells how many pages it saw. */
static void totals_note(struct sweep *s, const uint32_t *refs, size_t n, size_t warm)
{
	uint32_t seen = 0, writes = 0;

	s->totals.warmup += warm;
	for (size_t i = 0; i < warm; i++)
		if ((refs[i] & REPLAY_PAGE) >= seen)
			seen = (refs[i] & REPLAY_PAGE) + 1;
	for (size_t i = warm; i < n; i++)
		writes += refs[i] >> 31;
	s->totals.writes += writes;
	if (s->totals.pages_cold < seen) /* holds the pages of the warm-up until the end */
		s->totals.pages_cold = seen;
}

static int blocks_run(struct pool *p, uint32_t *blocks[2])
{
	struct sweep *s = p->sweep;
	size_t n;
	int err = block_read(s, blocks[0], &n), next_err = 0;

	for (int turn = 0; n && !err; turn = !turn) {
		uint64_t left = s->warmup - s->totals.warmup;

		p->refs = blocks[turn];
		p->n = n;
		p->warm = left < n ? (size_t)left : n;
		p->pages = s->source->pages;
		totals_note(s, p->refs, n, p->warm);
		atomic_store(&p->taken, 0);
		pthread_barrier_wait(&p->start);
		next_err = block_read(s, blocks[!turn], &n);
		cells_feed(p);
		pthread_barrier_wait(&p->end);
		err = next_err;
		for (uint32_t i = 0; i < s->n_cells && !err; i++)
			err = p->errors[i];
		if (!err && s->progress)
			err = s->progress(s->progress_arg, s->totals.references, s->source->done);
	}
	return err;
}

static int replays_make(struct pool *p, uint32_t *bad)
{
	struct sweep *s = p->sweep;

	for (uint32_t i = 0; i < s->n_cells; i++) {
		s->cells[i].cpu_ns = 0;
		p->replays[i] = replay_create(&s->cells[i].config);
		if (!p->replays[i]) {
			*bad = i;
			return -errno;
		}
	}
	return 0;
}

static void results_take(struct pool *p, uint32_t *bad)
{
	struct sweep *s = p->sweep;

	for (uint32_t i = 0; i < s->n_cells; i++) {
		if (p->errors[i])
			*bad = i;
		s->cells[i].stats = *replay_stats(p->replays[i]);
	}
	s->totals.pages = s->source->pages;
	s->totals.pages_cold = s->totals.pages - s->totals.pages_cold;
}

/* Runs the sweep with up to `workers` threads besides this one. */
static int pool_run(struct pool *p, uint32_t *blocks[2], pthread_t *threads, uint32_t workers)
{
	uint32_t n = 0;
	int err;

	pthread_mutex_init(&p->gate, NULL);
	pthread_mutex_lock(&p->gate);
	while (n < workers && !pthread_create(&threads[n], NULL, worker, p))
		n++;
	pthread_barrier_init(&p->start, NULL, n + 1);
	pthread_barrier_init(&p->end, NULL, n + 1);
	pthread_mutex_unlock(&p->gate);
	err = blocks_run(p, blocks);
	p->stop = true;
	pthread_barrier_wait(&p->start);
	while (n)
		pthread_join(threads[--n], NULL);
	pthread_barrier_destroy(&p->start);
	pthread_barrier_destroy(&p->end);
	pthread_mutex_destroy(&p->gate);
	return err;
}

int sweep_run(struct sweep *s, uint32_t *bad)
{
	uint32_t jobs = s->jobs ? s->jobs : 1;
	uint32_t *blocks[2];
	struct pool p = { .sweep = s };
	pthread_t *threads;
	int err = -ENOMEM;

	s->block = s->block ? s->block : BLOCK_DEFAULT;
	blocks[0] = malloc(s->block * sizeof(uint32_t));
	blocks[1] = malloc(s->block * sizeof(uint32_t));
	*bad = s->n_cells;
	s->totals = (struct sweep_totals){ 0 };
	if (jobs > s->n_cells)
		jobs = s->n_cells;
	threads = calloc(jobs ? jobs : 1, sizeof(*threads));
	p.replays = calloc(s->n_cells ? s->n_cells : 1, sizeof(struct replay *));
	p.errors = calloc(s->n_cells ? s->n_cells : 1, sizeof(*p.errors));
	if (blocks[0] && blocks[1] && threads && p.replays && p.errors)
		err = replays_make(&p, bad);
	if (!err)
		err = pool_run(&p, blocks, threads, jobs ? jobs - 1 : 0);
	if (!err || *bad == s->n_cells)
		if (p.replays && p.errors && (!s->n_cells || p.replays[s->n_cells - 1]))
			results_take(&p, bad);
	for (uint32_t i = 0; p.replays && i < s->n_cells; i++)
		replay_destroy(p.replays[i]);
	free(p.replays);
	free(p.errors);
	free(threads);
	free(blocks[0]);
	free(blocks[1]);
	return err;
}

uint32_t sweep_jobs_default(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (uint32_t)CPU_COUNT(&set);
}
