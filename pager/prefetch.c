/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefetch.c - executes what the core asks for after a fault (plan.prefetch), before the faulting thread goes on.
 *
 * Pages that are to be mapped are filled straight from the store, all that lie together in the address space and in the store's
 * memory with one UFFDIO_COPY, into frames that are free already; then the core is told, page by page. Between the two no event is
 * read: a fork that comes in between makes the copy fail (EAGAIN), or finds the books as the kernel copied them. Unmapped ones
 * (the trigger of a window; all with --exact) need no copy at all: they are idle, and their content is that of the slot.
 *
 * A prefetch may always be given up, so nothing here waits or ends the run.
 */
#include "core/prefetch.h"
#include "pager/pager.h"
#include "pager/uffd.h"

#include <errno.h>
#include <string.h>

/* The stored content of a page that may be filled without its plan, or NULL. */
static const uint8_t *stored(struct space *s, uint32_t page)
{
	const struct page *p = core_page(s->core, page);

	if (p->state != PAGE_STORED || !regions_find(&s->regions, p->vpn * VMM_PAGE))
		return NULL;
	return page_copy(s, page);
}

/* How many of the pages follow the first one, whose content is at `data`, in both orders. */
static uint32_t run_length(struct space *s, const uint32_t *page, uint32_t n, const uint8_t *data)
{
	uint64_t vpn = core_page(s->core, page[0])->vpn;
	uint32_t i;

	if (!s->pager->store_ops->map) /* the content is in a buffer for one page */
		return 1;
	for (i = 1; i < n; i++)
		if (core_page(s->core, page[i])->vpn != vpn + i ||
		    stored(s, page[i]) != data + (size_t)i * VMM_PAGE)
			break;
	return i;
}

/* The page's plan, for which a frame is free. */
static bool enter(struct space *s, uint32_t page, bool map)
{
	struct plan plan;
	bool unused;

	if (core_prefetch(s->core, page, map, &plan))
		return false;
	if (!map)
		idle_fetch(s, page);
	core_fill(s->core, &plan);
	if (plan.n_idle)
		reclaim(s, &plan, 0, NULL, false, &unused);
	return true;
}

/* Maps some of the n pages, at least one; 0: give up. One at a time where entering a page may take others out (class T). */
static uint32_t map_ahead(struct space *s, const uint32_t *page, uint32_t n)
{
	const uint8_t *data = stored(s, page[0]);
	uint64_t addr = core_page(s->core, page[0])->vpn * VMM_PAGE;
	uint32_t i, run;

	if (!data)
		return 1; /* not this one */
	run = s->pager->class == POLICY_T ? 1 : run_length(s, page, n, data);
	run = uffd_copy_run(s->uffd, addr, data, run, s->track_dirty);
	if (!run) /* perhaps two mappings */
		run = uffd_copy_run(s->uffd, addr, data, 1, s->track_dirty);
	for (i = 0; i < run; i++)
		if (!enter(s, page[i], true))
			fatal(s->pager, "page %#lx cannot be entered after it was prefetched",
			      (unsigned long)(addr + (uint64_t)i * VMM_PAGE));
	return run;
}

void prefetch(struct space *s, const struct plan *fault)
{
	uint32_t page[PREFETCH_MAX], n = fault->n_prefetch, ahead = fault->n_map_ahead, i, done;

	memcpy(page, fault->prefetch, n * sizeof(*page));
	for (i = 0; i < n; i++)
		__builtin_prefetch(space_live(s, page[i]));
	for (i = 0; i < n; i++)
		page_copy_soon(s, page[i]);
	for (i = 0; i < n; i += done) {
		uint32_t room;

		if (!core_frames_free(s->core) && plan_room(s) < 0) {
			s->stalled_ns = 0; /* of a fault only */
			return;
		}
		room = core_frames_free(s->core);
		if (!room)
			return;
		if (i < ahead)
			done = map_ahead(s, page + i, ahead - i < room ? ahead - i : room);
		else
			done = enter(s, page[i], false) ? 1 : n;
		if (!done)
			return;
	}
}
