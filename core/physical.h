/* SPDX-License-Identifier: Apache-2.0 */
/*
 * physical.h - where pages are in memory, once that matters: nodes (numa.h) and large pages (large.h).
 *
 * Without either v->physical is NULL, a frame of v->frames is a base frame, and its number is all there is. With it
 *
 *   frame   what a policy knows, as ever: one resident page, of whatever size, that leaves as a whole
 *   place   the first of the 2^order base frames that hold that page, in the pools of `ram` (frame_group.c)
 *
 * so a page can move to another node, and 512 base frames can be one page, and no policy notices: the frame stays. Frames are
 * never short: each has at least one base frame, and there are as many of one as of the other.
 *
 * Invariants, looked at by physical_check: every frame that is taken has a place, aligned to its order; the base frames of
 * all places are disjoint and, with the free ones, all there are.
 *
 * A victim of a page that must come to one node (bind) is on that node: the policy's choices elsewhere are passed over
 * as if they were pinned, without reject(), and keep their place in the policy's order.
 */
#ifndef VMM_PHYSICAL_H
#define VMM_PHYSICAL_H

#include "core/core.h"
#include "core/numa.h"

struct physical {
	bool has_numa;
	struct numa numa;
	struct frame_table ram; /* base frames; ram.page says which frame has it */
	uint32_t *place;        /* by frame */
	uint8_t *order;         /* by frame */
};

/* Sets v->physical when the configuration asks for nodes or large pages. 0; -EINVAL; -ENOMEM: physical_destroy cleans up. */
int physical_create(struct vmm *v, const struct vmm_config *c);
void physical_destroy(struct vmm *v);

/* A frame in transit for a page of the process, with 2^order base frames behind it; VMM_NONE when there are none for it. */
uint32_t physical_take(struct vmm *v, uint32_t process, uint64_t vpn, uint32_t order);
void physical_put(struct vmm *v, uint32_t f); /* in transit -> free */

/* Base frames that are free and that a page of this process may have; page VMM_NONE: any. */
uint32_t physical_free(struct vmm *v, uint32_t page);

/* Would evicting f help the page? */
bool physical_suits(struct vmm *v, uint32_t page, uint32_t f);

/* The process has accessed the page, which is resident: counted, and the page moves when the placement says so. */
void physical_accessed(struct vmm *v, uint32_t process, uint32_t page);

void physical_exit(struct vmm *v, uint32_t process); /* its home is forgotten */

void physical_stats(const struct vmm *v, struct vm_stats *s); /* what is counted elsewhere */
uint64_t physical_extra_ns(const struct vmm *v); /* what remote references took beyond local ones */
int physical_check(const struct vmm *v);         /* 0, -EINVAL */

#endif
