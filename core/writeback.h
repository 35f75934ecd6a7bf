/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writeback.h - writing dirty pages to the store before they leave, for policies that ask for it (policy_env.clean).
 *
 * A write-back begins when the policy schedules it. From then on the page has a copy in the store, is not dirty, and its next
 * write is seen like the first one; FRAME_CLEANING says that the copy is not complete. The device of the simulator takes
 * timing.swap_us for each, any number at a time, on the clock of the timing model (core_clock_ns), and nobody waits for it. Those that are
 * complete are looked for when a victim is to be chosen, which is when somebody can tell.
 *
 * Only the simulator has such a device. A live driver that writes behind would let policy_env.clean note the page, write-protect
 * and write it after the plan has been carried out, and end the write with writeback_end; the policy would see the same.
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
};

/* For policies with POLICY_CLEANS: sets v->writebacks and what env needs. 0, -ENOMEM: writebacks_destroy cleans up. */
int writebacks_create(struct vmm *v, struct policy_env *env);
void writebacks_destroy(struct vmm *v);

/* Those that are complete by now end. */
void writebacks_advance(struct vmm *v);
/* The write of the page in the frame is complete. */
void writeback_end(struct vmm *v, uint32_t frame);

bool writebacks_check(const struct vmm *v);

#endif
