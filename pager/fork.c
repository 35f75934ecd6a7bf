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
 *
 * Without CAP_SYS_PTRACE there are no events (space.fork_events). The child's memory is then not registered, and what is not present
 * in the parent reads as zero there. So before the call goes on, every page with content is made resident, beside the books and over the
 * limit; until the call is known to be over nothing of the space is served or evicted; then what is present is taken into the
 * books again, down to the limit. The child has all of its memory, and is paged from its own hello on like a first process.
 * Known to be over: the thread faults, traps or waits in another call, or has a new child. A fault of the call itself, before the
 * copy, cannot be: what clone3 reads is made resident as well.
 */
#include "pager/pager.h"
#include "pager/uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Children of a thread in the order of their birth; returns how many. *list is the caller's to free. */
static uint32_t children_of(pid_t tid, pid_t **list)
{
	uint32_t n = 0, cap = 0;
	char path[64];
	pid_t child;
	FILE *f;

	*list = NULL;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", tid, tid);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &child) == 1) {
		if (n == cap) {
			pid_t *v = realloc(*list, (cap = cap ? cap * 2 : 16) * sizeof(*v));

			if (!v)
				break;
			*list = v;
		}
		(*list)[n++] = child;
	}
	if (f)
		fclose(f);
	return n;
}

/* The newest child was not there when the call began. */
static bool has_new_child(const struct space *s)
{
	pid_t *now, newest = 0;
	uint32_t i, n = children_of(s->forking, &now);

	if (n)
		newest = now[n - 1];
	free(now);
	for (i = 0; i < s->forking_kids_len; i++)
		if (s->forking_kids[i] == newest)
			return false;
	return newest;
}

struct absent {
	uint64_t *vpn;
	size_t n, cap;
};

static int collect_absent(void *arg, uint32_t id, const struct page *page)
{
	struct absent *a = arg;

	(void)id;
	if (page->state == PAGE_MAPPED || page->state == PAGE_ABSENT)
		return 0;
	if (a->n == a->cap) {
		size_t cap = a->cap ? a->cap * 2 : 1024;
		uint64_t *v = realloc(a->vpn, cap * sizeof(*v));

		if (!v)
			return 1;
		a->vpn = v;
		a->cap = cap;
	}
	a->vpn[a->n++] = page->vpn;
	return 0;
}

/* Makes one page present whose content is known here, and forgets it: it is beside the books. */
static void put_back(struct space *s, uint64_t vpn)
{
	static const uint8_t zeros[VMM_PAGE];
	uint32_t id = core_find(s->core, 0, vpn);
	const struct live *l = id == VMM_NONE ? NULL : space_live(s, id);
	const void *data = zeros;
	int rc;

	if (l && l->buf != NO_SLOT)
		data = idle_content(s, id);
	else if (l && l->slot != NO_SLOT)
		data = page_copy(s, id);
	while ((rc = uffd_copy(s->uffd, vpn * VMM_PAGE, data, VMM_PAGE, false, true)) == -EAGAIN)
		faults_read(s);
	if (rc && rc != -EEXIST && rc != -ENOENT && rc != -ESRCH)
		fatal(s->pager, "page %#lx cannot be filled for a fork: %s",
		      (unsigned long)(vpn * VMM_PAGE), strerror(-rc));
	if (l)
		core_unmap(s->core, 0, vpn, 1, REMOVE_UNMAP, space_gone, s);
}

/* What the call itself reads before it copies. */
static void put_back_arguments(struct space *s, const struct seccomp_notif *n)
{
	uint64_t a = page_down(n->data.args[0]), end = n->data.args[0] + n->data.args[1];

	if (n->data.nr != SYS_clone3 || n->data.args[1] > VMM_PAGE)
		return;
	for (; a < end; a += VMM_PAGE)
		if (regions_find(&s->regions, a) && core_find(s->core, 0, a / VMM_PAGE) == VMM_NONE)
			put_back(s, a / VMM_PAGE);
}

/* How many pages there were to load. */
static size_t load_absent(struct space *s)
{
	struct absent a = { 0 };
	size_t i;

	if (core_each(s->core, collect_absent, &a))
		fatal(s->pager, "out of memory for a process that is to be resident as a whole");
	for (i = 0; i < a.n; i++)
		put_back(s, a.vpn[i]);
	free(a.vpn);
	return a.n;
}

uint64_t space_whole(struct space *s)
{
	size_t n = load_absent(s);

	space_unmanage(s, 0, UINT64_MAX & ~(uint64_t)(VMM_PAGE - 1));
	s->brk_start = s->brk_end = 0;
	s->whole = true;
	return n;
}

static void make_resident(struct space *s, const struct seccomp_notif *n)
{
	struct pager *p = s->pager;

	if (load_absent(s) && !p->told_fork) {
		msg(p,
		    "process %d forks: without CAP_SYS_PTRACE (see vmm doctor) it is resident as a "
		    "whole for the duration of the call, over the limit",
		    s->stats_pid);
		p->told_fork = true;
	}
	put_back_arguments(s, n);
	free(s->forking_kids);
	s->forking_kids_len = children_of((pid_t)n->pid, &s->forking_kids);
}

void fork_begin(struct space *s, const struct seccomp_notif *n, uint64_t ctid)
{
	if (s->uffd < 0) /* not paged */
		return;
	if (s->fork_events)
		identify_child(s);
	else
		make_resident(s, n);
	s->fork_again = false;
	s->forking = (pid_t)n->pid;
	s->forking_since_ns = now_ns();
	s->forking_ctid = ctid;
}

void fork_over(struct space *s)
{
	s->forking = 0;
	s->fork_again = false;
	free(s->forking_kids);
	s->forking_kids = NULL;
	s->forking_kids_len = 0;
	if (!s->fork_events)
		space_adopt(s);
}

/*
 * It is back from a fork that did not happen (H2), or whose end nobody told. Making everything resident takes long enough for a
 * signal to come each time: the fork that its handler returns to must find it so.
 */
void fork_back(struct space *s, const struct seccomp_notif *n)
{
	bool again = n->data.nr == SYS_fork || n->data.nr == SYS_clone || n->data.nr == SYS_clone3;

	if (!s->fork_events && again) {
		s->forking = 0;
		s->fork_again = true;
	} else {
		fork_over(s);
	}
}

/* Is the forking thread in another call, or gone? */
static bool elsewhere(pid_t tid)
{
	char path[64];
	long nr = -1;
	FILE *f;
	bool known;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT || errno == ESRCH;
	known = fscanf(f, "%ld", &nr) == 1 && nr >= 0;
	fclose(f);
	return known && nr != SYS_fork && nr != SYS_clone && nr != SYS_clone3;
}

bool fork_settled(struct space *s, bool poll_now)
{
	bool over;

	if (!s->forking)
		return true;
	if (!s->fork_events)
		over = has_new_child(s) || elsewhere(s->forking);
	else
		over = poll_now && now_ns() - s->forking_since_ns >= FORK_LOOK_NS &&
		       elsewhere(s->forking);
	if (over)
		fork_over(s);
	return over;
}

bool fork_holds(struct space *s)
{
	uint32_t i;

	if (!s->forking || s->fork_events)
		return false;
	for (i = 0; i < s->queue_len; i++)
		if ((pid_t)s->queue[i].tid == s->forking) {
			fork_over(s);
			return false;
		}
	return !fork_settled(s, true);
}

void fork_child_met(struct pager *p)
{
	struct space *s;

	for (s = p->spaces; s; s = s->next)
		if (s->forking && !s->fork_events && fork_settled(s, true))
			return; /* the list may have changed */
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
	s->was_forked = s->fork_events = true;
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
	record_fork(parent, s, parent->forking);
	parent->forking = 0;
	loop_watch(p, s->uffd, watch_key(WATCH_UFFD, s->id));
}
