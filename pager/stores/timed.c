/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timed.c - a clock around another store: how long its reads and writes take, and a device that is slower than it (--latency-us).
 *
 * A call returns `latency_ns` after it began, or when the other store is done, if that is later. The pages of one read_many are
 * under way together, so they take the time of one. Nobody else runs meanwhile: the pager waits for its store.
 *
 * Content that the other store has in memory can be used in place (map) without a read, so those reads have no times. With a
 * latency there is no such thing as a read that costs nothing, and map and take are not offered.
 */
#include "pager/hist.h"
#include "pager/store.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define SPIN_NS 150000u /* the last part of a wait: a sleeper wakes up late by about as much */

struct store {
	struct store_ops ops; /* what of it the other store has */
	const struct store_ops *inner_ops;
	struct store *inner;
	uint64_t latency_ns;
	struct store_times read, write;
};

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void wait_until(uint64_t end_ns)
{
	uint64_t ns = end_ns - SPIN_NS, now = clock_ns();
	struct timespec until = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };

	if (end_ns > now + SPIN_NS)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	while (clock_ns() < end_ns)
		;
}

/* The call that began at start_ns is over: its time, and the device's. */
static void over(struct store *s, struct store_times *t, uint64_t start_ns)
{
	uint64_t ns;

	if (s->latency_ns)
		wait_until(start_ns + s->latency_ns);
	ns = clock_ns() - start_ns;
	t->count++;
	t->sum_ns += ns;
	if (ns > t->max_ns)
		t->max_ns = ns;
	hist_add(t->hist, ns);
}

static int timed_write(struct store *s, uint32_t *slot, const void *page)
{
	uint64_t start = clock_ns();
	int rc = s->inner_ops->write(s->inner, slot, page);

	over(s, &s->write, start);
	return rc;
}

static int timed_take(struct store *s, uint32_t *slot, uint32_t page)
{
	uint64_t start = clock_ns();
	int rc = s->inner_ops->take(s->inner, slot, page);

	over(s, &s->write, start);
	return rc;
}

static int timed_read(struct store *s, uint32_t slot, void *page)
{
	uint64_t start = clock_ns();
	int rc = s->inner_ops->read(s->inner, slot, page);

	over(s, &s->read, start);
	return rc;
}

/* Counted as one read: the histogram is of calls that somebody waited for. */
static int timed_read_many(struct store *s, uint32_t n, const uint32_t *slots, void *const *pages)
{
	uint64_t start = clock_ns();
	int rc = store_read_many(s->inner_ops, s->inner, n, slots, pages);

	over(s, &s->read, start);
	return rc;
}

static bool timed_same(struct store *s, uint32_t slot, const void *page)
{
	return s->inner_ops->same(s->inner, slot, page);
}

static const void *timed_map(struct store *s, uint32_t slot)
{
	return s->inner_ops->map(s->inner, slot);
}

static void timed_ref(struct store *s, uint32_t slot)
{
	s->inner_ops->ref(s->inner, slot);
}

static void timed_unref(struct store *s, uint32_t slot)
{
	s->inner_ops->unref(s->inner, slot);
}

static int timed_flush(struct store *s)
{
	return s->inner_ops->flush ? s->inner_ops->flush(s->inner) : 0;
}

static void timed_stats(const struct store *s, struct store_stats *stats)
{
	s->inner_ops->stats(s->inner, stats);
	stats->read = s->read;
	stats->write = s->write;
}

static void timed_close(struct store *s)
{
	s->inner_ops->close(s->inner);
	free(s);
}

int store_open_timed(const struct store_ops *inner, const struct store_setup *setup,
		     const struct store_ops **ops, struct store **store)
{
	struct store *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	rc = inner->open(&s->inner, setup);
	if (rc) {
		free(s);
		return rc;
	}
	s->inner_ops = inner;
	s->latency_ns = setup->latency_ns;
	s->ops = (struct store_ops){
		.name = inner->name,
		.write = timed_write,
		.read = timed_read,
		.read_many = timed_read_many,
		.same = timed_same,
		.map = inner->map && !s->latency_ns ? timed_map : NULL,
		.take = inner->take && !s->latency_ns ? timed_take : NULL,
		.ref = timed_ref,
		.unref = timed_unref,
		.flush = timed_flush,
		.stats = timed_stats,
		.close = timed_close,
	};
	*ops = &s->ops;
	*store = s;
	return 0;
}
