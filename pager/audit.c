/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c - --audit: the kernel's own count of present pages in managed ranges, against the limit.
 *
 * Of one space (audit): made at every batch boundary (each plan that evicted), and after every fault with --exact. Counted are present
 * pages without the zero page, plus the copies of idle pages; staging is empty between commands.
 *
 * Of relatives (audit_relatives): spaces that forks connect have a pool of `frames` each, but share pages until one of them writes, which
 * the kernel does without asking. What they use together, a shared frame counted once, may exceed one pool; by how much is
 * reported, and is no violation. A frame that one space maps counts there (pagemap bit 56); frames mapped by several are told apart by
 * their numbers, or, where those may not be read (no CAP_SYS_ADMIN), at least as many as the relative with most of them maps. Made
 * every 10 ms, in between when a relative appears or is about to exec, and for no more than a fifth of the time. Relatives without a
 * pagemap of theirs (no agent yet) are left out, so the result is a lower bound.
 */
#include "pager/pager.h"

#include <stdlib.h>
#include <unistd.h>

#define RELATIVES_NS 10000000ull
#define RELATIVES_SHARE 4u

/* Documentation/admin-guide/mm/pagemap.rst */
#define PM_PRESENT (1ull << 63)
#define PM_EXCLUSIVE (1ull << 56)
#define PM_FRAME ((1ull << 55) - 1)

static int add(void *arg, uint64_t start, uint64_t end)
{
	*(uint64_t *)arg += (end - start) / VMM_PAGE;
	return 0;
}

static uint64_t frames_in_use(struct space *s)
{
	struct region part;
	uint64_t n = s->idle_pages;
	uint32_t i = 0;

	while (regions_next(&s->regions, 0, UINT64_MAX, &i, &part))
		present_each(s, part.start, part.end, add, &n);
	return n;
}

/* With --exact at every fault; else at every batch boundary, and before the first one whenever the faults have doubled. */
static bool is_checkpoint(struct space *s)
{
	const struct vm_stats *v = core_stats(s->core);
	bool first_batch_to_come = !v->evictions && (v->faults & (v->faults - 1)) == 0;

	if (!s->pager->config->exact && v->evictions == s->audited_evictions &&
	    !first_batch_to_come)
		return false;
	s->audited_evictions = v->evictions;
	return true;
}

void audit(struct space *s)
{
	struct run_result *r = s->pager->result;
	uint64_t n;

	audit_tick(s->pager);
	if (!is_checkpoint(s))
		return;
	n = frames_in_use(s);
	r->audits++;
	if (n > r->audit_peak_frames)
		r->audit_peak_frames = n;
	if (n > s->pager->frames) {
		r->audit_violations++;
		if (r->audit_violations == 1)
			msg(s->pager, "audit: process %d uses %lu frames, %u are allowed",
			    s->stats_pid, (unsigned long)n, s->pager->frames);
	}
}

/* --- relatives ------------------------------------------------------------------------------------------------------ */

struct census {
	struct space *s; /* counted now */
	uint64_t own;    /* frames that one space maps, and idle copies */
	uint64_t shared, shared_most;
	uint64_t *frame; /* numbers of the shared ones, one entry a mapping */
	size_t n, cap;
	bool blind; /* the numbers cannot be read, or not be kept */
};

static void note_shared(struct census *c, uint64_t frame)
{
	c->shared++;
	if (c->n == c->cap && !c->blind) {
		size_t cap = c->cap ? c->cap * 2 : 4096;
		uint64_t *v = realloc(c->frame, cap * sizeof(*v));

		c->blind = !v;
		if (v) {
			c->frame = v;
			c->cap = cap;
		}
	}
	if (!frame)
		c->blind = true;
	if (!c->blind)
		c->frame[c->n++] = frame;
}

static int count_run(void *arg, uint64_t start, uint64_t end)
{
	struct census *c = arg;
	uint64_t entry[512];

	while (start < end) {
		size_t want = (end - start) / VMM_PAGE, i;
		ssize_t got;

		if (want > sizeof(entry) / sizeof(*entry))
			want = sizeof(entry) / sizeof(*entry);
		got = pread(c->s->pagemap_fd, entry, want * sizeof(*entry),
			    (off_t)(start / VMM_PAGE * sizeof(*entry)));
		if (got < (ssize_t)sizeof(*entry))
			return 1;
		for (i = 0; i < (size_t)got / sizeof(*entry); i++)
			if (!(entry[i] & PM_PRESENT))
				continue; /* gone since the run was listed */
			else if (entry[i] & PM_EXCLUSIVE)
				c->own++;
			else
				note_shared(c, entry[i] & PM_FRAME);
		start += i * VMM_PAGE;
	}
	return 0;
}

static void count_space(struct census *c, struct space *s)
{
	struct region part;
	uint32_t i = 0;

	c->s = s;
	c->shared = 0;
	c->own += s->idle_pages;
	while (regions_next(&s->regions, 0, UINT64_MAX, &i, &part))
		present_each(s, part.start, part.end, count_run, c);
	if (c->shared > c->shared_most)
		c->shared_most = c->shared;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static uint64_t different(uint64_t *v, size_t n)
{
	uint64_t count = 0;
	size_t i;

	if (n)
		qsort(v, n, sizeof(*v), by_number);
	for (i = 0; i < n; i++)
		count += !i || v[i] != v[i - 1];
	return count;
}

/* `first` and all after it of its family. True when these are several. */
static bool count_family(struct space *first, uint64_t *frames)
{
	struct census c = { 0 };
	struct space *s;
	int n = 0;

	for (s = first; s; s = s->next)
		if (s->family == first->family && s->pagemap_fd >= 0) {
			count_space(&c, s);
			n++;
		}
	*frames = c.own + (c.blind ? c.shared_most : different(c.frame, c.n));
	free(c.frame);
	return n > 1;
}

static bool is_first(const struct pager *p, const struct space *of)
{
	const struct space *s;

	for (s = p->spaces; s != of && s->family != of->family; s = s->next)
		;
	return s == of;
}

static bool has_relative(const struct space *of)
{
	const struct space *s;

	for (s = of->next; s && s->family != of->family; s = s->next)
		;
	return s;
}

static void count_families(struct pager *p, uint64_t begin)
{
	struct run_result *r = p->result;
	struct space *s;
	uint64_t n;

	for (s = p->spaces; s; s = s->next) {
		if (!has_relative(s) || !is_first(p, s) || !count_family(s, &n))
			continue;
		r->audit_cow_checks++;
		if (n > p->frames && n - p->frames > r->audit_cow_frames)
			r->audit_cow_frames = n - p->frames;
	}
	sampler_done(&p->relatives, begin, now_ns(), RELATIVES_NS, RELATIVES_SHARE);
}

void audit_tick(struct pager *p)
{
	uint64_t now = now_ns();

	if (sampler_due(&p->relatives, now))
		count_families(p, now);
}

void audit_relatives(struct pager *p)
{
	uint64_t now = now_ns();

	if (p->config->audit && sampler_allowed(&p->relatives, now))
		count_families(p, now);
}

int audit_wait_ms(const struct pager *p, int most)
{
	const struct space *s;

	for (s = p->spaces; s; s = s->next)
		if (s->family != s->id)
			return sampler_wait_ms(&p->relatives, now_ns(), most);
	return most;
}
