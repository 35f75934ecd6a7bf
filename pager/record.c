/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.c - the pager's side of a recording (record.h): turns what happens into records and puts them into the ring.
 *
 * Each function is called at the place in the pager where its event happens, and returns at once when nothing is recorded.
 *
 * Whose record it is: space.trace_pid, the pid of the space's first process. A forked space has none when it is made, because the
 * kernel tells of the fork before the child has a pid; the child exists a moment later, and record_fork waits for it. Where that
 * fails, the first fault tells.
 */
#include "pager/record.h"
#include "pager/pager.h"
#include "pager/proc.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TIME_NS 10000000
#define CHILD_LOOKS 400 /* for the child of a fork */
#define CHILD_LOOK_NS 50000
#define FULL_NS 500000 /* between two looks at a full ring */

static bool recording(const struct pager *p)
{
	return p->record && __atomic_load_n(&p->record->state, __ATOMIC_RELAXED) == RECORD_OPEN;
}

/* The ring is full. False: nobody will ever empty it, or the end of the program must not wait for who reads the file. */
static bool wait_for_room(struct pager *p)
{
	struct record_ring *r = p->record;
	struct timespec pause = { .tv_nsec = FULL_NS };
	int writer = (int)syscall(SYS_pidfd_open, r->writer, 0);
	struct pollfd fds[2] = { { .fd = writer, .events = POLLIN },
				 { .fd = p->control, .events = POLLIN } };
	uint64_t start = now_ns();
	bool room = false;

	while (writer >= 0 && !room && recording(p) && poll(fds, 2, 0) == 0) {
		nanosleep(&pause, NULL);
		room = r->head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) < RECORD_RING;
	}
	if (writer >= 0)
		close(writer);
	r->waited_ns += now_ns() - start;
	if (!room)
		__atomic_store_n(&r->state, RECORD_FAILED, __ATOMIC_RELEASE);
	return room;
}

static void put(struct pager *p, struct trace_record rec)
{
	struct record_ring *r = p->record;

	if (r->head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) >= RECORD_RING &&
	    !wait_for_room(p))
		return;
	r->records[r->head % RECORD_RING] = rec;
	__atomic_store_n(&r->head, r->head + 1, __ATOMIC_RELEASE);
}

/* --- whose it is ------------------------------------------------------------------------------------------------- */

static struct space *space_called(struct pager *p, pid_t pid)
{
	struct space *s;

	for (s = p->spaces; s && s->trace_pid != pid; s = s->next)
		;
	return s;
}

static void name(struct space *s, pid_t pid)
{
	struct pager *p = s->pager;
	struct space *old = space_called(p, pid);

	if (old) { /* its first process has a new image, others of its processes live on */
		put(p, (struct trace_record){ .kind = TRACE_EXIT, .pid = (uint32_t)pid });
		old->trace_pid = 0;
	}
	s->trace_pid = pid;
	s->trace_tid = 0;
	if (s->trace_parent && space_called(p, s->trace_parent)) /* else it has ended */
		put(p, (struct trace_record){ .kind = TRACE_FORK,
					      .pid = (uint32_t)s->trace_parent,
					      .value = (uint32_t)pid });
	s->trace_parent = 0;
}

/* False: nobody knows. `tid`: a thread in it, or 0. */
static bool named(struct space *s, pid_t tid)
{
	pid_t pid;

	if (s->trace_pid)
		return true;
	pid = tid ? thread_group(tid) : s->stats_pid;
	if (pid <= 0)
		return false;
	name(s, pid);
	return true;
}

/* --- references -------------------------------------------------------------------------------------------------- */

static void reference(struct space *s, uint64_t addr, bool write)
{
	put(s->pager, (struct trace_record){ .kind = write ? TRACE_WRITE : TRACE_READ,
					     .pid = (uint32_t)s->trace_pid,
					     .vpn = addr / VMM_PAGE });
}

static void enter(struct space *s, uint64_t addr, bool write)
{
	struct record_ring *r = s->pager->record;

	if (s->pager->inside > r->inside_max)
		r->inside_max = s->pager->inside;
	reference(s, addr, write);
}

static void time_note(struct space *s, uint64_t ns)
{
	struct pager *p = s->pager;

	if (!p->record_start_ns)
		p->record_start_ns = ns;
	if ((int64_t)(ns - p->record_time_ns) < TIME_NS) /* a fault that waited may be older */
		return;
	p->record_time_ns = ns;
	put(p, (struct trace_record){ .kind = TRACE_TIME,
				      .pid = (uint32_t)s->trace_pid,
				      .value = ns - p->record_start_ns });
}

static void fault_note(struct space *s, const struct fault *f, bool enters)
{
	struct pager *p = s->pager;

	if (!named(s, (pid_t)f->tid)) {
		p->record->unnamed++;
		return;
	}
	time_note(s, f->read_ns);
	if (f->tid && f->tid != s->trace_tid) {
		s->trace_tid = f->tid;
		put(p, (struct trace_record){ .kind = TRACE_THREAD,
					      .pid = (uint32_t)s->trace_pid,
					      .value = f->tid });
	}
	if (enters)
		enter(s, f->addr, f->write);
	else
		reference(s, f->addr, true);
}

void record_fault(struct space *s, const struct fault *f, const struct plan *plan)
{
	bool enters = plan->kind != FAULT_WRITE && plan->kind != FAULT_SPURIOUS;

	if (!s->pager->record || (plan->kind == FAULT_SPURIOUS && !f->wp))
		return;
	if (recording(s->pager))
		fault_note(s, f, enters);
	s->pager->inside += enters;
}

void record_present(struct space *s, uint64_t addr)
{
	if (recording(s->pager) && named(s, 0))
		enter(s, addr, true);
	s->pager->inside++;
}

void record_leave(struct space *s, uint64_t addr)
{
	struct pager *p = s->pager;

	if (!p->record)
		return;
	p->inside--;
	if (recording(p) && p->window && s->trace_pid)
		put(p, (struct trace_record){ .kind = TRACE_LEAVE,
					      .pid = (uint32_t)s->trace_pid,
					      .vpn = addr / VMM_PAGE });
}

void record_gone(struct space *s, const struct page *page)
{
	s->pager->inside -= page->state == PAGE_MAPPED;
}

/* --- ranges and spaces ------------------------------------------------------------------------------------------- */

void record_range(struct space *s, enum trace_kind kind, uint64_t start, uint64_t end)
{
	if (start < end && recording(s->pager) && named(s, 0))
		put(s->pager, (struct trace_record){ .kind = (uint8_t)kind,
						     .pid = (uint32_t)s->trace_pid,
						     .vpn = start / VMM_PAGE,
						     .value = (end - start) / VMM_PAGE });
}

void record_moved(struct space *s, uint64_t start, uint64_t end)
{
	uint64_t a;
	uint32_t id;

	if (!recording(s->pager) || !s->trace_pid)
		return;
	for (a = start; a < end; a += VMM_PAGE) {
		id = core_find(s->core, 0, a / VMM_PAGE);
		if (id != VMM_NONE && core_page(s->core, id)->state == PAGE_MAPPED)
			reference(s, a, true); /* it was inside already */
	}
}

void record_exit(struct space *s)
{
	if (recording(s->pager) && s->trace_pid)
		put(s->pager,
		    (struct trace_record){ .kind = TRACE_EXIT, .pid = (uint32_t)s->trace_pid });
}

/* The newest child of a thread, if nobody has met it yet; else 0. */
static pid_t newest_of(struct pager *p, pid_t pid, pid_t tid)
{
	struct process *known;
	pid_t child, newest = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, tid);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &child) == 1)
		newest = child;
	if (f)
		fclose(f);
	HASH_FIND_INT(p->processes, &newest, known);
	return !newest || known || space_called(p, newest) ? 0 : newest;
}

/* The child that the thread has just made. A parent that ended at once has left it to the guardian. */
static pid_t newborn(struct pager *p, pid_t parent, pid_t tid)
{
	char state = proc_state(parent, tid, NULL);

	if (state && state != 'Z' && state != 'X')
		return newest_of(p, parent, tid);
	return newest_of(p, getppid(), getppid());
}

static int inherited(void *arg, uint32_t id, const struct page *page)
{
	struct space *s = arg;

	(void)id;
	if (page->state != PAGE_MAPPED)
		return 0;
	if (s->trace_pid)
		enter(s, page->vpn * VMM_PAGE, false);
	s->pager->inside++;
	return 0;
}

void record_fork(struct space *parent, struct space *child, pid_t tid)
{
	struct timespec pause = { .tv_nsec = CHILD_LOOK_NS };
	struct pager *p = parent->pager;
	pid_t pid = 0;

	if (!p->record)
		return;
	child->trace_parent = parent->trace_pid;
	for (int i = 0; i < CHILD_LOOKS && !pid && parent->trace_pid && recording(p); i++) {
		if (i)
			nanosleep(&pause, NULL);
		pid = newborn(p, child->parent, tid ? tid : parent->agent.pid);
	}
	if (pid) /* else with CLONE_PARENT, or dead already */
		name(child, pid);
	core_each(child->core, inherited, child);
}
