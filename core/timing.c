/* SPDX-License-Identifier: Apache-2.0 */
/* timing.c - the sum in timing.h. */
#include "core/timing.h"

#define NS_PER_US 1000.0

double timing_total_ns(const struct timing *t, const struct vm_stats *s, uint64_t extra_ns)
{
	double accesses = (double)s->accesses,
	       lookups = (double)s->tlb_hits + (double)s->tlb_misses;
	double moved = (double)s->store_reads + (double)s->file_reads - (double)s->prefetch_issued +
		       (double)s->store_writes + (double)s->file_writes - (double)s->writebacks;

	return accesses * t->mem_ns + lookups * t->tlb_ns +
	       (double)s->pt_walk_accesses * t->mem_ns +
	       (double)s->faults * t->fault_us * NS_PER_US + moved * t->swap_us * NS_PER_US +
	       (double)s->prefetch_wait_ns + (double)extra_ns;
}

double timing_amt_ns(const struct timing *t, const struct vm_stats *s, uint64_t extra_ns)
{
	return s->accesses ? timing_total_ns(t, s, extra_ns) / (double)s->accesses : 0;
}

double timing_slowdown(const struct timing *t, const struct vm_stats *s, uint64_t extra_ns)
{
	bool has_tlb = s->tlb_hits || s->tlb_misses;
	double best_ns = t->mem_ns + (has_tlb ? t->tlb_ns : 0);

	return best_ns > 0 ? timing_amt_ns(t, s, extra_ns) / best_ns : 0;
}
