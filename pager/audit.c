/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c - --audit: the kernel's own count of present pages in managed ranges, against the limit.
 *
 * Made at every batch boundary (each plan that evicted), and after every fault with --exact. Counted are present pages without the
 * zero page, plus the copies of idle pages; staging is empty between commands. Before the limit is called broken the ranges are
 * counted again: another thread of the program may have been between two pages.
 */
#include "pager/pager.h"

static int add(void *arg, uint64_t start, uint64_t end)
{
	*(uint64_t *)arg += (end - start) / VMM_PAGE;
	return 0;
}

static uint64_t frames_in_use(struct space *s)
{
	struct region part;
	uint64_t n = s->idle_bufs;
	uint32_t i = 0;

	while (regions_next(&s->regions, 0, UINT64_MAX, &i, &part))
		present_each(s, part.start, part.end, add, &n);
	return n;
}

void audit(struct space *s)
{
	struct run_result *r = s->pager->result;
	uint64_t evictions = core_stats(s->core)->evictions, n;

	if (!s->pager->config->exact && evictions == s->audited_evictions)
		return;
	s->audited_evictions = evictions;
	n = frames_in_use(s);
	r->audits++;
	if (n > r->audit_peak_frames)
		r->audit_peak_frames = n;
	if (n > s->pager->frames) {
		r->audit_violations++;
		if (r->audit_violations == 1)
			msg(s->pager, "audit: process %d uses %lu frames, %u are allowed",
			    s->stats_pid, (unsigned long)n, s->pager->frames);
	}
}
