/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - making and feeding a replay (replay.h); the loop itself is in engine.h.
 *
 * A policy without a unit of its own (one that was loaded at run time as a table) is called through its table, by the same
 * loop.
 */
#include "core/replay/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* References at a time: few enough that looking for writes first leaves them in the first-level cache. */
#define CHUNK 4096u
#define PAGES_FIRST 1024u
/* Replays of several threads are neighbours in memory: none writes to a pair of cache lines that another reads. */
#define LINE_BYTES 128u

#define ADDED_MAX 128u /* as many as the registry of policies can have */

/* Policies that were added at run time, and their loops. */
static struct {
	const struct policy_ops *ops;
	const struct replay_unit *unit;
} added[ADDED_MAX];
static uint32_t n_added;

static int fault_table(struct replay *r, uint32_t ref, uint32_t entry)
{
	return replay_fault(r, r->ops, ref, entry, false, true);
}

static int feed_table(struct replay *r, const uint32_t *refs, size_t n, bool writes)
{
	(void)writes;
	switch (r->kind) {
	case REPLAY_TOUCH:
		return replay_loop(r, r->ops, fault_table, REPLAY_TOUCH, true, refs, n);
	case REPLAY_BITS:
		return replay_loop(r, r->ops, fault_table, REPLAY_BITS, true, refs, n);
	default:
		return replay_loop(r, r->ops, fault_table, REPLAY_NOTHING, true, refs, n);
	}
}

int replay_unit_add(const struct policy_ops *ops, const struct replay_unit *unit,
		    uint32_t replay_abi)
{
	if (replay_abi != REPLAY_ABI)
		return -EINVAL;
	if (n_added == ADDED_MAX)
		return -ENOSPC;
	added[n_added].ops = ops;
	added[n_added++].unit = unit;
	return 0;
}

static const struct replay_unit *unit_find(const struct policy_ops *ops)
{
	const struct replay_unit *const *u = __start_vmm_replays;

	for (uint32_t i = 0; i < n_added; i++)
		if (added[i].ops == ops)
			return added[i].unit;
	for (; u < __stop_vmm_replays; u++)
		if (strcmp((*u)->ops->name, ops->name) == 0)
			return *u;
	return NULL;
}

static void class_set(struct replay *r, enum policy_class class)
{
	r->kind = class == POLICY_T ? REPLAY_TOUCH : REPLAY_NOTHING;
	if (class == POLICY_R0 || class == POLICY_R1)
		r->kind = REPLAY_BITS;
	r->load_bits = class == POLICY_R1 ? FRAME_REF : 0;
}

static int replay_init(struct replay *r, const struct replay_config *c)
{
	struct policy_env env = { .frames = &r->frames, .notes = &r->notes };
	const struct replay_unit *unit;
	const char *bad;
	int err;

	r->notes.stride = sizeof(*r->frame_of);
	env.now = c->time_faults ? &r->faulted : &r->now;
	err = policy_parse(c->policy, &r->ops, env.values, &bad);
	if (err)
		return err;
	if (!replay_can(r->ops))
		return -ENOTSUP;
	class_set(r, r->ops->class_of ? r->ops->class_of(env.values) : r->ops->class);
	r->feed = feed_table;
	unit = c->table ? NULL : unit_find(r->ops);
	if (unit) {
		r->ops = unit->ops;
		r->feed = unit->feed;
	}
	r->copied = calloc(c->frames, sizeof(*r->copied));
	if (!r->copied)
		return -ENOMEM;
	err = frame_table_init(&r->frames, c->frames, c->seed);
	if (!err)
		err = r->ops->create(&r->policy, &env);
	if (err)
		r->policy = NULL;
	return err;
}

bool replay_can(const struct policy_ops *ops)
{
	return ops->class != POLICY_X && !ops->surplus && !(ops->flags & POLICY_CLEANS);
}

struct replay *replay_create(const struct replay_config *c)
{
	struct replay *r = NULL;
	int err = -EINVAL;

	if (!c->policy || c->frames == 0 || c->frames > REPLAY_PAGES_MAX)
		goto out;
	err = -ENOMEM;
	r = aligned_alloc(LINE_BYTES, (sizeof(*r) + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES);
	if (!r)
		goto out;
	memset(r, 0, sizeof(*r));
	err = replay_init(r, c);
	if (!err)
		return r;
	replay_destroy(r);
out:
	errno = -err;
	return NULL;
}

void replay_destroy(struct replay *r)
{
	if (!r)
		return;
	if (r->policy)
		r->ops->destroy(r->policy);
	frame_table_destroy(&r->frames);
	free(r->frame_of);
	free(r->copied);
	free(r);
}

int replay_reserve(struct replay *r, uint32_t pages)
{
	uint64_t n = r->pages ? r->pages : PAGES_FIRST;
	uint32_t *p;

	if (pages <= r->pages)
		return 0;
	if (pages > REPLAY_PAGES_MAX)
		return -EINVAL;
	while (n < pages)
		n *= 2;
	p = realloc(r->frame_of, n * sizeof(*p));
	if (!p)
		return -ENOMEM;
	for (uint64_t i = r->pages; i < n; i++)
		p[i] = REPLAY_ABSENT;
	r->frame_of = p;
	r->notes.base = (unsigned char *)p;
	r->pages = (uint32_t)n;
	return 0;
}

static void stats_complete(struct replay *r)
{
	struct vm_stats *s = &r->stats;

	s->faults = r->faulted - r->faulted_before;
	s->evictions = s->faults - r->filled;
	s->faults_zero = s->faults - s->faults_major;
	s->anon_faults = s->faults;
	s->store_reads = s->faults_major;
	s->evictions_clean = s->evictions - s->evictions_dirty;
	s->store_writes = s->evictions_dirty;
	/* Between calls of replay_forget the frames in use become only more. */
	if (s->resident_peak_frames < r->frames.used)
		s->resident_peak_frames = r->frames.used;
	if (s->footprint_pages < r->stored + r->frames.used)
		s->footprint_pages = r->stored + r->frames.used;
}

/* Frames are full again only by replay_feed, so the most that were in use is known here. */
int replay_feed(struct replay *r, const uint32_t *refs, size_t n)
{
	int err = 0;

	while (n && !err) {
		size_t k = n < CHUNK ? n : CHUNK;
		uint32_t writes = 0;

		for (size_t i = 0; i < k; i++)
			writes += refs[i] >> 31;
		/* A page that was written once may leave dirty in a chunk without writes. */
		r->written |= writes != 0;
		err = r->feed(r, refs, k, r->written);
		r->stats.accesses += k;
		r->stats.writes += writes;
		r->stats.reads += k - writes;
		refs += k;
		n -= k;
	}
	stats_complete(r);
	return err;
}

void replay_forget(struct replay *r, uint32_t page, enum remove_why why)
{
	struct frame_table *t = &r->frames;
	uint32_t entry;

	if (page >= r->pages)
		return; /* never referenced */
	entry = r->frame_of[page];
	if (entry >= REPLAY_ABSENT) {
		r->stored -= entry >> REPLAY_STORED_SHIFT & 1;
		r->ops->remove(r->policy, VMM_NONE, page, why);
	} else {
		frame_lift(t, entry);
		r->ops->remove(r->policy, entry, page, why);
		frame_free(t, entry);
	}
	r->frame_of[page] = REPLAY_ABSENT;
	r->stats.unmapped += why == REMOVE_UNMAP &&
			     (entry & (REPLAY_ABSENT | REPLAY_STORED)) != REPLAY_ABSENT;
}

void replay_stats_reset(struct replay *r)
{
	memset(&r->stats, 0, sizeof(r->stats));
	r->faulted_before = r->faulted;
	r->filled = 0;
	stats_complete(r);
}

const struct vm_stats *replay_stats(struct replay *r)
{
	return &r->stats;
}

const struct policy_ops *replay_policy(const struct replay *r)
{
	return r->ops;
}

int replay_check(const struct replay *r)
{
	int err = frame_table_check(&r->frames);

	return err ? err : r->ops->check(r->policy);
}
