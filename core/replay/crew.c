/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crew.c - blocks in turn, and threads that work on them (crew.h).
 *
 * A barrier before and one after each block; in between `taken` hands out items. `block` and `stop` are written by the
 * reading thread only, and not between the two barriers. `gate` is locked until it is known how many threads could be
 * started: with fewer than wanted, even none, the run goes on.
 */
#define _GNU_SOURCE
#include "core/replay/crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct pool {
	const struct crew *crew;
	int *errors; /* by item */
	atomic_uint taken;
	pthread_mutex_t gate;
	pthread_barrier_t start, end;
	int block;
	bool stop;
};

uint64_t crew_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void items_feed(struct pool *p)
{
	const struct crew *c = p->crew;
	uint32_t i;

	while ((i = atomic_fetch_add(&p->taken, 1)) < c->n_items)
		if (!p->errors[i])
			p->errors[i] = c->work(c->arg, i, p->block);
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
		items_feed(p);
		pthread_barrier_wait(&p->end);
	}
}

static int blocks_run(struct pool *p)
{
	const struct crew *c = p->crew;
	bool more = false;
	int err = c->read(c->arg, 0, &more), next_err;

	for (p->block = 0; more && !err; p->block = !p->block) {
		atomic_store(&p->taken, 0);
		pthread_barrier_wait(&p->start);
		next_err = c->read(c->arg, !p->block, &more);
		items_feed(p);
		pthread_barrier_wait(&p->end);
		err = next_err;
		for (uint32_t i = 0; i < c->n_items && !err; i++)
			err = p->errors[i];
		if (!err && c->done)
			err = c->done(c->arg);
	}
	return err;
}

/* Runs with up to `workers` threads besides this one. */
static int pool_run(struct pool *p, pthread_t *threads, uint32_t workers)
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
	err = blocks_run(p);
	p->stop = true;
	pthread_barrier_wait(&p->start);
	while (n)
		pthread_join(threads[--n], NULL);
	pthread_barrier_destroy(&p->start);
	pthread_barrier_destroy(&p->end);
	pthread_mutex_destroy(&p->gate);
	return err;
}

int crew_run(const struct crew *c, uint32_t *bad)
{
	uint32_t jobs = c->jobs < c->n_items ? c->jobs : c->n_items;
	struct pool p = { .crew = c };
	pthread_t *threads = calloc(jobs ? jobs : 1, sizeof(*threads));
	int err = -ENOMEM;

	*bad = c->n_items;
	p.errors = calloc(c->n_items ? c->n_items : 1, sizeof(*p.errors));
	if (threads && p.errors)
		err = pool_run(&p, threads, jobs ? jobs - 1 : 0);
	for (uint32_t i = 0; p.errors && i < c->n_items && err; i++)
		if (p.errors[i]) {
			*bad = i;
			break;
		}
	free(threads);
	free(p.errors);
	return err;
}
