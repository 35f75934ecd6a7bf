/* SPDX-License-Identifier: Apache-2.0 */
/*
 * placement.c - where the program's threads, their agents and the pager run.
 *
 * A fault is two hand-offs between the program and the pager. On one CPU each costs a context switch; between CPUs each may have to
 * wake an idle one, which is ten times as much. So:
 *
 *   TOGETHER  everything on one CPU: while at most one thread of the run wants to run, or the run is bound by faults
 *   FREE      each thread where the program wants it
 *
 *   TOGETHER --two ticks with several runnable threads and fewer than RATE_HIGH events a second--> FREE
 *   FREE --more than RATE_LOW events a second over EVENTS of them, or one runnable thread and some faults--> TOGETHER
 *
 *   TOGETHER on one CPU --two windows in which others took it while a CPU of the run's idled--> TOGETHER on that one
 *
 * RATE_LOW lies below RATE_HIGH because the same program is slower at faulting while it is free. An event is a fault or a trapped
 * call. The program does not notice: sched_getaffinity answers what it was started with or has set itself.
 */
#include "pager/pager.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RATE_HIGH 20000u
#define RATE_LOW 8000u
#define RATE_SOME 500u
#define EVENTS 256u
#define TICK_NS 100000000ull

/* When to leave a CPU to others: shares of a window, in percent. */
#define WINDOW_NS                                                                                  \
	400000000ull   /* and a part that differs from run to run: two do not leave at once */
#define OWN_ENOUGH 85u /* of the CPU is the run's own: stay */
#define HERE_BUSY 5u   /* more than this idle: the run did not want more */
#define THERE_IDLE 60u /* of the other CPU */

struct placement {
	cpu_set_t start;   /* what the run was started with */
	size_t mask_bytes; /* that the kernel returns */
	int cpu;
	bool together;
	uint32_t events; /* since mark_ns */
	uint64_t mark_ns;
	uint32_t tick_events;
	uint64_t tick_ns;
	uint32_t parallel; /* ticks in a row with several runnable threads */

	uint64_t window_ns, window_start_ns; /* of the look at the CPU's other users */
	uint64_t own_ns;                     /* CPU time of the run's processes when it began */
	uint32_t own_processes;
	uint32_t taken;                /* windows in a row in which others took the CPU */
	uint64_t idle_ns[CPU_SETSIZE]; /* by CPU when it began; UINT64_MAX: unknown */
};

bool placement_together(const struct pager *p)
{
	return p->placement && p->placement->together;
}

static struct thread *find_thread(struct pager *p, pid_t tid)
{
	struct thread *t;

	HASH_FIND_INT(p->threads, &tid, t);
	return t;
}

/* fn for each thread of a process. */
static void tasks_each(struct pager *p, pid_t pid,
		       void (*fn)(struct pager *, pid_t pid, pid_t tid, void *), void *arg)
{
	char path[64];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			fn(p, pid, atoi(e->d_name), arg);
	if (d)
		closedir(d);
}

static void place_task(struct pager *p, pid_t pid, pid_t tid, void *arg)
{
	struct placement *pl = p->placement;
	struct thread *t = find_thread(p, tid);
	cpu_set_t one;

	(void)pid;
	(void)arg;
	CPU_ZERO(&one);
	CPU_SET(pl->cpu, &one);
	sched_setaffinity(tid, sizeof(one),
			  pl->together   ? &one
			  : t && t->wish ? t->wish
					 : &pl->start);
}

void placement_process(struct pager *p, pid_t pid)
{
	if (p->placement)
		tasks_each(p, pid, place_task, NULL);
}

/* Every thread to where it belongs now. */
static void place_everything(struct pager *p)
{
	struct process *pr, *next;

	place_task(p, 0, 0, NULL); /* the pager itself */
	HASH_ITER(hh, p->processes, pr, next)
	tasks_each(p, pr->pid, place_task, NULL);
}

static void place_all(struct pager *p, bool together)
{
	struct placement *pl = p->placement;

	if (pl->together == together)
		return;
	pl->together = together;
	pl->parallel = 0;
	if (together) {
		int cpu = sched_getcpu();

		if (cpu >= 0 && CPU_ISSET(cpu, &pl->start))
			pl->cpu = cpu;
		pl->window_start_ns = pl->taken = 0;
	}
	place_everything(p);
}

int placement_init(struct pager *p)
{
	struct placement *pl = calloc(1, sizeof(*pl));
	unsigned long big[256];
	long n;

	if (!pl)
		return -ENOMEM;
	n = syscall(SYS_sched_getaffinity, 0, sizeof(big), big);
	if (n < 0 || sched_getaffinity(0, sizeof(pl->start), &pl->start) < 0) {
		free(pl); /* more CPUs than a cpu_set_t holds: leave everything where it is */
		return 0;
	}
	pl->mask_bytes = (size_t)n;
	pl->mark_ns = pl->tick_ns = now_ns();
	pl->window_ns = WINDOW_NS + (uint64_t)getpid() % 32 * (WINDOW_NS / 32);
	p->placement = pl;
	place_all(p, true);
	tasks_each(p, p->first, place_task, NULL);
	return 0;
}

void placement_fault(struct pager *p, pid_t tid)
{
	struct placement *pl = p->placement;
	uint64_t now;

	(void)tid;
	if (!pl)
		return;
	pl->tick_events++;
	if (pl->together || ++pl->events < EVENTS)
		return;
	now = now_ns();
	if ((now - pl->mark_ns) * RATE_LOW < EVENTS * 1000000000ull)
		place_all(p, true);
	pl->mark_ns = now;
	pl->events = 0;
}

/* Threads in state R, agents left out. */
static void count_running(struct pager *p, pid_t pid, pid_t tid, void *arg)
{
	char path[64], buf[256], *c;
	size_t n;
	FILE *f;

	(void)p;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	f = fopen(path, "re");
	if (!f)
		return;
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[n] = 0;
	c = strrchr(buf, ')');
	if (c && c[1] && c[2] == 'R' && !strstr(buf, "(vmm-agent)"))
		++*(uint32_t *)arg;
}

/* CPU time of the run's processes and the pager, and how many there are. */
static uint64_t own_time(const struct pager *p, uint32_t *n)
{
	uint64_t sum = 0;
	struct process *pr, *next;
	struct timespec ts;
	clockid_t clock;

	*n = 1;
	if (!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts))
		sum += (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
	HASH_ITER(hh, p->processes, pr, next)
	{
		if (clock_getcpuclockid(pr->pid, &clock) || clock_gettime(clock, &ts))
			continue;
		sum += (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
		++*n;
	}
	return sum;
}

/* Time that each CPU was idle since the machine started, from /proc/stat. */
static void idle_times(uint64_t idle_ns[CPU_SETSIZE])
{
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK), idle, wait;
	FILE *f = fopen("/proc/stat", "re");
	char line[512];
	unsigned cpu;

	memset(idle_ns, 0xFF, CPU_SETSIZE * sizeof(*idle_ns));
	while (f && fgets(line, sizeof(line), f) && !strncmp(line, "cpu", 3))
		if (sscanf(line, "cpu%u %*u %*u %*u %lu %lu", &cpu, &idle, &wait) == 3 &&
		    cpu < CPU_SETSIZE)
			idle_ns[cpu] = (idle + wait) * (1000000000ull / hz);
	if (f)
		fclose(f);
}

static void window_begin(struct pager *p, uint64_t now)
{
	struct placement *pl = p->placement;

	pl->window_start_ns = now;
	pl->own_ns = own_time(p, &pl->own_processes);
	idle_times(pl->idle_ns);
}

static uint64_t idle_percent(const struct placement *pl, const uint64_t *idle_ns, int cpu,
			     uint64_t elapsed_ns, uint64_t unknown)
{
	if (pl->idle_ns[cpu] == UINT64_MAX || idle_ns[cpu] == UINT64_MAX)
		return unknown;
	return (idle_ns[cpu] - pl->idle_ns[cpu]) * 100 / elapsed_ns;
}

/* Others have taken the run's CPU while another one was idle: that one, or -1. */
static int better_cpu(struct pager *p, uint64_t elapsed_ns)
{
	struct placement *pl = p->placement;
	uint64_t idle_ns[CPU_SETSIZE], best = THERE_IDLE, idle;
	uint32_t processes;
	uint64_t own = own_time(p, &processes) - pl->own_ns;
	int cpu = -1;

	if (processes != pl->own_processes || own * 100 >= elapsed_ns * OWN_ENOUGH)
		return -1;
	idle_times(idle_ns);
	if (idle_percent(pl, idle_ns, pl->cpu, elapsed_ns, 100) > HERE_BUSY)
		return -1;
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &pl->start))
			continue;
		idle = idle_percent(pl, idle_ns, i, elapsed_ns, 0);
		if (idle > best) {
			best = idle;
			cpu = i;
		}
	}
	return cpu;
}

/* At ticks while TOGETHER. */
static void look_elsewhere(struct pager *p, uint64_t now)
{
	struct placement *pl = p->placement;
	int cpu;

	if (!pl->window_start_ns || CPU_COUNT(&pl->start) < 2) {
		if (CPU_COUNT(&pl->start) > 1)
			window_begin(p, now);
		return;
	}
	if (now - pl->window_start_ns < pl->window_ns)
		return;
	cpu = better_cpu(p, now - pl->window_start_ns);
	pl->taken = cpu < 0 ? 0 : pl->taken + 1;
	if (pl->taken >= 2) {
		pl->cpu = cpu;
		pl->taken = 0;
		place_everything(p);
	}
	window_begin(p, now);
}

void placement_tick(struct pager *p)
{
	struct placement *pl = p->placement;
	struct process *pr, *next;
	uint64_t now = now_ns(), rate;
	uint32_t running = 0;

	if (!pl || now - pl->tick_ns < TICK_NS)
		return;
	rate = pl->tick_events * 1000000000ull / (now - pl->tick_ns);
	pl->tick_ns = now;
	pl->tick_events = 0;
	HASH_ITER(hh, p->processes, pr, next)
	tasks_each(p, pr->pid, count_running, &running);
	if (pl->together) {
		pl->parallel = running > 1 && rate < RATE_HIGH ? pl->parallel + 1 : 0;
		if (pl->parallel >= 2)
			place_all(p, false);
		else
			look_elsewhere(p, now);
	} else if (running <= 1 && rate > RATE_SOME) {
		place_all(p, true);
	}
}

static bool get_affinity(struct pager *p, struct process *pr, struct thread *t,
			 const struct seccomp_notif *n)
{
	struct placement *pl = p->placement;
	uint64_t len = n->data.args[1];
	const cpu_set_t *mask = t->wish ? t->wish : &pl->start;

	if (len % sizeof(long) || len < pl->mask_bytes)
		return false; /* the kernel knows what to say */
	if (space_write(pr->space, pr->pid, n->data.args[2], mask, pl->mask_bytes) < 0)
		notif_return(p, n, -EFAULT);
	else
		notif_return(p, n, (int64_t)pl->mask_bytes);
	return true;
}

static bool set_affinity(struct pager *p, struct process *pr, struct thread *t,
			 const struct seccomp_notif *n)
{
	struct placement *pl = p->placement;
	uint64_t len = n->data.args[1] < sizeof(cpu_set_t) ? n->data.args[1] : sizeof(cpu_set_t);
	cpu_set_t mask, usable;

	CPU_ZERO(&mask);
	if (space_read(pr->space, pr->pid, n->data.args[2], &mask, len) < 0)
		return false;
	CPU_AND(&usable, &mask, &pl->start);
	if (!CPU_COUNT(&usable))
		return false;
	if (!t->wish)
		t->wish = malloc(sizeof(cpu_set_t));
	if (t->wish)
		*t->wish = usable;
	if (!pl->together)
		return false;
	notif_return(p, n, 0);
	return true;
}

/* True when the call was answered here. Calls about processes outside the run are continued. */
bool placement_call(struct pager *p, struct process *pr, struct thread *t,
		    const struct seccomp_notif *n)
{
	pid_t tid = (pid_t)n->data.args[0];

	placement_fault(p, (pid_t)n->pid);
	if (!p->placement ||
	    (n->data.nr != SYS_sched_getaffinity && n->data.nr != SYS_sched_setaffinity))
		return false;
	if (tid && tid != t->tid && !process_of_thread(p, tid, &t))
		return false;
	if (n->data.nr == SYS_sched_setaffinity)
		return set_affinity(p, pr, t, n);
	return p->placement->together && get_affinity(p, pr, t, n);
}
