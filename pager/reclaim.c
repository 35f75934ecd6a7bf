/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reclaim.c - executes the idle and evict lists of a plan.
 *
 * How a page leaves its place, tried in this order:
 *   moved     UFFDIO_MOVE to staging of the same protection: atomic, no write can be lost, refused for pages pinned for DMA
 *   populated the same after MADV_POPULATE_WRITE, for a page that fork shared (EBUSY): the program's copy becomes its own
 *   copied    read through /proc/PID/mem, then MADV_DONTNEED: only where the mapping cannot be written (H8). Its protection
 *             cannot change meanwhile: mprotect is a trapped call, and it is not being served now.
 * A page that none of these moves is pinned: the core is told and chooses another.
 *
 * Invariants: a page's content exists in exactly one authoritative place: its mapping, its idle copy, or its slot. The idle
 * copy or slot is written before the frame is reported free.
 */
#include "pager/pager.h"
#include "pager/uffd.h"
#include "pager/compat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xxhash.h>

static const uint8_t zeros[VMM_PAGE] __attribute__((aligned(VMM_PAGE)));

#define CACHE_LINE 64
#define COPY_SOON_BYTES 256 /* the processor sees the rest coming by itself */

struct victim {
	uint64_t addr;
	uint32_t page;
	bool idle;  /* keep a copy: it becomes IDLE; else it is evicted */
	int status; /* 0 its content is at `data` */
	const uint8_t *data;
};

struct batch {
	struct victim v[VMM_RUN_MAX];
	uint32_t n;
	uint8_t copied[VMM_PAGE]; /* of a page that could not be moved */
};

void page_sum(struct live *l, const void *data)
{
	l->sum = XXH3_64bits(data, VMM_PAGE);
}

void page_verify(struct space *s, uint32_t page, const void *data)
{
	if (!s->pager->config->checksum)
		return;
	s->pager->result->checksums++;
	if (XXH3_64bits(data, VMM_PAGE) != space_live(s, page)->sum)
		fatal(s->pager, "store: page %#lx came back with other content than was written",
		      (unsigned long)core_page(s->core, page)->vpn * VMM_PAGE);
}

const void *page_copy(struct space *s, uint32_t page)
{
	static uint8_t buf[VMM_PAGE] __attribute__((aligned(VMM_PAGE)));
	struct live *l = space_live(s, page);
	const void *data = s->pager->store_ops->map
				   ? s->pager->store_ops->map(s->pager->store, l->slot)
				   : NULL;

	if (!data) {
		int rc = s->pager->store_ops->read(s->pager->store, l->slot, buf);

		if (rc)
			fatal(s->pager, "store: a page cannot be read back: %s", strerror(-rc));
		data = buf;
	}
	page_verify(s, page, data);
	return data;
}

void page_copy_soon(struct space *s, uint32_t page)
{
	struct live *l = space_live(s, page);
	const char *data;

	if (l->slot == NO_SLOT || !s->pager->store_ops->map)
		return;
	data = s->pager->store_ops->map(s->pager->store, l->slot);
	for (uint32_t i = 0; data && i < COPY_SOON_BYTES; i += CACHE_LINE)
		__builtin_prefetch(data + i);
}

void store_must(struct pager *p, int rc)
{
	if (rc)
		p->store_ops->stats(p->store, &p->result->store);
	if (rc == -ENOSPC && p->result->store.last_error)
		fatal(p, "store: %s, and the memory of --store-limit is full as well",
		      strerror(p->result->store.last_error));
	if (rc == -ENOSPC)
		fatal(p,
		      "store: the limit of --store-limit is reached; the program was stopped before the machine ran out of memory");
	if (rc)
		fatal(p, "store: a page cannot be written: %s", strerror(-rc));
}

/* Puts the content of an evicted page away. Returns what core_evicted wants to hear. */
static int put_away(struct space *s, uint32_t page, const void *data)
{
	struct live *l = space_live(s, page);
	struct pager *p = s->pager;
	const struct page *pg = core_page(s->core, page);
	bool dirty;

	if (s->track_dirty && frame_dirty(core_frames(s->core), pg->frame))
		dirty = true;
	else if (l->slot == NO_SLOT)
		dirty = memcmp(data, zeros, VMM_PAGE) != 0;
	else
		dirty = !p->store_ops->same(p->store, l->slot, data);
	if (!dirty)
		return 0;
	store_must(p, p->store_ops->write(p->store, &l->slot, data));
	if (p->config->checksum)
		page_sum(l, data);
	return 1;
}

static int by_addr(const void *a, const void *b)
{
	const struct victim *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static int dontneed(struct space *s, uint64_t addr)
{
	uint64_t arg[6] = { addr, VMM_PAGE, MADV_DONTNEED };
	int64_t res;
	int rc = agent_syscall(s, SYS_madvise, arg, &res);

	return rc ? rc : (int)res;
}

/* Staging area whose protection is that of the region. */
static uint32_t area_of(const struct region *g)
{
	if (!g || (g->prot & (PROT_READ | PROT_WRITE)) != (PROT_READ | PROT_WRITE))
		return FILL_NO_AREA;
	return g->prot & PROT_EXEC ? 1 : 0;
}

/* The agent's move of all victims of the batch. `fill` as in reclaim(). */
static int move_out(struct space *s, struct batch *b, uint64_t fill_addr, const void *fill, bool wp,
		    bool *filled)
{
	struct vmm_ring *r = s->agent.ring;
	uint32_t i;
	int rc;

	if (!s->agent.ready)
		return -ESRCH;
	for (i = 0; i < b->n; i++)
		page_copy_soon(s, b->v[i].page); /* to be compared with */
	r->count = b->n;
	for (i = 0; i < b->n; i++) {
		struct region *g = regions_find(&s->regions, b->v[i].addr);

		r->addr[i] = b->v[i].addr;
		r->flags[i] = g && (g->prot & PROT_EXEC) ? EVICT_EXEC : 0;
		r->status[i] = -ECANCELED;
	}
	r->fill_addr = fill_addr;
	r->fill_wp = wp;
	r->fill_area = area_of(regions_find(&s->regions, fill_addr));
	if (fill_addr)
		memcpy(r->fill, fill, VMM_PAGE);
	rc = agent_run(s, RING_EVICT);
	if (rc)
		return rc;
	for (i = 0; i < b->n; i++) {
		b->v[i].status = r->status[i];
		b->v[i].data = r->page[i];
	}
	*filled = fill_addr && r->fill_status == 0;
	return 0;
}

/* A page that stayed: shared by fork, or its mapping cannot be written. Its content ends in b->copied. */
static int take_single(struct space *s, struct batch *b, struct victim *v)
{
	struct region *g = regions_find(&s->regions, v->addr);
	struct vmm_ring *r = s->agent.ring;
	int rc;

	if (!g)
		return -ENOENT;
	if (!(g->prot & PROT_WRITE)) {
		if (s->mem_fd < 0 ||
		    pread(s->mem_fd, b->copied, VMM_PAGE, (off_t)v->addr) != VMM_PAGE)
			return -EIO;
		return dontneed(s, v->addr);
	}
	if (s->track_dirty && uffd_protect(s->uffd, v->addr, VMM_PAGE, false) < 0)
		return -EAGAIN; /* a protected page would block the agent */
	r->count = 1;
	r->addr[0] = v->addr;
	r->flags[0] = EVICT_POPULATE | (g->prot & PROT_EXEC ? EVICT_EXEC : 0);
	r->fill_addr = 0;
	rc = agent_run(s, RING_EVICT);
	if (rc)
		return rc;
	if (r->status[0] == 0)
		memcpy(b->copied, r->page[0], VMM_PAGE);
	return r->status[0];
}

static void report(struct space *s, struct victim *v, const uint8_t *data, int status)
{
	if (status == 0) {
		record_leave(s, v->addr);
		if (v->idle)
			idle_keep(s, v->page, data);
		else
			core_evicted(s->core, v->page, put_away(s, v->page, data));
		return;
	}
	if (v->idle)
		core_idle_failed(s->core, v->page);
	else
		core_evict_failed(s->core, v->page);
}

static int run_batch(struct space *s, struct batch *b, uint64_t fill_addr, const void *fill,
		     bool wp, bool *filled)
{
	uint32_t i;
	int rc;

	if (b->n > 1)
		qsort(b->v, b->n, sizeof(*b->v), by_addr);
	rc = move_out(s, b, fill_addr, fill, wp, filled);
	for (i = 0; i < b->n; i++)
		if (rc) /* the agent is gone: nothing moved that the program could still see */
			report(s, &b->v[i], NULL, rc);
		else if (b->v[i].status == 0)
			report(s, &b->v[i], b->v[i].data, 0);
	for (i = 0; !rc && i < b->n; i++) {
		struct victim *v = &b->v[i];
		int status = v->status;

		if (status == 0)
			continue;
		if (status == -EBUSY || status == -EINVAL || status == -EAGAIN)
			status = take_single(s, b, v);
		if (status == -EAGAIN)
			faults_read(s);
		report(s, v, b->copied, status);
	}
	b->n = 0;
	return rc;
}

/* What the page is filled from has a price (a read from the store): it is not to be fetched in vain. */
bool reclaim_can_fill(struct space *s, const struct plan *plan)
{
	uint32_t i, n = 0;

	for (i = 0; i < plan->n_evict; i++)
		n += space_live(s, plan->evict[i])->buf == NO_SLOT;
	return n && n + plan->n_idle <= VMM_RUN_MAX;
}

int reclaim(struct space *s, struct plan *plan, uint64_t fill_addr, const void *fill, bool fill_wp,
	    bool *filled)
{
	static struct batch batches[4]; /* one a depth of nested loops */
	struct batch *b = &batches[s->pager->depth < 4 ? s->pager->depth : 3];
	uint32_t i, n_idle = plan->n_idle, n_evict = plan->n_evict;
	int rc = 0;

	*filled = false;
	b->n = 0;
	write_behind(s);
	for (i = 0; i < n_evict; i++)
		__builtin_prefetch(space_live(s, plan->evict[i]));
	for (i = 0; i < n_evict; i++)
		if (space_live(s, plan->evict[i])->buf != NO_SLOT) /* needs no agent */
			core_evicted(s->core, plan->evict[i], idle_evict(s, plan->evict[i]));
		else
			b->v[b->n++] =
				(struct victim){ core_page(s->core, plan->evict[i])->vpn * VMM_PAGE,
						 plan->evict[i], false, 0, NULL };
	if (b->n + n_idle > VMM_RUN_MAX || !b->n)
		fill_addr = 0;
	for (i = 0; i < n_idle && !rc; i++) {
		if (b->n == VMM_RUN_MAX)
			rc = run_batch(s, b, 0, NULL, false, filled);
		if (rc)
			break;
		b->v[b->n++] = (struct victim){ core_page(s->core, plan->idle[i])->vpn * VMM_PAGE,
						plan->idle[i], true, 0, NULL };
	}
	if (b->n && !rc)
		rc = run_batch(s, b, fill_addr, fill, fill_wp, filled);
	for (; rc && i < n_idle; i++)
		core_idle_failed(s->core, plan->idle[i]);
	plan->n_idle = plan->n_evict = 0;
	return rc;
}
