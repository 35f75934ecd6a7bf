/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.c - the pager process: one epoll set, one thread. See pager.h for what runs inside what.
 *
 * The guardian ends this process when no process of the run is left. If the guardian itself is gone first, the pager kills what it
 * knows of the run, and ends.
 */
#include "pager/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "pager/compat.h"
#include "pager/monitor.h"
#include "pager/uffd.h"

#define DEPTH_MAX 3u
#define EVENTS_MAX 16
#define EARLY_MISSES 4 /* looks in vain before the pager yields first */
#define EARLY_PROBE 32 /* yields between two looks */
#define HOT_ROUNDS 64  /* faults of one space before everything else is looked at */
#define BATCH_MAX 64u

int loop_watch(struct pager *p, int fd, uint64_t key)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = key };

	return epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

void loop_forget(struct pager *p, int fd)
{
	epoll_ctl(p->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void guardian_gone(struct pager *p) __attribute__((noreturn));
static void guardian_gone(struct pager *p)
{
	struct process *pr, *next;

	HASH_ITER(hh, p->processes, pr, next)
	kill(pr->pid, SIGKILL);
	_exit(1);
}

static void control(struct pager *p)
{
	char c;
	ssize_t n = read(p->control, &c, 1);

	if (n <= 0)
		guardian_gone(p);
	if (c == 'f') {
		spaces_reap(p);
		snapshot(p);
		if (write(p->control, "d", 1) != 1)
			guardian_gone(p);
	}
}

static void event(struct pager *p, uint64_t key)
{
	uint32_t id = (uint32_t)key;
	struct process *pr;
	struct space *s;
	pid_t pid = (pid_t)id;

	switch (key >> 32) {
	case WATCH_UFFD:
		s = space_by_id(p, id);
		if (!s || s->agent.busy || s->serving)
			break; /* a fork event in the middle of a command: nobody could say which pages had left before it */
		faults_read(s);
		faults_serve(s);
		break;
	case WATCH_LISTENER:
		supervise(p);
		break;
	case WATCH_PID:
		HASH_FIND_INT(p->processes, &pid, pr);
		if (pr && !(pr->space && (pr->space->agent.busy || pr->space->serving)))
			process_died(p, pr);
		break;
	case WATCH_CONTROL:
		control(p);
		break;
	case WATCH_MONITOR:
		monitor_accept(p);
		break;
	case WATCH_CLIENT:
		monitor_request(p, (int)id);
		break;
	case WATCH_GUARDIAN:
		guardian_gone(p);
	}
}

/* What a finished fork or a free agent has left waiting. True when something still waits for time to pass. */
static bool leftovers(struct pager *p)
{
	struct space *s, *next;
	bool waiting = false;

	for (s = p->spaces; s; s = next) {
		next = s->next;
		if (s->forking) {
			if (fork_settled(s, true))
				return true; /* pages may have been evicted: as below */
			waiting = true;
		}
		if (s->deferred_len) {
			supervise_deferred(s);
			return true; /* the list of spaces may have changed */
		}
		if (s->queue_len && !s->serving) {
			uint32_t next_id = next ? next->id : 0;

			faults_serve(s);
			if (next && !space_by_id(p, next_id))
				return true; /* ended while an agent was waited for */
		}
		if (s->queue_len)
			waiting = true;
		if (s->uffd < 0 || s->members == 0)
			waiting = true;
	}
	return waiting;
}

/*
 * The next message of a space whose fault was served just now, without sleeping; on one CPU. The program runs until its next fault blocks
 * it: either at once, when the scheduler prefers the woken thread (then the message is there when the waking ioctl returns), or when
 * the pager yields. What worked last is tried first; a look costs a system call. Nothing there means that the program does something else.
 */
static bool next_fault(struct pager *p, struct space *s)
{
	if (p->early || ++p->yields % EARLY_PROBE == 0) {
		faults_read_hot(s);
		if (s->queue_len) {
			p->early = EARLY_MISSES;
			return true;
		}
		p->early -= p->early != 0;
	}
	sched_yield();
	faults_read_hot(s);
	return s->queue_len != 0;
}

static void serve_hot(struct pager *p)
{
	uint32_t rounds;

	for (rounds = 0; rounds < HOT_ROUNDS && p->hot && placement_together(p); rounds++) {
		struct space *s = p->hot;

		p->hot = NULL;
		if (!s->queue_len && !next_fault(p, s))
			return;
		faults_serve(s); /* makes it hot again */
	}
}

void loop_once(struct pager *p, int timeout_ms)
{
	struct epoll_event e[EVENTS_MAX];
	int i, n;

	if (p->depth >= DEPTH_MAX)
		return;
	p->depth++;
	n = epoll_wait(p->epoll, e, p->depth > 1 ? 1 : EVENTS_MAX, timeout_ms);
	for (i = 0; i < n; i++)
		event(p, e[i].data.u64);
	p->depth--;
}

/* Does one mremap move two mappings? Tried on two pages of our own. */
static bool moves_many(void)
{
	char *from = mmap(NULL, 4 * VMM_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool yes = false;

	if (from == MAP_FAILED)
		return false;
	if (mprotect(from, VMM_PAGE, PROT_READ | PROT_WRITE) == 0)
		yes = mremap(from, 2 * VMM_PAGE, 2 * VMM_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			     from + 2 * VMM_PAGE) != MAP_FAILED;
	munmap(from, 4 * VMM_PAGE);
	return yes;
}

static int setup(struct pager *p, int control_fd, int listener)
{
	int guardian = (int)syscall(SYS_pidfd_open, getppid(), 0);
	uint64_t flags = SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP;
	struct rlimit lim;

	prctl(PR_SET_NAME, "vmm-pager");
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	p->control = control_fd;
	p->listener = listener;
	p->device = uffd_open_device();
	p->mremap_many = moves_many();
	unmanaged_start(p);
	if (getrandom(&p->cookie, sizeof(p->cookie), 0) != sizeof(p->cookie))
		return -EIO;
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
	      flags); /* optional: kernels before 6.7 lack it */
	if (guardian < 0)
		return -errno;
	if (p->monitor >= 0 && loop_watch(p, p->monitor, watch_key(WATCH_MONITOR, 0)) < 0)
		p->monitor = -1;
	return loop_watch(p, guardian, watch_key(WATCH_GUARDIAN, 0)) ||
	       loop_watch(p, control_fd, watch_key(WATCH_CONTROL, 0)) ||
	       loop_watch(p, listener, watch_key(WATCH_LISTENER, 0));
}

/* Everything that follows from the configuration, also reported. */
static int plan_run(struct pager *p, const struct run_config *c)
{
	uint64_t values[POLICY_PARAMS_MAX], ram, limit;
	const struct policy_ops *ops;
	const char *bad;
	struct sysinfo si;

	sysinfo(&si);
	ram = (uint64_t)si.totalram * si.mem_unit;
	limit = c->store_limit_bytes ? c->store_limit_bytes
				     : ((uint64_t)si.freeram + si.bufferram) * si.mem_unit / 2;
	p->frames = c->frames ? (uint32_t)c->frames : (uint32_t)(ram / VMM_PAGE);
	p->batch = c->exact ? 1 : p->frames / 256;
	p->batch = p->batch < 1 ? 1 : p->batch > BATCH_MAX ? BATCH_MAX : p->batch;
	if (policy_parse(c->policy, &ops, values, &bad) < 0)
		return -EINVAL;
	p->class = ops->class;
	p->prefetches = c->prefetch && strcmp(c->prefetch, "off");
	p->needs_dirty = ops->flags & POLICY_NEEDS_DIRTY;
	if (p->class == POLICY_T && (c->frames || c->record)) {
		p->window = c->window || !c->frames ? c->window
			    : p->frames / 8 > 64    ? p->frames / 8
						    : 64;
		if (p->window > p->frames / 2)
			p->window = p->frames / 2;
	}
	p->result->frames = p->frames;
	p->result->batch = p->batch;
	p->result->window = p->window;
	p->result->seed = c->seed;
	return store_open(c->store,
			  &(struct store_setup){ .pages = &p->pages,
						 .limit_bytes = limit,
						 .latency_ns = c->latency_us * 1000 },
			  &p->store_ops, &p->store);
}

/* How long nothing but an event is waited for. */
static int sleep_ms(const struct pager *p)
{
	int ms = sampler_wait_ms(&p->unmanaged, now_ns(), 100);

	return p->config->audit ? audit_wait_ms(p, ms) : ms;
}

int pager_main(const struct run_config *config, struct run_result *result,
	       struct record_ring *record, int control_fd, int listener, int monitor, pid_t first)
{
	static struct pager p;
	int rc;

	p.config = config;
	p.result = result;
	p.record = record;
	p.first = first;
	p.monitor = monitor;
	p.start_ns = now_ns();
	rc = plan_run(&p, config);
	if (!rc)
		rc = setup(&p, control_fd, listener);
	if (!rc)
		rc = placement_init(&p);
	if (rc)
		fatal(&p, "the pager cannot be set up: %s", strerror(-rc));
	if (write(control_fd, "r", 1) != 1) /* ready: the program may start */
		return 1;
	for (;;) {
		bool waiting = leftovers(&p) | agents_alone(&p);

		serve_hot(&p);
		loop_once(&p, waiting ? 2 : p.hot ? 0 : sleep_ms(&p));
		placement_tick(&p);
		unmanaged_tick(&p);
		if (config->audit)
			audit_tick(&p);
		if (waiting)
			spaces_reap(&p);
	}
}
