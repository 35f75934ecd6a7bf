/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.h - physical frames: one array a field, hot ones apart from cold ones, indexed by frame number.
 *
 * Law, checked in debug builds after every plan:  free + used + in_transit == capacity.
 *   used        the frame holds a resident page (mapped or idle)
 *   in_transit  the frame is taken but its page is being filled or evicted
 *
 * Frames are handed out lowest number first while some were never used, then most recently freed first. Both drivers
 * depend on this order for seeded policies (random, nru), and the brute-force model in tests/ states it again.
 *
 * After frame_table_split the pool is in *pools* instead, one a node (NUMA) and each with a contiguous range of frames
 * in a buddy system: frames come in aligned groups for large pages, and from a node of choice; buddy.h has their order.
 * frame_group.c has it all.
 *
 * A frame has one reference from frame_take on, and one more for each further page that is in it (copy on write, shared
 * memory): `shares` counts those, so frames that nobody shares cost nothing. Who drops the last reference frees the
 * frame.
 *
 * All arrays come from calloc and are touched lazily: what they say of frames >= fresh means nothing.
 */
#ifndef VMM_FRAME_H
#define VMM_FRAME_H

#include "core/rng.h"

#include <stdbool.h>
#include <stdint.h>

#define VMM_NONE UINT32_MAX

#define FRAME_REF 1u      /* referenced since last cleared */
#define FRAME_DIRTY 2u    /* written since loaded (exact only where the driver tracks writes) */
#define FRAME_USED 4u     /* holds a resident page: only these may be victims */
#define FRAME_REJECTED 8u /* could not be taken: no victim again before the plan is closed */
#define FRAME_PINNED 16u  /* pins > 0, so that one byte says whether a frame is evictable */
#define FRAME_CLEANING                                                                             \
	32u /* its page is being written back; FRAME_DIRTY then means: written again since */

struct buddy;

struct frame_table {
	uint32_t capacity;
	uint32_t used, in_transit;
	/* hot: looked at on hits and while victims are chosen */
	uint8_t *bits;  /* FRAME_* */
	uint32_t *page; /* page id, VMM_NONE when free; still set while the page is evicted */
	/* cold: when a page comes or goes */
	uint16_t *pins;     /* > 0: never a victim */
	uint32_t *shares;   /* references beyond the first; 0 when free */
	uint64_t *load_seq; /* order of loading, for handing frames over */
	uint64_t load_next;
	uint32_t fresh; /* frames >= fresh were never handed out */
	uint32_t *free_stack,
		free_count;          /* free frames below fresh; the stack is unused with pools */
	struct buddy *pools;         /* by node; NULL: one pool, as described above */
	uint32_t nodes, node_frames; /* node_frames: of each but the last, which has the rest */
	uint32_t *cleared,
		cleared_count; /* frames whose reference bit a policy cleared since the core last looked */
	struct rng rng;        /* the only randomness of a policy */
};

int frame_table_init(struct frame_table *t, uint32_t capacity,
		     uint64_t seed); /* 0, -ENOMEM; memory is touched lazily */
void frame_table_destroy(struct frame_table *t);
uint32_t
frame_take(struct frame_table *t); /* VMM_NONE when none is free; the frame is in transit */
void frame_unlift(struct frame_table *t, uint32_t f); /* back to used: nothing has happened */
void frame_free(struct frame_table *t, uint32_t f);   /* in transit -> free */
int frame_table_check(const struct frame_table *t);

/*
 * Makes pools for `nodes` nodes, right after frame_table_init. 0; -EINVAL: no or more nodes than frames, or frames were
 * handed out already; -ENOMEM.
 */
int frame_table_split(struct frame_table *t, uint32_t nodes);
void frame_pools_destroy(struct frame_table *t); /* for frame_table_destroy */
int frame_pools_check(const struct frame_table *t);

/*
 * 2^order frames in a row, the first a multiple of 2^order; VMM_NONE when there are none. Each is in transit;
 * they may be freed one by one (a large page that was split). node VMM_NONE: the first node that has them.
 * Only with pools.
 */
uint32_t frame_take_group(struct frame_table *t, uint32_t order, uint32_t node);
void frame_group_return(struct frame_table *t, uint32_t f);           /* for frame_free */
uint32_t frame_node_free(const struct frame_table *t, uint32_t node); /* frames; with pools */

static inline void frame_settle(struct frame_table *t, uint32_t f,
				uint32_t page) /* in transit -> used */
{
	t->page[f] = page;
	t->bits[f] = FRAME_USED;
	t->load_seq[f] = t->load_next++;
	t->in_transit--;
	t->used++;
}
static inline void frame_lift(struct frame_table *t, uint32_t f) /* used -> in transit */
{
	t->bits[f] &= (uint8_t)~FRAME_USED;
	t->used--;
	t->in_transit++;
}

static inline uint32_t frames_free(const struct frame_table *t)
{
	return t->capacity - t->used - t->in_transit;
}

/* The NUMA node whose memory it is; 0 without pools. */
static inline uint32_t frame_node(const struct frame_table *t, uint32_t f)
{
	uint32_t node = t->pools ? f / t->node_frames : 0;

	return node < t->nodes ? node : t->nodes ? t->nodes - 1 : 0;
}

/* References to a frame that is not free. The other two return how many there are then; at 0 the caller frees it. */
static inline uint32_t frame_refs(const struct frame_table *t, uint32_t f)
{
	return t->shares[f] + 1;
}
static inline uint32_t frame_inc_ref(struct frame_table *t, uint32_t f)
{
	return ++t->shares[f] + 1;
}
static inline uint32_t frame_dec_ref(struct frame_table *t, uint32_t f)
{
	return t->shares[f] ? t->shares[f]-- : 0;
}

/* The only functions through which a policy sees bits. */
static inline bool frame_referenced(const struct frame_table *t, uint32_t f)
{
	return t->bits[f] & FRAME_REF;
}
static inline bool frame_dirty(const struct frame_table *t, uint32_t f)
{
	return t->bits[f] & FRAME_DIRTY;
}
/* The store has what the page holds: nothing would have to be written if it left. */
static inline bool frame_clean(const struct frame_table *t, uint32_t f)
{
	return !(t->bits[f] & (FRAME_DIRTY | FRAME_CLEANING));
}
static inline bool frame_cleaning(const struct frame_table *t, uint32_t f)
{
	return t->bits[f] & FRAME_CLEANING;
}
static inline bool frame_pinned(const struct frame_table *t, uint32_t f)
{
	return t->pins[f] != 0;
}
/* May be a victim now. Frames of victims that were chosen but are not out yet lack FRAME_USED. */
static inline bool frame_evictable(const struct frame_table *t, uint32_t f)
{
	return (t->bits[f] & (FRAME_USED | FRAME_REJECTED | FRAME_PINNED)) == FRAME_USED;
}
static inline void frame_pin(struct frame_table *t, uint32_t f)
{
	t->pins[f]++;
	t->bits[f] |= FRAME_PINNED;
}
static inline void frame_unpin(struct frame_table *t, uint32_t f)
{
	if (--t->pins[f] == 0)
		t->bits[f] &= (uint8_t)~FRAME_PINNED;
}
/* In the simulator a byte; live the core asks for the page to be unmapped (cleared list). */
#ifndef FRAME_CLEARED_SEEN
#define FRAME_CLEARED_SEEN true /* the driver looks at the list: not so in core/replay */
#endif
static inline void frame_note_cleared(struct frame_table *t, uint32_t f)
{
	if (FRAME_CLEARED_SEEN)
		t->cleared[t->cleared_count++] = f;
}
static inline void frame_clear_referenced(struct frame_table *t, uint32_t f)
{
	if (t->bits[f] & FRAME_REF) {
		t->bits[f] &= (uint8_t)~FRAME_REF;
		frame_note_cleared(t, f);
	}
}

#endif
