/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unmanaged.c - how much anonymous memory the program has outside the managed ranges: stacks and static data by default, and
 * whatever --regions leaves out.
 *
 * A sample is, summed over the processes of the run, the kernel's count of anonymous pages (/proc/PID/statm, which costs the same
 * for every size) without the frames that hold managed pages and without what is present of our own areas in the program. Between
 * commands the agent's staging is empty, and only the pager changes what is present in managed ranges, so the difference is that of one
 * moment. A process that is not paged counts whole. Left out: a paged one without an agent, whose books may be incomplete; one
 * inside exec, whose memory may be the old or the new. Pages that fork shares count in each process.
 *
 * The largest sample is reported. Nothing is sampled while a fault is served.
 */
#include "pager/pager.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define FIRST_NS 5000000ull /* after a process or a new image was met */
#define LARGEST_NS 100000000ull
#define SHARE 50u /* at most 2% of the time */

/* Anonymous pages of a process that are present, or -1: its memory is gone or cannot be seen. */
static int64_t anonymous_pages(pid_t pid)
{
	unsigned long size, resident = 0, shared = 0;
	char buf[128];
	ssize_t n;
	int fd;

	snprintf(buf, sizeof(buf), "/proc/%d/statm", pid);
	fd = open(buf, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	buf[n > 0 ? n : 0] = 0;
	if (sscanf(buf, "%lu %lu %lu", &size, &resident, &shared) != 3 || !resident)
		return -1;
	return (int64_t)resident - (int64_t)shared;
}

static int count(void *arg, uint64_t start, uint64_t end)
{
	*(int64_t *)arg += (int64_t)((end - start) / VMM_PAGE);
	return 0;
}

static int64_t outside(struct space *s)
{
	const struct agent *a = &s->agent;
	int64_t n = anonymous_pages(a->pid), managed, ours = 0;

	if (n < 0)
		return -1;
	managed = (int64_t)(s->pager->frames - core_frames_free(s->core)) - s->idle_pages;
	present_each(s, a->stack, a->stack + a->stack_bytes, count, &ours);
	present_each(s, VMM_GATE_ADDR, VMM_GATE_ADDR + VMM_GATE_BYTES, count, &ours);
	n -= managed + ours;
	return n > 0 ? n : 0; /* the kernel's own counters may lag behind a little */
}

/* -1: not measured. */
static int64_t of_process(struct process *pr)
{
	struct space *s = pr->space;

	if (pr->exec_pending)
		return -1;
	if (!s || s->uffd < 0)
		return anonymous_pages(pr->pid);
	return s->agent.ready && s->agent.pid == pr->pid ? outside(s) : -1; /* each mm once */
}

static void sample(struct pager *p, uint64_t begin)
{
	struct run_result *r = p->result;
	struct process *pr, *next;
	int64_t pages = 0, n;
	bool measured = false;

	HASH_ITER(hh, p->processes, pr, next)
	{
		n = of_process(pr);
		if (n < 0)
			continue;
		measured = true;
		pages += n;
	}
	if (measured) {
		r->unmanaged_samples++;
		if ((uint64_t)pages * VMM_PAGE > r->unmanaged_bytes)
			r->unmanaged_bytes = (uint64_t)pages * VMM_PAGE;
	}
	sampler_done(&p->unmanaged, begin, now_ns(), LARGEST_NS, SHARE);
}

void unmanaged_start(struct pager *p)
{
	sampler_start(&p->unmanaged, now_ns(), FIRST_NS);
}

void unmanaged_tick(struct pager *p)
{
	uint64_t now = now_ns();

	if (sampler_due(&p->unmanaged, now))
		sample(p, now);
}

/* Inside a nested loop another space's command may be under way. */
void unmanaged_last(struct pager *p)
{
	uint64_t now = now_ns();

	if (p->depth <= 1 && sampler_allowed(&p->unmanaged, now))
		sample(p, now);
}
