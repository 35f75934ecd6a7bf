/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.c - see memory.h. Rules:
 *   A process lives on the node that is next in turn when it is first seen. Its pages go to that node (interleave: to the
 *   node that the page number names), or when it is full to the lowest-numbered other one that is not. bind: never to
 *   another one; a page of that node leaves instead. migrate: a page that is used from another node moves there if that has
 *   a free frame.
 *   A page gets the lowest frame that was never used, or else the one that was freed last.
 *   A page that leaves dirty needs a slot unless it has one. When none is free the copy of a resident page is given up,
 *   going round the frames, and that page becomes dirty. When there is no copy either the page stays and the next one in
 *   the policy's order is tried.
 *   Prefetching: faults and first uses of prefetched pages are events. What the detector names, and is in the store only, is
 *   loaded in turn, at most a quarter of the frames, each as if it were faulted on but unreferenced; the page of the event
 *   does not leave meanwhile. trend looks at the last 32 differences between events of the process: first at 16 of them.
 *   Time: 100 ns a reference and 100 more when remote, 1 ms a fault, 5 ms a page read or written, but not when prefetched;
 *   then it is there 5 ms after the event, and who wants it earlier waits.
 */
#include "tests/model/memory.h"

#include <string.h>

void memory_init(struct memory *m, const struct memory_config *c)
{
	memset(m, 0, sizeof(*m));
	m->c = *c;
	for (uint32_t pid = 0; pid < MEMORY_PIDS; pid++) {
		m->home[pid] = -1;
		for (uint32_t p = 0; p < MEMORY_PAGES; p++)
			m->page[pid][p].frame = -1;
	}
	if (!c->nodes)
		m->free[0] = c->frames;
	for (uint32_t n = 0; n < c->nodes; n++)
		m->free[n] = c->frames / c->nodes + (n + 1 == c->nodes ? c->frames % c->nodes : 0);
}

static int home_of(struct memory *m, uint32_t pid)
{
	if (m->home[pid] < 0)
		m->home[pid] = m->homes++ % (int)m->c.nodes;
	return m->home[pid];
}

static int node_wanted(struct memory *m, uint32_t pid, uint32_t page)
{
	if (!m->c.nodes)
		return 0;
	if (m->c.placement == MEMORY_INTERLEAVE)
		return (int)(page % m->c.nodes);
	return home_of(m, pid);
}

/* The node with a free frame for it, -1. */
static int node_free(const struct memory *m, int wanted)
{
	if (m->free[wanted])
		return wanted;
	if (m->c.nodes && m->c.placement == MEMORY_BIND)
		return -1;
	for (uint32_t n = 0; n < m->c.nodes; n++)
		if (m->free[n])
			return (int)n;
	return -1;
}

static void leave(struct memory *m, struct memory_page *p)
{
	uint32_t at = 0;

	m->wasted += p->ahead;
	p->ahead = false;
	while (m->line[at] != p)
		at++;
	m->n_line--;
	memmove(&m->line[at], &m->line[at + 1], (m->n_line - at) * sizeof(m->line[0]));
	if (at < m->hand)
		m->hand--;
	m->in[p->frame] = NULL;
	m->free_frame[m->n_free++] = p->frame;
	m->free[p->node]++;
	p->frame = -1;
	p->dirty = p->referenced = false;
}

static bool slot_found(struct memory *m, const struct memory_page *leaving)
{
	if (m->copies < (int)m->c.slots)
		return true;
	for (uint32_t k = 0; k < m->c.frames; k++) {
		struct memory_page *p;

		if (m->hand_copies >= (int)m->c.frames)
			m->hand_copies = 0;
		p = m->in[m->hand_copies++];
		if (p && p != leaving && p->copy) {
			p->copy = false;
			p->dirty = true;
			m->copies--;
			return true;
		}
	}
	return false;
}

/* May the page be the one that leaves for a page of this node? */
static bool may_leave(struct memory *m, struct memory_page *p, int node)
{
	if (m->c.nodes && m->c.placement == MEMORY_BIND && (int)p->node != node)
		return false;
	return !m->c.slots || !p->dirty || p->copy || slot_found(m, p);
}

static struct memory_page *next_victim(struct memory *m)
{
	if (m->c.policy != MEMORY_CLOCK) {
		for (uint32_t i = 0; i < m->n_line; i++)
			if (!m->line[i]->passed && m->line[i] != m->held)
				return m->line[i];
		return NULL;
	}
	for (uint32_t step = 0; step < 2 * m->n_line; step++) {
		struct memory_page *p;

		if (m->hand >= m->n_line)
			m->hand = 0;
		p = m->line[m->hand++];
		if (p->passed || p == m->held)
			continue;
		if (!p->referenced)
			return p;
		p->referenced = false;
	}
	return NULL;
}

static bool make_room(struct memory *m, int node)
{
	struct memory_page *p;
	bool was[MEMORY_FRAMES], found = false;

	for (uint32_t i = 0; i < m->n_line; i++)
		was[i] = m->line[i]->referenced;
	while ((p = next_victim(m)) != NULL) {
		found = may_leave(m, p, node);
		if (found)
			break;
		p->passed = true;
	}
	for (uint32_t i = 0; i < m->n_line; i++) {
		m->line[i]->passed = false;
		if (!found) /* as if nothing had been tried, but for the hands */
			m->line[i]->referenced = was[i];
	}
	if (!found)
		return false;
	if (p->dirty) {
		m->dirty++;
		m->copies += !p->copy;
		p->copy = true;
	} else {
		m->clean++;
	}
	if ((uint64_t)m->copies > m->most_copies)
		m->most_copies = (uint64_t)m->copies;
	leave(m, p);
	return true;
}

static void enter(struct memory *m, struct memory_page *p, int node)
{
	uint32_t at = m->n_line;

	if (m->c.policy == MEMORY_CLOCK)
		at = m->hand++;
	memmove(&m->line[at + 1], &m->line[at], (m->n_line - at) * sizeof(m->line[0]));
	m->line[at] = p;
	m->n_line++;
	p->node = (uint32_t)node;
	p->frame = m->n_used < (int)m->c.frames ? m->n_used++ : m->free_frame[--m->n_free];
	m->in[p->frame] = p;
	m->free[node]--;
}

static void use(struct memory *m, struct memory_page *p, bool write)
{
	p->referenced = true;
	p->dirty |= write;
	for (uint32_t i = 0; m->c.policy == MEMORY_LRU && i < m->n_line; i++)
		if (m->line[i] == p) {
			memmove(&m->line[i], &m->line[i + 1],
				(m->n_line - i - 1) * sizeof(m->line[0]));
			m->line[m->n_line - 1] = p;
			break;
		}
}

static void count_node(struct memory *m, struct memory_page *p, int home)
{
	if ((int)p->node == home) {
		m->local++;
		return;
	}
	m->remote++;
	if (m->c.placement != MEMORY_MIGRATE || !m->free[home])
		return;
	m->free[p->node]++;
	m->free[home]--;
	p->node = (uint32_t)home;
	m->moved++;
}

/* --- prefetching --------------------------------------------------------------------------------------------------- */

static double time_ns(const struct memory *m)
{
	return 100.0 * (double)(m->accesses + m->remote) + 1e6 * (double)m->faults +
	       5e6 * (double)(m->major + m->dirty) + m->wait_ns;
}

/* The difference between event i and the one before, i = 1 being the last. */
static int difference(const struct memory_events *e, int i)
{
	return e->page[e->n - i] - e->page[e->n - i - 1];
}

static int most_common(const struct memory_events *e, int last)
{
	if (last > e->n - 1)
		last = e->n - 1;
	for (int i = 1; i <= last; i++) {
		int same = 0;

		for (int k = 1; k <= last; k++)
			same += difference(e, k) == difference(e, i);
		if (2 * same > last)
			return difference(e, i);
	}
	return 0;
}

static int trend_count(struct memory_events *e)
{
	int found = most_common(e, 16), n = 0;

	if (!found)
		found = most_common(e, 32);
	if (found)
		e->trend = found;
	if (!e->trend)
		return 0;
	if (e->hits)
		n = e->hits >= 4 ? 8 : e->hits >= 2 ? 4 : 2;
	else if (e->n > 1 && difference(e, 1) == e->trend)
		n = 1;
	if (n < e->window / 2)
		n = e->window / 2;
	e->window = n;
	e->hits = 0;
	return n;
}

/* How many pages at which distance come next. */
static int guess(struct memory *m, struct memory_events *e, bool hit, int *step)
{
	int n;

	*step = 1;
	if (m->c.prefetch == MEMORY_SEQ)
		return (int)m->c.distance;
	if (m->c.prefetch == MEMORY_STRIDE) {
		if (e->n < 3 || difference(e, 1) != difference(e, 2) || !difference(e, 1))
			return 0;
		*step = difference(e, 1);
		return (int)m->c.distance;
	}
	if (hit) {
		e->hits++;
		return 0;
	}
	n = trend_count(e);
	*step = e->trend;
	return n;
}

static void prefetch(struct memory *m, uint32_t pid, uint32_t page, bool hit)
{
	struct memory_events *e = &m->events[pid];
	struct memory_page *list[64];
	int n, step, at = (int)page, k = 0;

	if (!m->c.prefetch)
		return;
	e->page[e->n++] = (int)page;
	n = guess(m, e, hit, &step);
	while (n-- > 0) {
		at += step;
		if (at >= 0 && at < (int)MEMORY_PAGES && m->page[pid][at].frame < 0 &&
		    m->page[pid][at].copy && k < (int)(m->c.frames / 4))
			list[k++] = &m->page[pid][at];
	}
	m->held = &m->page[pid][page];
	for (int i = 0; i < k; i++) {
		int wanted = node_wanted(m, pid, (uint32_t)(list[i] - m->page[pid]));

		if (node_free(m, wanted) < 0 && !make_room(m, wanted))
			break;
		enter(m, list[i], node_free(m, wanted));
		list[i]->ahead = true;
		list[i]->ready_ns = time_ns(m) + 5e6;
		m->issued++;
	}
	m->held = NULL;
}

static void first_use(struct memory *m, struct memory_page *p)
{
	double wait = p->ready_ns - time_ns(m);

	p->ahead = false;
	m->used++;
	wait = wait > 0 ? wait : 0;
	m->late += wait > 0;
	m->wait_ns += wait;
	m->saved_ns += 6e6 - wait;
}

int memory_access(struct memory *m, uint32_t pid, uint32_t page, bool write)
{
	struct memory_page *p = &m->page[pid][page];
	bool fault = p->frame < 0, hit = p->ahead;

	if (fault) {
		int wanted = node_wanted(m, pid, page);

		if (node_free(m, wanted) < 0 && !make_room(m, wanted))
			return -1;
		enter(m, p, node_free(m, wanted));
		m->faults++;
		m->major += p->copy;
	}
	if (hit)
		first_use(m, p);
	use(m, p, write);
	if (fault || hit)
		prefetch(m, pid, page, hit);
	m->accesses++;
	if (m->c.nodes)
		count_node(m, p, home_of(m, pid));
	return fault;
}

void memory_unmap(struct memory *m, uint32_t pid, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n && i < MEMORY_PAGES; i++) {
		struct memory_page *p = &m->page[pid][i];

		if (p->frame >= 0)
			leave(m, p);
		m->copies -= p->copy;
		p->copy = false;
	}
}
