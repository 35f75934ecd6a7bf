/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve.h - the driver of the simulator. Its store is the counters: a victim is out, and a page filled, as soon as the plan says so.
 *
 * The simulated process is its own only thread. A page is held for a thread (core.h) only with VMM_FLAG_LIVE: without
 * it a fault is complete when vmm_access returns, and one frame is enough for any number of processes.
 */
#ifndef VMM_SERVE_H
#define VMM_SERVE_H

#include "core/core.h"

/* What a reference was. Others than hits and soft ones are instructions that start again. */
enum result { RESULT_HIT, RESULT_FRAME, RESULT_MAPPED, RESULT_SOFT };

/* Serves the fault; value is what the page map has for the address. An enum result, or -errno. */
int serve(struct vmm *v, uint32_t pid, uint64_t vpn, uint32_t value, bool write, struct plan *plan);
/* The same plan, after the policy has seen the reference. */
void serve_end(struct vmm *v, uint32_t pid, const struct plan *plan);

/* The policy gives back what it does not want to keep: after each reference. */
void serve_shrink(struct vmm *v);

#endif
