/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_age.h - one tick of aging (Tanenbaum): every age is shifted right, then the reference bit enters at the top.
 *
 * The tick goes over all frames that were ever handed out, so it is done in vectors: AVX-512 or AVX2 where the processor
 * has them, what the compiler makes for the target otherwise, and a byte at a time for the rest. All give the same ages,
 * bits and list of cleared frames.
 */
#ifndef VMM_FRAME_AGE_H
#define VMM_FRAME_AGE_H

#include "core/frame.h"

/*
 * age[f] = age[f] >> 1 | (referenced ? top : 0) for every frame f < t->fresh. `top` is the highest bit of an age. The reference bits of evictable frames are cleared
 * as frame_clear_referenced does it, the lowest frame first; others (pinned, in transit) keep theirs. What the
 * ages of frames without a page become means nothing: a policy sets the age when it inserts.
 */
void frame_age_all(struct frame_table *t, uint8_t *age, uint8_t top);

/* The ways to do it, for tests and benchmarks, the best first; the last is a byte at a time. */
struct frame_age_way {
	const char *name;
	bool (*supported)(void); /* by this processor */
	/* Frames [0, n): clears bits, writes the cleared frames to `cleared`, returns how many. */
	uint32_t (*sweep)(uint8_t *bits, uint8_t *age, uint8_t top, uint32_t n, uint32_t *cleared);
};
extern const struct frame_age_way frame_age_ways[];
extern const uint32_t frame_age_way_count;

#endif
