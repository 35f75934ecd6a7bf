/* SPDX-License-Identifier: Apache-2.0 */
/* prefetcher.c - from the detector's page numbers to plans, and the accounts of what was prefetched. */
#include "core/prefetcher.h"
#include "core/core_internal.h"
#include "core/mmu.h"
#include "core/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_SHARE 4u /* of the frames that one plan may ask for */
#define NS_PER_US 1000u

int prefetcher_create(struct vmm *v, const char *spec)
{
	struct prefetch_config c;
	const char *bad;
	int err;

	if (!spec_wanted(spec))
		return 0;
	err = prefetch_parse(spec, &c, &bad);
	if (err)
		return err;
	v->prefetcher = calloc(1, sizeof(*v->prefetcher));
	if (!v->prefetcher)
		return -ENOMEM;
	prefetch_init(&v->prefetcher->detector, &c);
	v->prefetcher->pages_max = v->frames.capacity / FRAMES_SHARE;
	v->prefetcher->ready_ns = calloc(v->frames.capacity, sizeof(*v->prefetcher->ready_ns));
	if (v->flags & VMM_FLAG_MAP_AHEAD) {
		v->prefetcher->windows = calloc(WINDOWS, sizeof(*v->prefetcher->windows));
		if (!v->prefetcher->windows)
			return -ENOMEM;
	}
	return v->prefetcher->ready_ns ? 0 : -ENOMEM;
}

void prefetcher_destroy(struct vmm *v)
{
	if (!v->prefetcher)
		return;
	prefetch_destroy(&v->prefetcher->detector);
	free(v->prefetcher->windows);
	free(v->prefetcher->ready_ns);
	free(v->prefetcher);
	v->prefetcher = NULL;
}

/* The pages that the plan asks for become a window, in place of the oldest. */
static void window_open(struct vmm *v, struct plan *plan)
{
	struct prefetcher *p = v->prefetcher;
	uint32_t number = p->window_last % WINDOWS + 1;
	struct window *w = &p->windows[number - 1];

	for (uint32_t i = 0; i < w->n; i++)
		if (v->pages[w->page[i]].prefetched == number)
			v->pages[w->page[i]].prefetched = WINDOW_NONE;
	w->n = plan->n_prefetch;
	memcpy(w->page, p->pages, w->n * sizeof(*w->page));
	p->window_last = number;
	plan->n_map_ahead = w->n - 1;
}

void prefetcher_event(struct vmm *v, struct plan *plan, uint32_t hits)
{
	struct prefetcher *p = v->prefetcher;
	uint32_t space = v->open_space, n;
	uint64_t vpns[PREFETCH_MAX];

	if (!hits && !plan->needs_frame)
		return;
	n = prefetch_event(&p->detector, space, v->open_vpn, hits, vpns);
	for (uint32_t i = 0; i < n && plan->n_prefetch < p->pages_max; i++) {
		uint32_t id = core_find(v, space, vpns[i]);

		if (id != VMM_NONE && v->pages[id].state == PAGE_STORED && !v->pages[id].order)
			p->pages[plan->n_prefetch++] = id;
	}
	plan->prefetch = p->pages;
	if (p->windows && plan->n_prefetch)
		window_open(v, plan);
}

void prefetcher_fill(struct vmm *v, struct plan *plan)
{
	uint32_t page = plan->page;
	struct page *p = &v->pages[page];
	uint32_t f = frame_for(v, p);

	if (f == VMM_NONE)
		return;
	frame_settle(&v->frames, f, page);
	p->prefetched = v->prefetcher->windows ? (uint8_t)v->prefetcher->window_last : 1;
	if (plan->map) {
		page_enter(v, p, f, VMM_NONE);
	} else {
		p->frame = f;
		p->state = PAGE_IDLE;
	}
	v->stats.prefetch_issued++;
	if (p->sharing & PAGE_FILE)
		v->stats.file_reads++;
	else
		v->stats.store_reads++;
	v->prefetcher->ready_ns[f] = core_clock_ns(v) + (uint64_t)v->timing.swap_us * NS_PER_US;
	mmu_sync(v, page);
	v->ops->insert(v->policy, f, page);
	if (plan->map && v->use_window)
		window_enter(v, f, plan);
	peaks_note(v);
}

static void used(struct vmm *v, struct page *p)
{
	uint64_t now = core_clock_ns(v), ready = v->prefetcher->ready_ns[p->frame];
	uint64_t wait = ready > now ? ready - now : 0;

	p->prefetched = 0;
	v->stats.prefetch_used++;
	v->stats.prefetch_late += wait != 0;
	v->stats.prefetch_wait_ns += wait;
	v->stats.prefetch_saved_ns +=
		((uint64_t)v->timing.fault_us + v->timing.swap_us) * NS_PER_US - wait;
}

uint32_t prefetcher_used(struct vmm *v, uint32_t page)
{
	uint32_t number = v->pages[page].prefetched, hits = 1;
	const struct window *w;

	used(v, &v->pages[page]);
	if (!v->prefetcher->windows)
		return hits;
	w = number == WINDOW_NONE ? NULL : &v->prefetcher->windows[number - 1];
	if (!w || w->page[w->n - 1] != page)
		return 0;
	for (uint32_t i = 0; i < w->n - 1; i++)
		if (v->pages[w->page[i]].prefetched == number) {
			used(v, &v->pages[w->page[i]]);
			hits++;
		}
	return hits;
}

void prefetcher_wasted(struct vmm *v, uint32_t page)
{
	v->pages[page].prefetched = 0;
	v->stats.prefetch_wasted++;
}

int prefetcher_check(const struct vmm *v)
{
	const struct vm_stats *s = &v->stats;
	uint64_t waiting = 0;

	for (uint32_t id = 0; id < v->page_count; id++)
		waiting += v->pages[id].prefetched != 0;
	return s->prefetch_issued == s->prefetch_used + s->prefetch_wasted + waiting ? 0 : -EINVAL;
}
