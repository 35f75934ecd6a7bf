/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifecycle.c - processes and threads: which one belongs to which space, pages pinned for thread exit.
 *
 * A process is met at its first trapped call. Its space is found by the mm itself, never by guessing: a space with a ring is
 * recognised by the cookie in it (fork leaves the ring out, exec drops it); one without by kcmp with a known member; a fork child
 * by its parent, of which at most one child is unidentified at a time (fork_begin sees to that).
 */
#include "pager/pager.h"
#include "pager/proc.h"
#include "pager/uffd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXIT_LOOK_NS 20000000ull   /* after a trapped exit: is the agent alone? */
#define PIN_GRACE_NS 1000000000ull /* a new thread has written its tid by then */

/* Value of "Key:" in /proc/PID/status, or -1. */
static long status_field(pid_t pid, const char *key, int base)
{
	char path[64], line[256];
	size_t n = strlen(key);
	long v = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, n) && line[n] == ':') {
			v = (long)strtoul(line + n + 1, NULL, base);
			break;
		}
	fclose(f);
	return v;
}

/* One more thread is about to start. With fewer frames than this the threads may take each other's pages for ever (H12). */
void threads_check(struct pager *p, const struct process *pr)
{
	struct space *s = pr->space;
	uint32_t enough = (p->frames - RUN_FRAMES_BASE) / RUN_FRAMES_THREAD;
	long n;

	if (s->told_threads || ++s->clones < enough)
		return;
	n = status_field(pr->pid, "Threads", 10) + 1 - s->agent.ready;
	if (n <= (long)enough)
		return;
	s->told_threads = true;
	msg(p,
	    "process %d (%s) has %ld threads and %u frames: with fewer than %ld it may make no progress",
	    pr->pid, pr->comm, n, p->frames, RUN_FRAMES_BASE + n * RUN_FRAMES_THREAD);
}

pid_t thread_group(pid_t tid)
{
	return (pid_t)status_field(tid, "Tgid", 10);
}

bool process_may_lock(pid_t pid)
{
	long caps = status_field(pid, "CapEff", 16);

	return caps > 0 && (caps >> 14 & 1);
}

static void read_comm(struct process *pr)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pr->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, pr->comm, sizeof(pr->comm) - 1);
	close(fd);
	pr->comm[n > 0 ? n - 1 : 0] = 0;
}

void process_join(struct process *pr, struct space *s)
{
	pr->space = s;
	s->members++;
	s->parent = 0;
	if (!s->stats_pid)
		s->stats_pid = pr->pid;
	if (s->was_forked) {
		pr->paged_ever = true;
		pr->reason[0] = 0;
	}
}

/* A new image, or the end: its threads' addresses mean nothing any more. */
static void forget_threads(struct pager *p, struct process *pr)
{
	struct thread *t, *next;

	HASH_ITER(hh, p->threads, t, next)
	if (t->process == pr) {
		report_thread(p, pr->pid, t);
		HASH_DEL(p->threads, t);
		free(t->wish);
		free(t);
	}
}

/* The space may live on in others (vfork): what this one's threads hold there is nobody's any more. */
void process_leave(struct process *pr)
{
	struct space *s = pr->space;
	struct thread *t, *next;

	pr->space = NULL;
	if (!s)
		return;
	HASH_ITER(hh, s->pager->threads, t, next)
	if (t->process == pr)
		core_thread_exit(s->core, (uint32_t)t->tid);
	s->members--;
	if (s->agent.pid == pr->pid)
		s->agent.ready = false;
}

static struct space *find_space(struct pager *p, pid_t pid)
{
	struct space *s, *waiting = NULL;
	struct process *pr, *next;
	pid_t parent = 0;
	int candidates = 0;

	for (s = p->spaces; s; s = s->next)
		if (space_is_mm_of(s, pid))
			return s;
	HASH_ITER(hh, p->processes, pr, next)
	if (pr->space && !pr->space->agent.ring_addr &&
	    syscall(SYS_kcmp, pid, pr->pid, KCMP_VM, 0, 0) == 0)
		return pr->space;
	for (s = p->spaces; s; s = s->next) {
		if (!s->parent)
			continue;
		if (!parent)
			parent = (pid_t)status_field(pid, "PPid", 10);
		if (s->parent == parent)
			return s;
		waiting = s;
		candidates++;
	}
	return candidates == 1 ? waiting : NULL; /* CLONE_PARENT, or its parent has died already */
}

/* The space of a forked process's parent: without a fork event nobody has told. */
struct space *process_parent_space(struct pager *p, const struct process *pr)
{
	pid_t parent = (pid_t)status_field(pr->pid, "PPid", 10);
	struct process *from;

	HASH_FIND_INT(p->processes, &parent, from);
	return from && !pr->executed ? from->space : NULL;
}

struct process *process_get(struct pager *p, pid_t pid)
{
	struct process *pr;
	struct space *s;

	HASH_FIND_INT(p->processes, &pid, pr);
	if (pr)
		return pr;
	pr = calloc(1, sizeof(*pr));
	if (!pr)
		fatal(p, "out of memory for a process");
	pr->pid = pid;
	pr->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pr->pidfd < 0) {
		free(pr);
		return NULL;
	}
	fcntl(pr->pidfd, F_SETFD, FD_CLOEXEC);
	read_comm(pr);
	HASH_ADD_INT(p->processes, pid, pr);
	loop_watch(p, pr->pidfd, watch_key(WATCH_PID, (uint32_t)pid));
	p->result->processes_total++;
	s = find_space(p, pid);
	if (s)
		process_join(pr, s);
	placement_process(p, pid);
	unmanaged_start(p);
	fork_child_met(p);
	return pr;
}

struct process *process_of_thread(struct pager *p, pid_t tid, struct thread **thread)
{
	struct thread *t;
	struct process *pr;
	pid_t pid;

	HASH_FIND_INT(p->threads, &tid, t);
	if (!t) {
		pid = thread_group(tid);
		pr = pid > 0 ? process_get(p, pid) : NULL;
		if (!pr)
			return NULL;
		t = calloc(1, sizeof(*t));
		if (!t)
			fatal(p, "out of memory for a thread");
		t->tid = tid;
		t->process = pr;
		HASH_ADD_INT(p->threads, tid, t);
	}
	*thread = t;
	return t->process;
}

/* Why a process that is over, or has a new image, was not paged. */
void process_not_paged(struct process *pr)
{
	if (pr->paged_ever || pr->reason[0])
		return;
	snprintf(
		pr->reason, sizeof(pr->reason), "%s",
		pr->why_native
			? pr->why_native
			: "the shim did not start in it (setuid, LD_PRELOAD lost, or a raw clone)");
}

void process_refresh(struct pager *p, struct process *pr)
{
	struct space *s = pr->space;

	if (s && (s->agent.ring_addr ? space_is_mm_of(s, pr->pid) : uffd_mm_alive(s->uffd)))
		return; /* the exec failed, or has not happened yet */
	pr->exec_pending = false;
	process_leave(pr);
	spaces_reap(p);
	if (pr->stats.faults) { /* each image that was paged has its own line in the report */
		report_process(p, pr);
		memset(&pr->stats, 0, sizeof(pr->stats));
	}
	pr->paged_ever = false;
	pr->reason[0] = 0;
	read_comm(pr);
	pr->executed = true;
	pr->why_native = proc_why_native(pr->pid);
	unmanaged_start(p);
}

void process_died(struct pager *p, struct process *pr)
{
	process_leave(pr);
	forget_threads(p, pr);
	loop_forget(p, pr->pidfd);
	close(pr->pidfd);
	pr->pidfd = -1;
	spaces_reap(p);
	process_not_paged(pr);
	report_process(p, pr);
	HASH_DEL(p->processes, pr);
	free(pr);
}

void spaces_reap(struct pager *p)
{
	struct space *s, *next;

	for (s = p->spaces; s; s = next) {
		next = s->next;
		if (s->agent.busy || s->serving)
			continue;
		if (s->uffd >= 0 ? !uffd_mm_alive(s->uffd) : !s->members)
			space_free(s);
	}
}

static struct pin *new_pin(struct space *s)
{
	if (s->pins_len == s->pins_cap) {
		uint32_t cap = s->pins_cap ? s->pins_cap * 2 : 16;
		struct pin *v = realloc(s->pins, cap * sizeof(*v));

		if (!v)
			fatal(s->pager, "out of memory for pins");
		s->pins = v;
		s->pins_cap = cap;
	}
	return &s->pins[s->pins_len++];
}

/* The page with `addr` stays resident while its thread lives (H1). */
void pin_address(struct space *s, uint64_t addr, pid_t tid)
{
	uint32_t i, page;

	if (!addr || !regions_find(&s->regions, addr))
		return;
	for (i = 0; i < s->pins_len; i++)
		if (s->pins[i].addr == addr && s->pins[i].tid == tid)
			return;
	page = core_find(s->core, 0, addr / VMM_PAGE);
	if (page == VMM_NONE || core_page(s->core, page)->state != PAGE_MAPPED) {
		if (!s->agent.ready && s->was_forked)
			return; /* nobody evicts here */
		if (fault_resident(s, addr, true) < 0)
			return;
		page = core_find(s->core, 0, addr / VMM_PAGE);
		if (page == VMM_NONE || core_page(s->core, page)->frame == VMM_NONE)
			return;
	}
	core_pin(s->core, page);
	*new_pin(s) = (struct pin){ .addr = addr, .since_ns = now_ns(), .tid = tid, .page = page };
}

static bool pin_over(struct space *s, struct pin *pin)
{
	uint32_t word = 0;

	if (core_find(s->core, 0, pin->addr / VMM_PAGE) != pin->page)
		return true; /* unmapped: the core dropped it */
	if (pin->tid)
		return syscall(SYS_tgkill, s->agent.pid, pin->tid, 0) < 0 && errno == ESRCH;
	if (s->mem_fd < 0 ||
	    pread(s->mem_fd, &word, sizeof(word), (off_t)pin->addr) != sizeof(word))
		return false;
	if (word)
		pin->seen_alive = true;
	return !word && (pin->seen_alive || now_ns() - pin->since_ns > PIN_GRACE_NS);
}

/* Its number may be another page's soon, which nobody has pinned. */
void pins_forget(struct space *s, uint32_t page)
{
	uint32_t i;

	for (i = 0; i < s->pins_len; i++)
		if (s->pins[i].page == page)
			s->pins[i].page = VMM_NONE;
}

void pins_sweep(struct space *s)
{
	uint32_t i;

	for (i = 0; i < s->pins_len;) {
		struct pin *pin = &s->pins[i];

		if (!pin_over(s, pin)) {
			i++;
			continue;
		}
		if (pin->page != VMM_NONE)
			core_unpin(s->core, pin->page);
		*pin = s->pins[--s->pins_len];
	}
}

/* Before a trapped exit goes on: what the kernel will touch without raising faults is resident. Robust list: linux/futex.h. */
void thread_exit(struct space *s, struct thread *t, int code)
{
	uint64_t next = t->robust_head, head[3];
	int i;

	pins_sweep(s);
	pin_address(s, t->tid_addr, t->tid);
	if (next && space_read(s, t->process->pid, next, head, sizeof(head)) == 0) {
		pin_address(s, next, t->tid);
		if (head[2]) /* list_op_pending */
			pin_address(s, (head[2] & ~1ull) + head[1], t->tid);
		for (next = head[0] & ~1ull, i = 0; next && next != t->robust_head && i < 2048;
		     i++) {
			pin_address(s, next, t->tid);
			pin_address(s, next + head[1], t->tid);
			if (space_read(s, t->process->pid, next, &next, sizeof(next)) < 0)
				break;
			next &= ~1ull;
		}
	}
	core_thread_exit(s->core, (uint32_t)t->tid);
	t->process->exit_code = code;
	t->process->exit_ns = now_ns();
}

/* Threads of a process that still run, the agent left out. */
static int program_threads(const struct process *pr, pid_t agent)
{
	char path[64], state;
	struct dirent *e;
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", pr->pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.' || atoi(e->d_name) == agent)
			continue;
		state = proc_state(pr->pid, atoi(e->d_name), NULL);
		n += state && state != 'Z' && state != 'X';
	}
	if (d)
		closedir(d);
	return n;
}

/* The agent must not keep a process alive whose own threads have all made a raw exit (H9). True while one is looked at. */
bool agents_alone(struct pager *p)
{
	struct process *pr, *next;
	bool looking = false;

	HASH_ITER(hh, p->processes, pr, next)
	{
		struct space *s = pr->space;

		if (!pr->exit_ns || !s || !s->agent.ready || s->agent.busy ||
		    s->agent.pid != pr->pid)
			continue;
		looking = true;
		if (now_ns() - pr->exit_ns < EXIT_LOOK_NS)
			continue;
		pr->exit_ns = 0;
		if (!program_threads(pr, s->agent.tid)) {
			agent_retire(s, pr->exit_code);
			return true; /* while it waited, processes may have ended: `next` too */
		}
	}
	return looking;
}

/* vmsplice gives pages away by reference: moving one out later would leave the pipe the old frame. They stay (H8). */
int pin_spliced(struct space *s, pid_t pid, uint64_t iov_addr, uint64_t count)
{
	struct iovec iov;
	uint64_t i, a;

	for (i = 0; i < count && i < 1024; i++) {
		if (space_read(s, pid, iov_addr + i * sizeof(iov), &iov, sizeof(iov)) < 0)
			return -EFAULT;
		for (a = page_down((uintptr_t)iov.iov_base);
		     a < (uintptr_t)iov.iov_base + iov.iov_len; a += VMM_PAGE) {
			if (s->pins_len > s->pager->frames / 2)
				return -ENOMEM;
			pin_address(s, a, pid);
		}
	}
	return 0;
}
