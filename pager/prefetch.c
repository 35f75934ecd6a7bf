/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefetch.c - executes what the core asks for after a fault (plan.prefetch), before the faulting thread goes on.
 *
 * Pages that are to be mapped are filled straight from the store, all that lie together in the address space and in memory with one
 * UFFDIO_COPY, into frames that are free already; then the core is told, page by page. Between the two no event is read: a fork
 * that comes in between makes the copy fail (EAGAIN), or finds the books as the kernel copied them. Unmapped ones (the trigger of a
 * window; all with --exact) are idle. A store that cannot be read in place is asked for all pages at once.
 *
 * A prefetch may always be given up, so nothing here waits for room, or ends the run for want of it.
 */
#include "core/prefetch.h"
#include "pager/pager.h"
#include "pager/uffd.h"

#include <errno.h>
#include <string.h>

/* The pages of a plan, and where their content is; NULL: not to be fetched. */
struct fetch {
	uint32_t page[PREFETCH_MAX], n;
	const uint8_t *data[PREFETCH_MAX];
};

static bool wanted(struct space *s, uint32_t page)
{
	const struct page *p = core_page(s->core, page);

	return p->state == PAGE_STORED && space_live(s, page)->slot != NO_SLOT &&
	       regions_find(&s->regions, p->vpn * VMM_PAGE);
}

static void read_in_place(struct space *s, struct fetch *f)
{
	uint32_t i;

	for (i = 0; i < f->n; i++)
		__builtin_prefetch(space_live(s, f->page[i]));
	for (i = 0; i < f->n; i++)
		page_copy_soon(s, f->page[i]);
	for (i = 0; i < f->n; i++)
		f->data[i] = wanted(s, f->page[i]) ? page_copy(s, f->page[i]) : NULL;
}

static int read_all(struct space *s, struct fetch *f)
{
	static uint8_t buffer[PREFETCH_MAX][VMM_PAGE] __attribute__((aligned(VMM_PAGE)));
	struct pager *p = s->pager;
	uint32_t slot[PREFETCH_MAX] = { 0 }, i, n = 0;
	void *to[PREFETCH_MAX] = { 0 };
	int rc;

	for (i = 0; i < f->n; i++) {
		f->data[i] = wanted(s, f->page[i]) ? buffer[i] : NULL;
		if (!f->data[i])
			continue;
		slot[n] = space_live(s, f->page[i])->slot;
		to[n++] = buffer[i];
	}
	if (!n)
		return 0;
	rc = store_read_many(p->store_ops, p->store, n, slot, to);
	for (i = 0; !rc && i < f->n; i++)
		if (f->data[i])
			page_verify(s, f->page[i], f->data[i]);
	return rc;
}

/* How many pages from `first` on lie together in the address space and in memory. */
static uint32_t run_length(struct space *s, const struct fetch *f, uint32_t first, uint32_t end)
{
	uint64_t vpn = core_page(s->core, f->page[first])->vpn;
	uint32_t i;

	for (i = 1; first + i < end; i++)
		if (core_page(s->core, f->page[first + i])->vpn != vpn + i ||
		    f->data[first + i] != f->data[first] + (size_t)i * VMM_PAGE)
			break;
	return i;
}

/* The page's plan, for which a frame is free. */
static bool enter(struct space *s, uint32_t page, const uint8_t *data, bool map)
{
	struct plan plan;
	bool unused;

	if (core_prefetch(s->core, page, map, &plan))
		return false;
	if (!map && s->pager->store_ops->map)
		idle_fetch(s, page);
	else if (!map)
		idle_keep(s, page, data);
	core_fill(s->core, &plan);
	if (plan.n_idle)
		reclaim(s, &plan, 0, NULL, false, &unused);
	return true;
}

/* Maps page `first` and some of those up to `end`; how many, 0: give up. One at a time where entering a page may take others out
 * (class T). */
static uint32_t map_ahead(struct space *s, const struct fetch *f, uint32_t first, uint32_t end)
{
	uint64_t addr = core_page(s->core, f->page[first])->vpn * VMM_PAGE;
	uint32_t i, run = s->pager->class == POLICY_T ? 1 : run_length(s, f, first, end);

	run = uffd_copy_run(s->uffd, addr, f->data[first], run, s->track_dirty);
	if (!run) /* perhaps two mappings */
		run = uffd_copy_run(s->uffd, addr, f->data[first], 1, s->track_dirty);
	for (i = 0; i < run; i++)
		if (!enter(s, f->page[first + i], f->data[first + i], true))
			fatal(s->pager, "page %#lx cannot be entered after it was prefetched",
			      (unsigned long)(addr + (uint64_t)i * VMM_PAGE));
	return run;
}

void prefetch(struct space *s, const struct plan *fault)
{
	struct fetch f = { .n = fault->n_prefetch };
	uint32_t ahead = fault->n_map_ahead, i, done;

	memcpy(f.page, fault->prefetch, f.n * sizeof(*f.page));
	if (s->pager->store_ops->map)
		read_in_place(s, &f);
	else if (read_all(s, &f))
		return; /* the fault that needs such a page will say so */
	for (i = 0; i < f.n; i += done) {
		uint32_t room;

		done = 1;
		if (!f.data[i])
			continue;
		if (!core_frames_free(s->core) && plan_room(s) < 0)
			s->stalled_ns = 0; /* of a fault only */
		room = core_frames_free(s->core);
		if (!room)
			return;
		if (i < ahead)
			done = map_ahead(s, &f, i, ahead - i < room ? ahead : i + room);
		else if (!enter(s, f.page[i], f.data[i], false))
			return;
		if (!done)
			return;
	}
}
