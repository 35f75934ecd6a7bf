/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle.c - the content of IDLE pages: out of the program's mapping to clear the reference bit, but still in a frame.
 *
 * live.buf of a page says where its content is:
 *   NO_SLOT     in the mapping, or, when the page has no frame, in its slot
 *   IDLE_SAME   out, and equal to the slot (without a slot: zeros): no copy is kept
 *   else        out, a page of pager.pages that differs from the slot, or may: a store whose reads cost something is asked only
 *               when the page is evicted
 * So what the store would have to be told is known when the page becomes idle, while its content is in the cache, and the eviction
 * of an idle page copies nothing.
 */
#include "pager/pager.h"

#include <errno.h>
#include <string.h>

#define IDLE_SAME (NO_SLOT - 1)

static const uint8_t zeros[VMM_PAGE] __attribute__((aligned(VMM_PAGE)));

/* Is it what the store has, where that can be read in place? Elsewhere a copy is kept: a soft fault must not cost a read. */
static bool is_at_hand(const struct space *s, const struct live *l, const void *data)
{
	const struct pager *p = s->pager;

	if (l->slot == NO_SLOT)
		return memcmp(data, zeros, VMM_PAGE) == 0;
	return p->store_ops->map && p->store_ops->same(p->store, l->slot, data);
}

/* What the store has of a page. */
static const void *stored(struct space *s, uint32_t page)
{
	return space_live(s, page)->slot == NO_SLOT ? zeros : page_copy(s, page);
}

void idle_keep(struct space *s, uint32_t page, const void *data)
{
	struct live *l = space_live(s, page);
	struct pager *p = s->pager;

	s->idle_pages++;
	if (is_at_hand(s, l, data)) {
		l->buf = IDLE_SAME;
		return;
	}
	l->buf = slab_alloc(&p->pages);
	if (l->buf == NO_SLOT)
		fatal(p, "out of memory for idle pages");
	memcpy(slab_page(&p->pages, l->buf), data, VMM_PAGE);
}

void idle_fetch(struct space *s, uint32_t page)
{
	space_live(s, page)->buf = IDLE_SAME;
	s->idle_pages++;
}

const void *idle_content(struct space *s, uint32_t page)
{
	struct live *l = space_live(s, page);

	return l->buf == IDLE_SAME ? stored(s, page) : slab_page(&s->pager->pages, l->buf);
}

void idle_stored(struct space *s, struct live *l)
{
	if (l->buf == NO_SLOT || l->buf == IDLE_SAME || !s->pager->store_ops->map)
		return;
	slab_unref(&s->pager->pages, l->buf);
	l->buf = IDLE_SAME;
}

bool idle_is_stored(const struct live *l)
{
	return l->buf == IDLE_SAME;
}

void idle_forget(struct space *s, struct live *l)
{
	if (l->buf == NO_SLOT)
		return;
	if (l->buf != IDLE_SAME)
		slab_unref(&s->pager->pages, l->buf);
	l->buf = NO_SLOT;
	s->idle_pages--;
}

int idle_evict(struct space *s, uint32_t page)
{
	struct live *l = space_live(s, page);
	struct pager *p = s->pager;
	bool same = l->buf == IDLE_SAME;
	bool written = s->track_dirty &&
		       frame_dirty(core_frames(s->core), core_page(s->core, page)->frame);
	int rc;

	if (same && !(written && l->slot == NO_SLOT)) {
		idle_forget(s, l);
		return written;
	}
	if (!same && !written && !p->store_ops->map && l->slot != NO_SLOT &&
	    p->store_ops->same(p->store, l->slot, slab_page(&p->pages, l->buf))) {
		idle_forget(s, l);
		return 0;
	}
	if (p->config->checksum)
		page_sum(l, idle_content(s, page));
	if (!same && p->store_ops->take) {
		rc = p->store_ops->take(p->store, &l->slot, l->buf);
		if (!rc)
			l->buf = IDLE_SAME; /* no longer ours */
	} else {
		rc = p->store_ops->write(p->store, &l->slot, idle_content(s, page));
	}
	store_must(p, rc);
	idle_forget(s, l);
	return 1;
}
