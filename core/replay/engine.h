/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - the replay loop, as a template: it is inlined into a function of each policy's own (unit.h), where the table
 * of the policy is a constant, so that its callbacks are inlined into the loop. Only replay.c and unit.h include it.
 *
 * frame_of[page] is the frame of a resident page, which has not the highest bit; else REPLAY_ABSENT, with REPLAY_STORED when the
 * store holds a copy, and the page's note (policy.h) in the rest.
 * copied[frame] is 1 when the store holds a copy, maybe stale, of the page in the frame.
 *
 * A policy sees the same struct frame_table as in the core, in the same state at each callback, but for load_seq (the core
 * keeps it for itself). An evicted frame is handed to the new page at once: the core would push it on the free stack and
 * pop it again. What a policy clears is not collected: references_cleared stays 0.
 */
#ifndef VMM_REPLAY_ENGINE_H
#define VMM_REPLAY_ENGINE_H

#include "core/replay/replay.h"

#include <errno.h>

#define REPLAY_ABSENT 0x80000000u
#define REPLAY_STORED 0x40000000u /* with REPLAY_ABSENT */
#define REPLAY_STORED_SHIFT 30

/* References between the prefetch of a page's entry and its use: enough to hide a miss of the second-level cache. */
#define REPLAY_AHEAD 40
#define REPLAY_BLOCK 8  /* references that are looked up together */
#define REPLAY_RECALL 6 /* the same for policy_ops.recall */

/* What a reference can do besides faulting: the loop is made once for each. */
enum replay_kind {
	REPLAY_NOTHING, /* class F, X without touch: hits change nothing */
	REPLAY_BITS,    /* classes R0, R1: hits set the reference bit */
	REPLAY_TOUCH,   /* class T: hits call touch */
};

typedef int (*replay_feed_fn)(struct replay *r, const uint32_t *refs, size_t n, bool writes);

/* A policy with its own loop. The tables are those of the compilation unit that has the loop. */
struct replay_unit {
	const struct policy_ops *ops;
	replay_feed_fn feed;
};

struct replay {
	uint32_t *frame_of;
	uint8_t *copied;
	struct page_notes notes; /* in frame_of */
	struct frame_table frames;
	void *policy;
	const struct policy_ops *ops;
	replay_feed_fn feed;
	enum replay_kind kind;
	uint8_t load_bits;       /* of a page that is loaded, besides FRAME_DIRTY */
	bool written;            /* some reference so far was a write */
	uint64_t now;            /* references completed */
	uint64_t faulted;        /* faults completed */
	uint64_t faulted_before; /* of these, before the counts began */
	uint64_t filled;         /* faults that found a free frame, since the counts began */
	uint64_t stored;         /* pages that are in the store only */
	uint32_t pages;          /* entries of frame_of */
	uint32_t evicted;        /* the page that was evicted last */
	struct vm_stats stats;   /* some are made from the above: replay.c */
};

#define REPLAY_INLINE static inline __attribute__((always_inline))

/* The page in frame f, a victim, is none any more; the policy does not know it yet. */
REPLAY_INLINE void replay_evicted(struct replay *r, uint32_t f, uint32_t old, bool writes)
{
	struct frame_table *t = &r->frames;
	uint32_t stored = 0;

	if (writes) {
		uint32_t dirty = frame_dirty(t, f);

		stored = r->copied[f] | dirty;
		r->stored += stored;
		r->stats.evictions_dirty += dirty;
	}
	t->cleared_count = 0;
	r->evicted = old;
	r->frame_of[old] = REPLAY_ABSENT | stored << REPLAY_STORED_SHIFT;
}

/* The page that victim() will probably evict next: its entry will be written. */
REPLAY_INLINE void replay_peek(struct replay *r, const struct policy_ops *ops)
{
	uint32_t f = ops->peek ? ops->peek(r->policy) : VMM_NONE;

	if (f < r->frames.capacity)
		__builtin_prefetch(&r->frame_of[r->frames.page[f]], 1);
}

/* Every frame is in use: a page leaves, and its frame is free or, if the policy can, `page` is in it. VMM_NONE: a broken policy. */
REPLAY_INLINE uint32_t replay_evict(struct replay *r, const struct policy_ops *ops, uint32_t page,
				    bool trusted, bool writes)
{
	struct frame_table *t = &r->frames;
	uint32_t f = ops->victim(r->policy, page), old;

	if (__builtin_expect(f >= t->capacity, 0) || (!trusted && !frame_evictable(t, f)))
		return VMM_NONE;
	old = t->page[f];
	replay_evicted(r, f, old, writes);
	if (ops->replace) {
		ops->replace(r->policy, f, old, page);
		return f;
	}
	t->bits[f] &= (uint8_t)~FRAME_USED;
	t->used = t->capacity - 1;
	t->in_transit = 1;
	ops->remove(r->policy, f, old, REMOVE_EVICT);
	t->in_transit = 0;
	t->used = t->capacity;
	return f;
}

/* A frame that is free, as frame_take and frame_settle hand it out. */
REPLAY_INLINE uint32_t replay_free_frame(struct replay *r)
{
	struct frame_table *t = &r->frames;

	r->filled++;
	t->used++;
	return t->fresh < t->capacity ? t->fresh++ : t->free_stack[--t->free_count];
}

/*
 * A reference to a page that is not resident; entry is that of frame_of. ops, trusted and writes are constants wherever this
 * is inlined.
 */
REPLAY_INLINE int replay_fault(struct replay *r, const struct policy_ops *ops, uint32_t ref,
			       uint32_t entry, bool trusted, bool writes)
{
	struct frame_table *t = &r->frames;
	uint32_t page = ref & REPLAY_PAGE, f;
	bool full = t->used == t->capacity;

	if (ops->fault)
		ops->fault(r->policy, page);
	if (__builtin_expect(full, 1))
		f = replay_evict(r, ops, page, trusted, writes);
	else
		f = replay_free_frame(r);
	if (__builtin_expect(f == VMM_NONE, 0))
		return -EINVAL;
	t->page[f] = page;
	t->bits[f] = (uint8_t)(FRAME_USED | r->load_bits | (writes ? ref >> 31 << 1 : 0));
	if (!ops->replace || !full)
		ops->insert(r->policy, f, page);
	r->frame_of[page] = f;
	r->faulted++;
	if (full)
		replay_peek(r, ops);
	if (writes) {
		uint8_t stored = entry >> REPLAY_STORED_SHIFT & 1;

		r->copied[f] = stored;
		r->stored -= stored;
		r->stats.faults_major += stored;
		if (r->stats.footprint_pages < r->stored + t->used)
			r->stats.footprint_pages = r->stored + t->used;
	}
	return 0;
}

typedef int (*replay_fault_fn)(struct replay *r, uint32_t ref, uint32_t entry);

/* kind, writes, ops and fault are constants wherever this is inlined. */
REPLAY_INLINE int replay_loop(struct replay *r, const struct policy_ops *ops, replay_fault_fn fault,
			      enum replay_kind kind, bool writes, const uint32_t *refs, size_t n)
{
	const uint32_t *const frame_of = r->frame_of, *const last = refs + n - 1;
	const uint32_t *ahead = refs + (n > REPLAY_AHEAD ? REPLAY_AHEAD : n - 1);
	const uint32_t *recall = refs + (n > REPLAY_RECALL ? REPLAY_RECALL : n - 1);
	uint8_t *const bits = r->frames.bits;
	const uint64_t start = r->now;
	uint64_t soft = 0;
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t ref = refs[i], f = frame_of[ref & REPLAY_PAGE];

		__builtin_prefetch(&frame_of[*ahead & REPLAY_PAGE]);
		ahead += ahead < last;
		if (ops->recall) {
			uint32_t e = frame_of[*recall & REPLAY_PAGE];

			recall += recall < last;
			if (e > REPLAY_ABSENT)
				ops->recall(r->policy, e & (PAGE_NOTE_MAX - 1));
		}
		if (kind == REPLAY_TOUCH)
			r->now = start + i;
		if (__builtin_expect(f < REPLAY_ABSENT, 1)) {
			uint8_t b = writes ? (uint8_t)(ref >> 31 << 1) : 0;

			if (kind == REPLAY_BITS) {
				soft += ~bits[f] & FRAME_REF;
				bits[f] |= b | FRAME_REF;
			} else if (writes) {
				bits[f] |= b;
			}
			if (kind == REPLAY_TOUCH)
				ops->touch(r->policy, f, writes && ref >> 31);
			continue;
		}
		r->now = start + i;
		err = fault(r, ref, f);
		if (__builtin_expect(err, 0))
			break;
	}
	r->now = start + n;
	r->stats.faults_soft += soft;
	return err;
}

/* Which of a block's references are to this page, as bits. */
REPLAY_INLINE uint32_t replay_block_find(const uint32_t *refs, uint32_t page)
{
	uint32_t found = 0;

	for (uint32_t k = 0; k < REPLAY_BLOCK; k++)
		found |= (uint32_t)(refs[k] == page) << k;
	return found;
}

/*
 * Hits change nothing and nobody writes: the pages of a block that are not resident are found without a branch that
 * nobody could predict. A fault may load a page that is missing later in the block, and evict one that was not.
 */
REPLAY_INLINE int replay_blocks(struct replay *r, const struct policy_ops *ops, bool trusted,
				const uint32_t *refs, size_t n)
{
	const uint32_t *const frame_of = r->frame_of, *const last = refs + n - 1;
	int err = 0;

	for (; n >= REPLAY_BLOCK && !err; refs += REPLAY_BLOCK, n -= REPLAY_BLOCK) {
		const uint32_t *ahead =
			last - refs > REPLAY_AHEAD + REPLAY_BLOCK ? refs + REPLAY_AHEAD : refs;
		uint64_t start = r->now;
		uint32_t missing = 0;

		for (uint32_t k = 0; k < REPLAY_BLOCK; k++) {
			__builtin_prefetch(&frame_of[ahead[k]]);
			missing |= frame_of[refs[k]] >> 31 << k;
		}
		while (missing) {
			uint32_t k = (uint32_t)__builtin_ctz(missing), entry = frame_of[refs[k]];

			missing &= missing - 1;
			if (__builtin_expect(entry < REPLAY_ABSENT, 0))
				continue;
			r->now = start + k;
			err = replay_fault(r, ops, refs[k], entry, trusted, false);
			if (__builtin_expect(err, 0))
				break;
			missing |= replay_block_find(refs, r->evicted) & ~1u << k;
		}
		r->now = start + REPLAY_BLOCK;
	}
	return err ? err : (int)n;
}

/* The loops that a policy can need: without class_of its class is the table's. */
REPLAY_INLINE int replay_dispatch(struct replay *r, const struct policy_ops *ops,
				  replay_fault_fn fault, bool trusted, bool writes,
				  const uint32_t *refs, size_t n)
{
	enum policy_class class = ops->class;
	bool any = ops->class_of != NULL;
	int left;

	if (ops->touch && (any || class == POLICY_T) && r->kind == REPLAY_TOUCH)
		return replay_loop(r, ops, fault, REPLAY_TOUCH, writes, refs, n);
	if ((any || class == POLICY_R0 || class == POLICY_R1) && r->kind == REPLAY_BITS)
		return replay_loop(r, ops, fault, REPLAY_BITS, writes, refs, n);
	if (!writes && (class == POLICY_F || class == POLICY_X)) {
		left = replay_blocks(r, ops, trusted, refs, n);
		if (left <= 0)
			return left;
		refs += n - (size_t)left;
		n = (size_t)left;
	}
	if (any || class == POLICY_F || class == POLICY_X)
		return replay_loop(r, ops, fault, REPLAY_NOTHING, writes, refs, n);
	return -EINVAL;
}

#endif
