/* SPDX-License-Identifier: Apache-2.0 */
/* physical.c - places: handing them out, moving pages between nodes, the check. */
#include "core/physical.h"
#include "core/buddy.h"
#include "core/core_internal.h"
#include "core/spec.h"

#include <errno.h>
#include <stdlib.h>

static int numa_make(struct physical *m, const char *spec)
{
	struct numa_config c;
	const char *bad;
	int err = numa_parse(spec, &c, &bad);

	if (!err)
		err = numa_init(&m->numa, &c);
	m->has_numa = !err;
	return err;
}

int physical_create(struct vmm *v, const struct vmm_config *c)
{
	struct physical *m;
	uint32_t nodes = 1;
	int err = 0;

	if (!spec_wanted(c->numa) && !spec_wanted(c->large))
		return 0;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	v->physical = m;
	if (spec_wanted(c->numa)) {
		err = numa_make(m, c->numa);
		nodes = m->numa.config.nodes;
	}
	if (!err)
		err = frame_table_init(&m->ram, c->frames, c->seed);
	if (!err)
		err = frame_table_split(&m->ram, nodes);
	if (err)
		return err;
	m->place = calloc(c->frames, sizeof(*m->place));
	m->order = calloc(c->frames, sizeof(*m->order));
	return m->place && m->order ? 0 : -ENOMEM;
}

void physical_destroy(struct vmm *v)
{
	struct physical *m = v->physical;

	if (!m)
		return;
	if (m->has_numa)
		numa_destroy(&m->numa);
	frame_table_destroy(&m->ram);
	free(m->place);
	free(m->order);
	free(m);
	v->physical = NULL;
}

/* The base frames from `place` on belong to f. */
static void place_settle(struct physical *m, uint32_t f, uint32_t place, uint32_t order)
{
	m->place[f] = place;
	m->order[f] = (uint8_t)order;
	for (uint32_t i = 0; i < 1u << order; i++)
		frame_settle(&m->ram, place + i, f);
}

static void place_free(struct physical *m, uint32_t place, uint32_t order)
{
	for (uint32_t i = 0; i < 1u << order; i++) {
		frame_lift(&m->ram, place + i);
		frame_free(&m->ram, place + i);
	}
}

uint32_t physical_take(struct vmm *v, uint32_t process, uint64_t vpn, uint32_t order)
{
	struct physical *m = v->physical;
	uint32_t place = m->has_numa ? numa_take(&m->numa, &m->ram, process, vpn, order)
				     : frame_take_group(&m->ram, order, VMM_NONE);
	uint32_t f;

	if (place == VMM_NONE)
		return VMM_NONE;
	f = frame_take(&v->frames);
	place_settle(m, f, place, order);
	return f;
}

void physical_put(struct vmm *v, uint32_t f)
{
	struct physical *m = v->physical;

	if (m->place[f] != VMM_NONE)
		place_free(m, m->place[f], m->order[f]);
	m->order[f] = 0;
	frame_free(&v->frames, f);
}

void physical_keep(struct vmm *v, uint32_t f)
{
	v->physical->place[f] = VMM_NONE;
}

uint32_t physical_settle(struct vmm *v, uint32_t place)
{
	struct physical *m = v->physical;
	uint32_t f = frame_take(&v->frames);

	m->place[f] = place;
	m->order[f] = 0;
	m->ram.page[place] = f;
	return f;
}

void physical_drop(struct vmm *v, uint32_t place)
{
	place_free(v->physical, place, 0);
}

/* Base frames of a group that could be taken from any of the nodes; 0: there is none. */
static uint32_t group_free(const struct physical *m, uint32_t node, uint32_t order)
{
	for (uint32_t n = 0; n < m->ram.nodes; n++)
		if ((node == VMM_NONE || n == node) &&
		    buddy_largest(&m->ram.pools[n]) >= (int)order)
			return 1u << order;
	return 0;
}

static bool bound(const struct physical *m)
{
	return m->has_numa && m->numa.config.placement == NUMA_BIND;
}

uint32_t physical_free(struct vmm *v, uint32_t page)
{
	struct physical *m = v->physical;
	const struct page *p = page == VMM_NONE ? NULL : &v->pages[page];
	uint32_t node = VMM_NONE;

	if (p && bound(m))
		node = numa_wanted(&m->numa, p->space, p->vpn);
	if (p && p->order)
		return group_free(m, node, p->order);
	return node == VMM_NONE ? frames_free(&m->ram) : frame_node_free(&m->ram, node);
}

bool physical_suits(struct vmm *v, uint32_t page, uint32_t f)
{
	struct physical *m = v->physical;
	const struct page *p;

	if (page == VMM_NONE || !bound(m))
		return true;
	p = &v->pages[page];
	return frame_node(&m->ram, m->place[f]) == numa_wanted(&m->numa, p->space, p->vpn);
}

void physical_accessed(struct vmm *v, uint32_t process, uint32_t page)
{
	struct physical *m = v->physical;
	uint32_t f = v->pages[page].frame, order = m->order[f], from = m->place[f], node, to;

	if (!m->has_numa)
		return;
	node = numa_access(&m->numa, &m->ram, process, from);
	if (node == VMM_NONE || frame_pinned(&v->frames, f))
		return;
	to = frame_take_group(&m->ram, order, node);
	if (to == VMM_NONE)
		return;
	place_free(m, from, order);
	place_settle(m, f, to, order);
	numa_migrated(&m->numa);
	mmu_sync(v, page);
}

void physical_exit(struct vmm *v, uint32_t process)
{
	if (v->physical->has_numa)
		numa_process_exit(&v->physical->numa, process);
}

void physical_stats(const struct vmm *v, struct vm_stats *s)
{
	const struct physical *m = v->physical;

	if (!m->has_numa)
		return;
	s->numa_local = numa_local(&m->numa);
	s->numa_remote = numa_remote(&m->numa);
	s->numa_migrations = m->numa.migrations;
	s->node_balance = numa_balance_percent(&m->numa, &m->ram);
}

uint64_t physical_extra_ns(const struct vmm *v)
{
	const struct physical *m = v->physical;

	return m->has_numa ? numa_extra_ns(&m->numa, v->timing.mem_ns) : 0;
}

/* NULL: there are no nodes. */
static struct numa *numa_of(const struct vmm *v)
{
	return v->physical && v->physical->has_numa ? &v->physical->numa : NULL;
}

int vmm_numa_distance(const struct vmm *v, uint32_t from, uint32_t to)
{
	const struct numa *n = numa_of(v);

	if (!n)
		return -ENOTSUP;
	if (from >= n->config.nodes || to >= n->config.nodes)
		return -EINVAL;
	return n->distance[from][to];
}

int vmm_numa_set_distance(struct vmm *v, uint32_t from, uint32_t to, uint32_t distance)
{
	struct numa *n = numa_of(v);

	if (!n)
		return -ENOTSUP;
	return distance > UINT8_MAX ? -EINVAL : numa_set_distance(n, from, to, (uint8_t)distance);
}

int vmm_numa_home(struct vmm *v, uint32_t pid)
{
	struct numa *n = numa_of(v);

	return n ? (int)numa_home(n, pid) : -ENOTSUP;
}

int vmm_numa_set_home(struct vmm *v, uint32_t pid, uint32_t node)
{
	struct numa *n = numa_of(v);

	return n ? numa_set_home(n, pid, node) : -ENOTSUP;
}

int vmm_numa_node(const struct vmm *v, uint32_t pid, uint64_t addr)
{
	uint64_t vpn = addr >> v->page_shift;
	uint32_t id = core_find(v, pid, vpn);
	const struct page *p = id == VMM_NONE ? NULL : &v->pages[id];

	if (!numa_of(v))
		return -ENOTSUP;
	if (!p || !page_resident(p))
		return -ENOENT;
	return (int)frame_node(&v->physical->ram, page_place(v, p));
}

int physical_check(const struct vmm *v)
{
	const struct physical *m = v->physical;
	const struct frame_table *t = &v->frames;
	uint64_t base = 0;

	if (frame_table_check(&m->ram) || m->ram.in_transit ||
	    (m->has_numa && numa_check(&m->numa)))
		return -EINVAL;
	for (uint32_t f = 0; f < t->fresh; f++) {
		uint32_t n = 1u << m->order[f];

		if (t->page[f] == VMM_NONE)
			continue;
		if (m->place[f] & (n - 1) || m->place[f] + n > m->ram.capacity)
			return -EINVAL;
		for (uint32_t i = 0; i < n; i++)
			if (m->ram.page[m->place[f] + i] != f)
				return -EINVAL;
		base += n;
	}
	return base == m->ram.used ? 0 : -EINVAL;
}
