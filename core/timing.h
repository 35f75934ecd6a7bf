/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timing.h - the timing model: what the counters of a simulation would have taken.
 *
 *   time = accesses * mem
 *        + (TLB hits + misses) * tlb      only where a TLB is simulated
 *        + walk accesses * mem            only where page tables are
 *        + faults * fault                 the kernel's part of each fault of the policy
 *        + (store and file reads + writes) * swap  the device's part, per page; reads of prefetches and write-backs excepted,
 *                                         which nobody waits for
 *        + prefetch wait                  unless the page is used too soon
 *        + extra                          what remote memory takes longer (numa_extra_ns)
 *
 * AMT (access mean time) is time / accesses. Slowdown is AMT / the time of an access to a resident page that the TLB
 * knows (mem, and tlb where there is a TLB): how many times slower than with enough memory. Soft and write
 * faults, by which a live pager sees reference and dirty bits, are hardware's here and take no time.
 */
#ifndef VMM_TIMING_H
#define VMM_TIMING_H

#include "core/stats.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct timing {
	uint32_t tlb_ns, mem_ns;
	uint32_t fault_us, swap_us;
};

#define TIMING_DEFAULT                                                                             \
	((struct timing){ .tlb_ns = 1, .mem_ns = 100, .fault_us = 1000, .swap_us = 5000 })

/* All 0 without accesses. Doubles, because sums of microseconds over 2^64 accesses fit nothing else. */
double timing_total_ns(const struct timing *t, const struct vm_stats *s, uint64_t extra_ns);
double timing_amt_ns(const struct timing *t, const struct vm_stats *s, uint64_t extra_ns);
double timing_slowdown(const struct timing *t, const struct vm_stats *s, uint64_t extra_ns);

#ifdef __cplusplus
}
#endif

#endif
