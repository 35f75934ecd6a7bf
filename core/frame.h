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

struct frame_table {
	uint32_t capacity;
	uint32_t used, in_transit;
	uint8_t *bits;      /* FRAME_* */
	uint16_t *pins;     /* > 0: never a victim */
	uint32_t *page;     /* page id, VMM_NONE when free; still set while the page is evicted */
	uint64_t *load_seq; /* order of loading, for handing frames over */
	uint64_t load_next;
	uint32_t fresh; /* frames >= fresh were never handed out */
	uint32_t *free_stack, free_count;
	uint32_t *cleared,
		cleared_count; /* frames whose reference bit a policy cleared since the core last looked */
	struct rng rng;        /* the only randomness of a policy */
};

int frame_table_init(struct frame_table *t, uint32_t capacity,
		     uint64_t seed); /* 0, -ENOMEM; memory is touched lazily */
void frame_table_destroy(struct frame_table *t);
uint32_t
frame_take(struct frame_table *t); /* VMM_NONE when none is free; the frame is in transit */
void frame_settle(struct frame_table *t, uint32_t f, uint32_t page); /* in transit -> used */
void frame_lift(struct frame_table *t, uint32_t f);                  /* used -> in transit */
void frame_unlift(struct frame_table *t, uint32_t f); /* back to used: nothing has happened */
void frame_free(struct frame_table *t, uint32_t f);   /* in transit -> free */
int frame_table_check(const struct frame_table *t);

static inline uint32_t frames_free(const struct frame_table *t)
{
	return t->capacity - t->used - t->in_transit;
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
static inline void frame_clear_referenced(struct frame_table *t, uint32_t f)
{
	if (t->bits[f] & FRAME_REF) {
		t->bits[f] &= (uint8_t)~FRAME_REF;
		t->cleared[t->cleared_count++] = f;
	}
}

#endif
