/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c - the table of counters generated from the list in stats.h, their sum and their laws. */
#include "core/stats.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

const struct vm_stat_info vm_stat_list[] = {
#define X(name, help) { #name, help, offsetof(struct vm_stats, name) },
	VM_STATS(X)
#undef X
};

const uint32_t vm_stat_count = sizeof(vm_stat_list) / sizeof(vm_stat_list[0]);

static bool is_peak(const struct vm_stat_info *i)
{
	return i->offset == offsetof(struct vm_stats, resident_peak_frames) ||
	       i->offset == offsetof(struct vm_stats, footprint_pages) ||
	       i->offset == offsetof(struct vm_stats, swap_used) ||
	       i->offset == offsetof(struct vm_stats, node_balance) ||
	       i->offset == offsetof(struct vm_stats, tlb_reach_bytes) ||
	       i->offset == offsetof(struct vm_stats, cow_pages_saved) ||
	       i->offset == offsetof(struct vm_stats, shared_pages_saved) ||
	       i->offset == offsetof(struct vm_stats, pt_bytes);
}

void vm_stats_add(struct vm_stats *a, const struct vm_stats *b)
{
	for (uint32_t k = 0; k < vm_stat_count; k++) {
		const struct vm_stat_info *i = &vm_stat_list[k];
		uint64_t *to = (uint64_t *)((char *)a + i->offset);
		uint64_t from = vm_stat_get(b, i);

		if (!is_peak(i))
			*to += from;
		else if (*to < from)
			*to = from;
	}
}

int vm_stats_check(const struct vm_stats *s)
{
	if (s->faults != s->faults_zero + s->faults_major + s->faults_file + s->faults_cow_alloc)
		return -EINVAL;
	if (s->faults != s->file_faults + s->anon_faults)
		return -EINVAL;
	if (s->evictions != s->evictions_clean + s->evictions_dirty)
		return -EINVAL;
	return 0;
}

bool vm_stat_is_peak(const struct vm_stat_info *i)
{
	return is_peak(i);
}
