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
			if (!m->line[i]->passed)
				return m->line[i];
		return NULL;
	}
	for (uint32_t step = 0; step < 2 * m->n_line; step++) {
		struct memory_page *p;

		if (m->hand >= m->n_line)
			m->hand = 0;
		p = m->line[m->hand++];
		if (p->passed)
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

int memory_access(struct memory *m, uint32_t pid, uint32_t page, bool write)
{
	struct memory_page *p = &m->page[pid][page];
	bool fault = p->frame < 0;

	if (fault) {
		int wanted = node_wanted(m, pid, page);

		if (node_free(m, wanted) < 0 && !make_room(m, wanted))
			return -1;
		enter(m, p, node_free(m, wanted));
		m->faults++;
		m->major += p->copy;
	}
	use(m, p, write);
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
