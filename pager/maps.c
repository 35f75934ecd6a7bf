/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maps.c - what the kernel has mapped in a program, read from /proc/PID/maps.
 *
 *   space_take      at hello: the mappings of before, of the kinds to be paged, become managed ranges
 *   space_grown     at a fault below the stack: is it the stack's now?
 *   space_mappings  the kernel's mappings in a range, for calls that go mapping by mapping
 *   space_reread    protections, after a call that failed half-way
 *
 * Areas in the program that are ours (ring, stack and staging of the agent, gate) are never taken. What is read stays true for as long
 * as the caller holds the trapped call: nothing else changes mappings meanwhile.
 */
#include "pager/pager.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct map_line {
	uint64_t start, end;
	char perms[5];
	uint64_t inode;
	char name[64];
};

static int maps_each(pid_t pid, int (*fn)(void *, const struct map_line *), void *arg)
{
	char path[64], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		struct map_line m = { 0 };
		unsigned long start, end, inode;

		if (sscanf(line, "%lx-%lx %4s %*x %*s %lu %63[^\n]", &start, &end, m.perms, &inode,
			   m.name) < 4)
			continue;
		m.start = start;
		m.end = end;
		m.inode = inode;
		if (fn(arg, &m))
			break;
	}
	fclose(f);
	return 0;
}

static bool wanted(const struct pager *p, uint64_t bytes, enum region_kind kind)
{
	switch (kind) {
	case KIND_HEAP:
		return p->config->regions & REGION_HEAP;
	case KIND_STACK:
		return p->config->regions & REGION_STACK;
	default:
		return (p->config->regions & REGION_ANON) && bytes >= p->config->anon_min_bytes;
	}
}

static bool ours(const struct space *s, uint64_t start, uint64_t end)
{
	const uint64_t mine[][2] = {
		{ s->agent.ring_addr, s->agent.ring_addr + sizeof(struct vmm_ring) },
		{ s->agent.stack, s->agent.stack + s->agent.stack_bytes },
		{ s->agent.staging[0], s->agent.staging[0] + VMM_RUN_MAX * VMM_PAGE },
		{ s->agent.staging[1], s->agent.staging[1] + VMM_RUN_MAX * VMM_PAGE },
		{ VMM_GATE_ADDR, VMM_GATE_ADDR + VMM_GATE_BYTES },
	};
	size_t i;

	for (i = 0; i < sizeof(mine) / sizeof(*mine); i++)
		if (start < mine[i][1] && mine[i][0] < end)
			return true;
	return false;
}

/* A line of the maps file at hello. An area of ours may touch a neighbour of the program's: the kernel merges such mappings into
 * one line, so the part around ours is cut out. */
static int take_line(void *arg, const struct map_line *m)
{
	struct space *s = arg;
	enum region_kind kind = KIND_ANON;
	int prot = (m->perms[0] == 'r') | (m->perms[1] == 'w') << 1 | (m->perms[2] == 'x') << 2;
	uint64_t a, b;

	if (m->inode || m->perms[3] != 'p')
		return 0;
	if (!strcmp(m->name, "[heap]")) {
		kind = KIND_HEAP;
		s->brk_start = m->start;
		s->brk_end = m->end;
	} else if (!strcmp(m->name, "[stack]")) {
		kind = KIND_STACK;
	} else if (m->name[0] && strncmp(m->name, "[anon", 5)) {
		return 0;
	}
	if (!wanted(s->pager, m->end - m->start, kind))
		return 0;
	for (a = m->start; a < m->end; a = b) {
		bool mine = ours(s, a, a + VMM_PAGE);

		for (b = a + VMM_PAGE; b < m->end && ours(s, b, b + VMM_PAGE) == mine;
		     b += VMM_PAGE)
			;
		if (!mine)
			space_manage(s, a, b, prot, kind);
	}
	return 0;
}

int space_take(struct space *s, pid_t pid)
{
	return maps_each(pid, take_line, s);
}

struct growth {
	struct space *s;
	uint64_t addr;
};

static int grown_line(void *arg, const struct map_line *m)
{
	struct growth *w = arg;
	struct region part;
	uint32_t i = 0;

	if (w->addr >= m->end)
		return 0;
	if (w->addr >= m->start && regions_next(&w->s->regions, w->addr, m->end, &i, &part) &&
	    part.kind == KIND_STACK)
		space_manage(w->s, m->start, part.start, part.prot, KIND_STACK);
	return 1;
}

/* The kernel extends the stack at a touch below it, and the registration with it: only the fault tells. */
struct region *space_grown(struct space *s, uint64_t addr, pid_t tid)
{
	struct growth w = { s, addr };
	struct region part;
	uint32_t i = 0;

	if (!regions_next(&s->regions, addr, UINT64_MAX, &i, &part) || part.kind != KIND_STACK)
		return NULL;
	maps_each(tid, grown_line, &w);
	return regions_find(&s->regions, addr);
}

struct mappings {
	uint64_t start, end;
	int (*fn)(void *arg, uint64_t start, uint64_t end);
	void *arg;
	uint64_t v[64][2];
	int n;
};

static int collect_line(void *arg, const struct map_line *m)
{
	struct mappings *c = arg;

	if (m->start < c->end && m->end > c->start && c->n < 64) {
		c->v[c->n][0] = m->start > c->start ? m->start : c->start;
		c->v[c->n++][1] = m->end < c->end ? m->end : c->end;
	}
	return m->start >= c->end;
}

int space_mappings(struct space *s, uint64_t start, uint64_t end,
		   int (*fn)(void *arg, uint64_t start, uint64_t end), void *arg)
{
	struct mappings c = { .start = start, .end = end };
	int i;

	maps_each(s->agent.pid, collect_line, &c);
	for (i = 0; fn && i < c.n; i++)
		if (fn(arg, c.v[i][0], c.v[i][1]))
			break;
	return c.n;
}

static int reread_line(void *arg, const struct map_line *m)
{
	struct space *s = arg;
	int prot = (m->perms[0] == 'r') | (m->perms[1] == 'w') << 1 | (m->perms[2] == 'x') << 2;
	struct region part;
	uint32_t i = 0;

	while (regions_next(&s->regions, m->start, m->end, &i, &part))
		if (part.prot != prot) {
			regions_protect(&s->regions, part.start, part.end, prot);
			i = 0;
		}
	return 0;
}

void space_reread(struct space *s, uint64_t start, uint64_t end)
{
	(void)start;
	(void)end;
	maps_each(s->agent.pid, reread_line, s);
}
