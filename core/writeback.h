/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writeback.h - writing dirty pages to the store before they leave, for policies that ask for it (policy_env.clean).
 *
 * A write-back begins when the policy schedules it. From then on the page has a copy in the store, is not dirty, and its next
 * write is seen like the first one; FRAME_CLEANING says that the copy is not complete. The device of the simulator takes
 * timing.swap_us for each, any number at a time, on the clock of the timing model (core_clock_ns), and nobody waits for it. Those that are
 * complete are looked for when a victim is to be chosen, which is when somebody can tell.
 *
 * A live driver asks for the pages of a plan (core_cleans) before it carries the plan out, write-protects and writes them. It may leave
 * one out: the page's content decides when it leaves. When a write is complete the same clock says; where virtual time counts faults
 * (VMM_FLAG_TIME_FAULTS) it knows nothing but those, each a fault and a read of the device long, so that both drivers see the same.
 *
 * Invariant: frames that are being cleaned are used, or their page is leaving, and are in the queue; `ends` ascends along it. A page
 * that leaves or is unmapped before the device has done with it stays in the queue, where it counts.
 */
#ifndef VMM_WRITEBACK_H
#define VMM_WRITEBACK_H

#include "core/policy.h"

struct vmm;

struct writeback {
	uint64_t ends_ns;
	uint64_t load_seq; /* of the frame: another one's page is in it by now if it is different */
	uint32_t frame;
};

struct writebacks {
	struct writeback *queue; /* a ring; by the time of their end */
	uint32_t capacity, first, count;
	uint32_t *asked; /* pages scheduled since core_cleans; NULL in the simulator */
	uint32_t n_asked;
};

/* For policies with POLICY_CLEANS: sets v->writebacks and what env needs. 0, -ENOMEM: writebacks_destroy cleans up. */
int writebacks_create(struct vmm *v, struct policy_env *env);
void writebacks_destroy(struct vmm *v);

/* Those that are complete by now end. */
void writebacks_advance(struct vmm *v);
bool writebacks_check(const struct vmm *v);

#endif
