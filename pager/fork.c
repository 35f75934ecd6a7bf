/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork.c - forks of a paged process.
 *
 *   NONE --trapped, continued (fork_begin)--> forking --event (space_forked)--> NONE
 *                                             forking --the thread shows up elsewhere (fork_settled)--> NONE
 *
 * While `forking` the space's other calls are deferred. Faults go on: UFFDIO_COPY and UFFDIO_MOVE fail with EAGAIN from the moment
 * the kernel copies the page tables until the event is read, so the books at the event are those of the copy, in the middle of a plan too.
 *
 * The child's space gets a copy of the parent's books: resident pages stay mapped in both (the kernel shares them until one writes),
 * stored pages share their slots, idle pages become stored in the child.
 */
#include "pager/pager.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>

#define FORK_LOOK_NS 10000000ull /* a fork without event is looked at after this */

/* An unidentified child of this parent must become known before the next one: look through /proc for it. */
static void identify_child(struct space *parent)
{
	struct pager *p = parent->pager;
	struct space *s;
	struct process *pr, *next;

	for (s = p->spaces; s; s = s->next) {
		pid_t child, known = s->parent;
		char path[64];
		FILE *f;

		if (!known || s->dead)
			continue;
		HASH_ITER(hh, p->processes, pr, next)
		{
			if (pr->space != parent || pr->pid != known)
				continue;
			snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pr->pid, pr->pid);
			f = fopen(path, "re");
			while (f && fscanf(f, "%d", &child) == 1) {
				struct process *c;

				HASH_FIND_INT(p->processes, &child, c);
				if (!c)
					process_get(p, child);
			}
			if (f)
				fclose(f);
		}
	}
}

void fork_begin(struct space *s, const struct seccomp_notif *n, uint64_t ctid)
{
	identify_child(s);
	s->forking = (pid_t)n->pid;
	s->forking_since_ns = now_ns();
	s->forking_ctid = ctid;
}

bool fork_settled(struct space *s, bool poll_now)
{
	char path[64];
	long nr = -1;
	FILE *f;

	if (!s->forking)
		return true;
	if (!poll_now || now_ns() - s->forking_since_ns < FORK_LOOK_NS)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/syscall", s->forking);
	f = fopen(path, "re");
	if (!f) {
		s->forking = 0; /* the thread is gone */
		return true;
	}
	if (fscanf(f, "%ld", &nr) == 1 && nr >= 0 && nr != SYS_fork && nr != SYS_clone &&
	    nr != SYS_clone3)
		s->forking = 0; /* it waits in another call: no fork happened */
	fclose(f);
	return !s->forking;
}

struct heir {
	struct space *parent, *child;
};

static int inherit(void *arg, uint32_t id, const struct page *page)
{
	struct heir *h = arg;
	struct space *p = h->parent, *c = h->child;
	struct pager *pg = p->pager;
	struct live *from = space_live(p, id), *to;
	struct region *g = regions_find(&c->regions, page->vpn * VMM_PAGE);
	bool out = from->buf != NO_SLOT, differs = out && !idle_is_stored(from);
	uint32_t nid;

	if (!g || (g->flags & REGION_WIPEONFORK))
		return 0;
	/* A plan may be under way: what it has not taken out yet is still mapped, whatever the page's next state will be. */
	if (!out && page->frame != VMM_NONE && page->state != PAGE_FILLING) {
		uint8_t flags = from->slot != NO_SLOT ? PAGE_HAS_COPY : 0;

		if (core_adopt(c->core, 0, page->vpn, flags, FRAME_REF | FRAME_DIRTY, &nid) < 0)
			return 0; /* cannot be: both pools have the same size */
	} else if (differs || from->slot != NO_SLOT) {
		if (core_add_stored(c->core, 0, page->vpn, &nid) < 0)
			fatal(pg, "out of memory for a forked address space");
	} else {
		return 0;
	}
	to = space_live(c, nid);
	from = space_live(p, id);
	if (differs) {
		const void *data = idle_content(p, id);

		store_must(pg, pg->store_ops->write(pg->store, &to->slot, data));
		if (pg->config->checksum)
			page_sum(to, data);
	} else if (from->slot != NO_SLOT) {
		pg->store_ops->ref(pg->store, from->slot);
		to->slot = from->slot;
		to->sum = from->sum;
	}
	return 0;
}

void space_forked(struct space *parent, int uffd)
{
	struct pager *p = parent->pager;
	struct space *s = space_new(p);
	struct heir h = { parent, s };
	struct region part;
	uint32_t i = 0;

	fcntl(uffd, F_SETFL, fcntl(uffd, F_GETFL) | O_NONBLOCK);
	fcntl(uffd, F_SETFD, FD_CLOEXEC);
	s->uffd = uffd;
	s->was_forked = true;
	s->family = parent->family;
	s->zapped = parent->zapped;
	s->brk_start = parent->brk_start;
	s->brk_end = parent->brk_end;
	s->parent = parent->forking ? thread_group(parent->forking) : parent->agent.pid;
	if (regions_copy(&s->regions, &parent->regions) < 0)
		fatal(p, "out of memory for a forked address space");
	while (regions_next(&parent->regions, 0, UINT64_MAX, &i, &part))
		if (part.flags & REGION_DONTFORK)
			regions_remove(&s->regions, part.start, part.end);
	core_each(parent->core, inherit, &h);
	if (parent->forking_ctid)
		pin_address(s, parent->forking_ctid, 0);
	parent->forking = 0;
	loop_watch(p, s->uffd, watch_key(WATCH_UFFD, s->id));
}
