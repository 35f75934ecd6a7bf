/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opt.c - Belady's OPT on a whole trace (opt.h).
 *
 * A resident page is known by the number of its next reference alone: the set of these numbers is a bitmap over the trace. So
 * reference i hits exactly when bit i is set, and the victim is the highest bit, found through the levels above: bit k of
 * level l + 1 says that word k of level l is not zero. Pages that are never used again are only counted, and go first.
 */
#include "core/replay/opt.h"
#include "core/replay/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEVELS_MAX 6 /* 64^6 > 2^32 */
#define BLOCK 65536u /* references at a time */
#define AHEAD 16

/* --- the table ------------------------------------------------------------------------------------------------- */

static int file_all(int fd, void *buffer, size_t bytes, uint64_t at, bool write)
{
	char *p = buffer;

	while (bytes) {
		ssize_t k = write ? pwrite(fd, p, bytes, (off_t)at)
				  : pread(fd, p, bytes, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k ? -errno : -EIO;
		p += k;
		at += (uint64_t)k;
		bytes -= (size_t)k;
	}
	return 0;
}

static int file_make(struct opt_table *t)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];
	int err;

	if ((size_t)snprintf(path, sizeof(path), "%s/vmm-opt.XXXXXX", dir && *dir ? dir : "/tmp") >=
	    sizeof(path))
		return -ENAMETOOLONG;
	t->fd = mkostemp(path, O_CLOEXEC);
	if (t->fd < 0)
		return -errno;
	err = unlink(path) ? -errno : 0;
	if (!err && t->n)
		err = file_all(t->fd, t->next, t->n * sizeof(*t->next), 0, true);
	t->file_bytes = t->n * sizeof(*t->next);
	free(t->next);
	t->next = NULL;
	return err;
}

/* Appends references as they are: the backward pass turns them into next uses in place. */
static int table_append(struct opt_table *t, const uint32_t *refs, size_t n, uint64_t memory_bytes)
{
	uint64_t bytes = (t->n + n) * sizeof(*refs);
	uint32_t *p;
	int err;

	if (t->n + n >= OPT_NEVER)
		return -EFBIG;
	if (t->fd < 0 && bytes > memory_bytes) {
		err = file_make(t);
		if (err)
			return err;
	}
	if (t->fd >= 0) {
		err = file_all(t->fd, (void *)refs, n * sizeof(*refs), t->file_bytes, true);
		t->file_bytes = bytes;
	} else {
		if (bytes > t->capacity_bytes) {
			uint64_t want = bytes > 2 * t->capacity_bytes ? bytes
								      : 2 * t->capacity_bytes;

			p = realloc(t->next, want);
			if (!p)
				return -ENOMEM;
			t->next = p;
			t->capacity_bytes = want;
		}
		memcpy(t->next + t->n, refs, n * sizeof(*refs));
		err = 0;
	}
	t->n += n;
	return err;
}

/* refs[first..first + n) become next uses; upcoming[page] is the next reference to the page. */
static void block_turn(uint32_t *block, uint64_t first, size_t n, uint32_t *upcoming)
{
	for (size_t i = n; i-- > 0;) {
		uint32_t page = block[i] & REPLAY_PAGE;

		__builtin_prefetch(&upcoming[block[i > AHEAD ? i - AHEAD : 0] & REPLAY_PAGE]);
		block[i] = upcoming[page];
		upcoming[page] = (uint32_t)(first + i);
	}
}

static int table_turn(struct opt_table *t, uint32_t pages)
{
	uint32_t *upcoming = malloc(((size_t)pages + 1) * sizeof(*upcoming)), *buffer = NULL;
	uint64_t end = t->n;
	int err = upcoming ? 0 : -ENOMEM;

	if (t->fd >= 0) {
		buffer = malloc(BLOCK * sizeof(*buffer));
		err = buffer ? err : -ENOMEM;
	}
	if (!err)
		memset(upcoming, 0xFF, ((size_t)pages + 1) * sizeof(*upcoming));
	while (end && !err) {
		size_t k = end < BLOCK ? (size_t)end : BLOCK;
		uint64_t first = end - k;

		if (t->fd < 0) {
			block_turn(t->next + first, first, k, upcoming);
		} else {
			err = file_all(t->fd, buffer, k * sizeof(*buffer), first * 4, false);
			if (err)
				break;
			block_turn(buffer, first, k, upcoming);
			err = file_all(t->fd, buffer, k * sizeof(*buffer), first * 4, true);
		}
		end = first;
	}
	free(upcoming);
	free(buffer);
	return err;
}

int opt_table_make(struct opt_table *t, struct replay_source *s, uint64_t max,
		   uint64_t memory_bytes)
{
	uint32_t *block = malloc(BLOCK * sizeof(*block));
	struct replay_events events = { .n = 0 };
	int err = block ? 0 : -ENOMEM;
	size_t n = 1;

	*t = (struct opt_table){ .fd = -1 };
	s->events = &events;
	s->fresh = true;
	while (!err && n && (!max || t->n < max)) {
		size_t want = max && max - t->n < BLOCK ? (size_t)(max - t->n) : BLOCK;

		err = s->read(s, block, want, &n);
		if (!err && n)
			err = table_append(t, block, n, memory_bytes);
	}
	s->events = NULL;
	s->fresh = false;
	replay_events_destroy(&events);
	free(block);
	return err ? err : table_turn(t, s->pages);
}

int opt_table_read(const struct opt_table *t, uint64_t first, size_t n, uint32_t *next)
{
	if (t->fd >= 0)
		return file_all(t->fd, next, n * sizeof(*next), first * sizeof(*next), false);
	memcpy(next, t->next + first, n * sizeof(*next));
	return 0;
}

void opt_table_destroy(struct opt_table *t)
{
	free(t->next);
	if (t->fd >= 0)
		close(t->fd);
	*t = (struct opt_table){ .fd = -1 };
}

/* --- the replay ------------------------------------------------------------------------------------------------- */

struct future {
	uint64_t *level[LEVELS_MAX];
	int levels;
	uint64_t count; /* bits of level 0 */
	uint64_t never; /* resident pages without a next use */
};

static int future_init(struct future *f, uint64_t n)
{
	memset(f, 0, sizeof(*f));
	do {
		n = n / 64 + 1;
		f->level[f->levels] = calloc(n, sizeof(uint64_t));
		if (!f->level[f->levels++])
			return -ENOMEM;
	} while (n > 1);
	return 0;
}

static void future_destroy(struct future *f)
{
	for (int l = 0; l < f->levels; l++)
		free(f->level[l]);
}

static inline void future_set(struct future *f, uint64_t i)
{
	for (int l = 0; l < f->levels; l++) {
		uint64_t *word = &f->level[l][i / 64], before = *word;

		*word = before | 1ull << i % 64;
		if (before)
			break;
		i /= 64;
	}
	f->count++;
}

static inline void future_clear(struct future *f, uint64_t i)
{
	for (int l = 0; l < f->levels; l++) {
		uint64_t *word = &f->level[l][i / 64];

		*word &= ~(1ull << i % 64);
		if (*word)
			break;
		i /= 64;
	}
	f->count--;
}

static inline uint64_t future_last(const struct future *f)
{
	uint64_t i = 0;

	for (int l = f->levels; l-- > 0;)
		i = i * 64 + 63 - (uint64_t)__builtin_clzll(f->level[l][i]);
	return i;
}

/* References first .. first + n, whose next uses are given. Returns the misses among those from warmup on. */
static uint64_t replay_block(struct future *f, const uint32_t *next, uint64_t first, size_t n,
			     uint32_t frames, uint64_t warmup)
{
	uint64_t misses = 0;

	for (size_t k = 0; k < n; k++) {
		uint64_t i = first + k;
		uint32_t use = next[k], soon = next[k + AHEAD < n ? k + AHEAD : n - 1];

		__builtin_prefetch(&f->level[0][soon == OPT_NEVER ? 0 : soon / 64]);
		if (f->level[0][i / 64] >> i % 64 & 1) {
			future_clear(f, i);
		} else {
			misses += i >= warmup;
			if (f->count + f->never == frames) {
				if (f->never)
					f->never--;
				else
					future_clear(f, future_last(f));
			}
		}
		if (use == OPT_NEVER)
			f->never++;
		else
			future_set(f, use);
	}
	return misses;
}

int opt_misses(const struct opt_table *t, uint32_t frames, uint64_t warmup, uint64_t *misses)
{
	uint32_t *buffer = NULL;
	struct future f;
	int err;

	*misses = 0;
	if (!frames)
		return -EINVAL;
	err = future_init(&f, t->n);
	if (!err && t->fd >= 0) {
		buffer = calloc(BLOCK, sizeof(*buffer));
		err = buffer ? 0 : -ENOMEM;
	}
	for (uint64_t first = 0; first < t->n && !err; first += BLOCK) {
		size_t k = t->n - first < BLOCK ? (size_t)(t->n - first) : BLOCK;

		if (buffer)
			err = file_all(t->fd, buffer, k * sizeof(*buffer), first * 4, false);
		if (!err)
			*misses += replay_block(&f, buffer ? buffer : t->next + first, first, k,
						frames, warmup);
	}
	future_destroy(&f);
	free(buffer);
	return err;
}

/* --- many sizes ------------------------------------------------------------------------------------------------- */

struct curve {
	const struct opt_table *table;
	const uint32_t *frames;
	uint32_t n;
	uint64_t warmup, *misses;
	atomic_uint taken, finished;
	atomic_int err; /* the first one ends all */
	int (*progress)(void *arg, double done);
	void *arg;
};

static void curve_work(struct curve *c, bool report)
{
	uint32_t i;
	int err;

	while (!c->err && (i = atomic_fetch_add(&c->taken, 1)) < c->n) {
		err = opt_misses(c->table, c->frames[i], c->warmup, &c->misses[i]);
		c->finished++;
		if (!err && report && c->progress)
			err = c->progress(c->arg, (double)c->finished / c->n);
		if (err)
			c->err = err;
	}
}

static void *curve_thread(void *arg)
{
	curve_work(arg, false);
	return NULL;
}

int opt_curve(const struct opt_table *t, const uint32_t *frames, uint32_t n, uint64_t warmup,
	      uint32_t jobs, int (*progress)(void *arg, double done), void *arg, uint64_t *misses)
{
	struct curve c = { .table = t,
			   .frames = frames,
			   .n = n,
			   .warmup = warmup,
			   .misses = misses,
			   .progress = progress,
			   .arg = arg };
	pthread_t *threads = calloc(jobs ? jobs : 1, sizeof(*threads));
	uint32_t started = 0;

	if (!threads)
		return -ENOMEM;
	while (started + 1 < jobs && started + 1 < n &&
	       !pthread_create(&threads[started], NULL, curve_thread, &c))
		started++;
	curve_work(&c, true);
	while (started)
		pthread_join(threads[--started], NULL);
	free(threads);
	return c.err;
}
