/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - from a message of the userfaultfd to a resolved fault.
 *
 *   faults_read    takes every waiting message: a fork event is handled at once, faults are queued
 *   faults_serve   core_fault -> reclaim (idle and evict lists) -> fill -> core_fill, for each queued fault
 *
 * A message is only a hint: the page's state is looked up when it is served (H6). A fault on a page that the core calls mapped is
 * answered with a wake; when the same page comes back again and again, the kernel's view is consulted, and a page that vanished
 * without our doing ends the run rather than read as zeros.
 */
#include "pager/pager.h"
#include "pager/compat.h"
#include "pager/uffd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define MESSAGES_MAX 32u
#define MANY_READS 64 /* messages of one thread in a row before it counts as alone */
#define STALL_NS 5000000000ull
#define SPURIOUS_MAX 8 /* wakes of one page in a row before the kernel is asked */

static const uint8_t zeros[VMM_PAGE] __attribute__((aligned(VMM_PAGE)));

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void push(struct space *s, struct fault f)
{
	if (s->queue_len == s->queue_cap) {
		uint32_t cap = s->queue_cap ? s->queue_cap * 2 : 32;
		struct fault *q = realloc(s->queue, cap * sizeof(*q));

		if (!q)
			fatal(s->pager, "out of memory for waiting faults");
		s->queue = q;
		s->queue_cap = cap;
	}
	s->queue[s->queue_len++] = f;
}

static void take_message(struct space *s, const struct uffd_msg *m)
{
	uint64_t flags = m->arg.pagefault.flags;
	struct fault f = { .addr = page_down(m->arg.pagefault.address),
			   .tid = m->arg.pagefault.feat.ptid,
			   .write = flags & (UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_WP),
			   .wp = flags & UFFD_PAGEFAULT_FLAG_WP };

	if (m->event == UFFD_EVENT_FORK)
		space_forked(s, (int)m->arg.fork.ufd);
	if (m->event != UFFD_EVENT_PAGEFAULT)
		return;
	f.read_ns = now_ns();
	push(s, f);
	if (f.tid != s->last_tid)
		s->many = MANY_READS;
	else if (s->many)
		s->many--;
	s->last_tid = f.tid;
}

/* At most `room` messages with one read. True: there may be more. */
static bool read_some(struct space *s, uint32_t room)
{
	struct uffd_msg m[MESSAGES_MAX];
	ssize_t n = read(s->uffd, m, room * sizeof(*m));
	uint32_t i, count = n > 0 ? (uint32_t)(n / (ssize_t)sizeof(*m)) : 0;

	for (i = 0; i < count; i++)
		take_message(s, &m[i]);
	return count == room;
}

void faults_read(struct space *s)
{
	while (read_some(s, MESSAGES_MAX))
		;
}

/* While one thread faults there is one message: asking the kernel for more would make it look twice. */
void faults_read_hot(struct space *s)
{
	if (s->many)
		faults_read(s);
	else
		read_some(s, 1);
}

/* One of the two ways to resolve a fault, repeated while the mm is changing: events are read, or it never stops changing. */
static int retry(struct space *s,
		 int (*fn)(struct space *, uint64_t addr, const void *data, bool wp), uint64_t addr,
		 const void *data, bool wp)
{
	struct timespec pause = { .tv_nsec = 20000 };
	int rc, tries;

	for (tries = 0; (rc = fn(s, addr, data, wp)) == -EAGAIN; tries++) {
		faults_read(s);
		if (tries > 20)
			nanosleep(&pause, NULL);
	}
	return rc;
}

static int copy_once(struct space *s, uint64_t addr, const void *data, bool wp)
{
	return uffd_copy(s->uffd, addr, data, VMM_PAGE, wp, true);
}

/* Who waits for the page is woken later: complete(). */
static int copy_quietly(struct space *s, uint64_t addr, const void *data, bool wp)
{
	return uffd_copy(s->uffd, addr, data, VMM_PAGE, wp, false);
}

static int lift_once(struct space *s, uint64_t addr, const void *data, bool wp)
{
	(void)data;
	return uffd_protect(s->uffd, addr, VMM_PAGE, wp);
}

/* 0, -ESRCH, -ENOENT, -EEXIST (its waiters were woken). */
static int fill(struct space *s, uint64_t addr, const void *data, bool wp)
{
	return retry(s, copy_once, addr, data, wp);
}

static int lift_protection(struct space *s, uint64_t addr)
{
	return retry(s, lift_once, addr, NULL, false);
}

/* What a plan's page is filled from. */
static const void *source(struct space *s, const struct plan *plan)
{
	switch (plan->kind) {
	case FAULT_SOFT:
		return idle_content(s, plan->page);
	case FAULT_MAJOR:
		return page_copy(s, plan->page);
	default:
		return zeros;
	}
}

/*
 * Every frame is pinned, for a transfer or for a thread. Transfers end: the fault waits its turn again, and only when nothing has moved
 * for STALL_NS is the memory too small.
 */
static int no_room(struct space *s, struct plan *plan)
{
	while (plan->n_idle)
		core_idle_failed(s->core, plan->idle[--plan->n_idle]);
	if (!s->stalled_ns)
		s->stalled_ns = now_ns();
	if (now_ns() - s->stalled_ns > STALL_NS)
		fatal(s->pager,
		      "%u frames are too few: all are pinned for transfers or held by threads",
		      s->pager->frames);
	return -EBUSY;
}

/* Is the first write to the page to be seen? A recording wants that of each time that it is mapped. */
static bool protects(const struct space *s, const struct plan *plan)
{
	return s->track_dirty && (!plan->writable || (s->pager->record && !plan->write));
}

/*
 * Before the program goes on, what leaves the window for this page must be gone, or it would be touched unseen; and what is read ahead
 * must be there, or it would be faulted on.
 */
static bool wakes_last(const struct space *s)
{
	return s->pager->window || s->pager->prefetches;
}

/* Makes the plan true, up to and without the fill. *filled: the agent filled as well. -EBUSY: later. */
static int make_room(struct space *s, struct plan *plan, uint64_t addr, bool *filled)
{
	bool combine = plan->needs_frame && addr && s->agent.ready && !wakes_last(s) &&
		       reclaim_can_fill(s, plan);
	int rc;

	*filled = false;
	if (plan->n_idle || plan->n_evict) {
		rc = reclaim(s, plan, combine ? addr : 0, combine ? source(s, plan) : NULL,
			     protects(s, plan), filled);
		if (rc)
			return rc;
	}
	while (plan->needs_frame && !*filled && core_frames_free(s->core) == 0) {
		bool unused;

		if (core_room(s->core, plan) < 0)
			return no_room(s, plan);
		rc = reclaim(s, plan, 0, NULL, false, &unused);
		if (rc)
			return rc;
	}
	s->stalled_ns = 0;
	return 0;
}

int plan_room(struct space *s)
{
	struct plan plan;
	bool filled;

	if (core_frames_free(s->core))
		return 0;
	if (core_room_begin(s->core, &plan) < 0)
		return no_room(s, &plan);
	return make_room(s, &plan, 0, &filled);
}

static int found(void *arg, uint64_t start, uint64_t end)
{
	(void)start;
	(void)end;
	*(bool *)arg = true;
	return 1;
}

/* The kernel's word on one page, for the message of a run that must end; 0 also when it cannot be read. */
static uint64_t pagemap_entry(struct space *s, uint64_t addr)
{
	uint64_t entry = 0;

	if (pread(s->pagemap_fd, &entry, sizeof(entry), (off_t)(addr / VMM_PAGE * sizeof(entry))) !=
	    sizeof(entry))
		return 0;
	return entry;
}

/* The core says mapped. Usually a second message for a page that was filled meanwhile. */
static int spurious(struct space *s, const struct fault *f, uint32_t page)
{
	bool present = false;

	if (f->wp) /* our own protection that the core does not know of (fork, mremap) */
		return lift_protection(s, f->addr);
	if (s->spurious_page != page) {
		s->spurious_page = page;
		s->spurious_count = 0;
	}
	if (++s->spurious_count >= SPURIOUS_MAX) {
		present_each(s, f->addr, f->addr + VMM_PAGE, found, &present);
		if (!present && s->zapped)
			return fill(s, f->addr, zeros, false);
		if (!present)
			fatal(s->pager,
			      "page %#lx vanished from the program without a call that vmm saw (pagemap %#lx, tid %u)",
			      (unsigned long)f->addr, (unsigned long)pagemap_entry(s, f->addr),
			      f->tid);
		s->spurious_count = 0;
	}
	return uffd_wake(s->uffd, f->addr, VMM_PAGE);
}

/*
 * The fill itself and its report to the core; the fault is over afterwards. Its thread may have to be woken last: wakes_last().
 */
static int complete(struct space *s, struct plan *plan, const struct fault *f, bool filled)
{
	bool unused;
	int rc = 0;

	if (plan->kind == FAULT_WRITE)
		rc = lift_protection(s, f->addr);
	else if (plan->kind == FAULT_SPURIOUS)
		rc = spurious(s, f, plan->page);
	else if (!filled)
		rc = retry(s, wakes_last(s) ? copy_quietly : copy_once, f->addr, source(s, plan),
			   protects(s, plan));
	if (rc == -ESRCH || rc == -ENOENT) /* the process or the range is going away */
		rc = 0;
	if (rc == -EEXIST &&
	    plan->kind ==
		    FAULT_ZERO) /* the kernel put something there first: never ours, so right */
		rc = 0;
	if (rc)
		fatal(s->pager, "page %#lx cannot be filled: %s", (unsigned long)f->addr,
		      strerror(-rc));
	if (plan->kind == FAULT_SOFT)
		idle_forget(s, space_live(s, plan->page));
	record_fault(s, f, plan);
	core_fill(s->core, plan);
	rc = plan->n_idle ? reclaim(s, plan, 0, NULL, false, &unused) : 0;
	if (plan->n_prefetch && !rc)
		prefetch(s, plan);
	if (wakes_last(s))
		uffd_wake(s->uffd, f->addr, VMM_PAGE);
	return rc;
}

/*
 * A space without an agent that is full: nobody can evict, so the page is mapped beside the core's books, which forget it. The
 * next agent adopts such pages. Returns false when the core can serve the fault after all.
 */
static bool serve_outside(struct space *s, const struct fault *f, int *rc)
{
	uint64_t vpn = f->addr / VMM_PAGE;
	uint32_t id = core_find(s->core, 0, vpn);
	const void *data = zeros;

	if (id != VMM_NONE && core_page(s->core, id)->frame != VMM_NONE)
		return false;
	if (id != VMM_NONE && space_live(s, id)->slot != NO_SLOT)
		data = page_copy(s, id);
	*rc = fill(s, f->addr, data, false);
	if (*rc == 0)
		core_unmap(s->core, 0, vpn, 1, REMOVE_UNMAP, space_gone, s);
	return true;
}

/* What the fault will need is far from the processor: all of it is asked for at once. */
static void expect(struct space *s, uint64_t addr)
{
	uint32_t id = core_find(s->core, 0, addr / VMM_PAGE);

	if (id == VMM_NONE)
		return;
	__builtin_prefetch(core_page(s->core, id));
	__builtin_prefetch(space_live(s, id));
}

static int serve(struct space *s, const struct fault *f)
{
	struct plan plan;
	bool filled = false;
	int rc;

	if (!s->agent.ready && !core_frames_free(s->core) && serve_outside(s, f, &rc))
		return rc;
	expect(s, f->addr);
	if (core_fault(s->core, 0, f->addr / VMM_PAGE, f->write, f->tid, &plan) < 0)
		return no_room(s, &plan);
	if (plan.kind == FAULT_MAJOR)
		page_copy_soon(s, plan.page);
	rc = make_room(s, &plan, f->addr, &filled);
	if (rc == -EBUSY)
		return rc;
	if (rc == -ESRCH && plan.needs_frame && !core_frames_free(s->core)) {
		if (uffd_mm_alive(s->uffd) && !serve_outside(s, f, &rc))
			fatal(s->pager, "the agent of a running process is gone");
		return 0;
	}
	return complete(s, &plan, f, filled);
}

static void account(struct space *s, const struct fault *f, struct region *g)
{
	struct run_result *r = s->pager->result;
	uint64_t ns = now_ns() - f->read_ns;
	struct thread *t;
	pid_t tid = (pid_t)f->tid;

	g->faults++;
	HASH_FIND_INT(s->pager->threads, &tid, t);
	if (t)
		t->faults++;
	r->latency_count++;
	r->latency_sum_ns += ns;
	if (ns > r->latency_max_ns)
		r->latency_max_ns = ns;
	hist_add(r->latency_hist, ns);
}

void faults_serve(struct space *s)
{
	uint32_t i, later = 0;

	if (s->serving || s->agent.busy || s->dead || (s->forking && fork_holds(s)))
		return;
	s->serving = true;
	for (i = 0; i < s->queue_len; i++) {
		struct fault f = s->queue[i];
		struct region *g = regions_find(&s->regions, f.addr);

		if (!g)
			g = space_grown(s, f.addr, (pid_t)f.tid);
		if (!g) { /* unmapped since: the thread tries again and gets what is there now */
			uffd_wake(s->uffd, f.addr, VMM_PAGE);
			continue;
		}
		placement_fault(s->pager, (pid_t)f.tid);
		if (serve(s, &f) == -EBUSY) {
			s->queue[later++] = f;
			continue;
		}
		g = regions_find(&s->regions, f.addr);
		if (g)
			account(s, &f, g);
		if (s->pager->config->audit && s->agent.ready)
			audit(s);
	}
	s->queue_len = later;
	s->pager->hot = s;
	s->serving = false;
}

/* The page may leave with the next fault. The core knows no faults without a thread, so one is made up and gone at once. */
int fault_resident(struct space *s, uint64_t addr, bool write)
{
	struct fault f = { .addr = page_down(addr), .read_ns = now_ns(), .write = write };
	int rc;

	if (!regions_find(&s->regions, addr))
		return -ENOENT;
	rc = serve(s, &f);
	core_thread_exit(s->core, f.tid);
	return rc;
}
