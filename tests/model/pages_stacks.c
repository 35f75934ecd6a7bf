/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages_stacks.c - the model (pages.h) of policies without history of evicted pages, but lru-k, that see every touch.
 *
 *   mru    the page used last goes
 *   lfu    the page used least often since it was loaded goes; of those, the one that has had its count longest
 *   lfuda  key = uses since loading + the age when it was used last; the lowest key goes, of those the one used longest
 *          ago, and the age becomes its key
 *   slru   see the two lists: a = probationary, b = protected
 *   lru-k  HIST and LAST of the paper, times from 1 on; history of evicted pages: ghost_a, the latest evictions only
 *   opt    the page that is used again last goes; of those never used again the one in the lowest frame
 *   vmin   after its use a page leaves unless it is used again within tau; when a frame is needed, as opt
 */
#include "tests/model/pages.h"

#include <string.h>

static void mru_miss(struct mem *m, uint32_t x)
{
	if (full(m)) {
		uint32_t last = m->a.page[m->a.n - 1];

		list_drop(&m->a, last);
		leave(m, last);
	}
	load(m, x);
	list_push(&m->a, x);
}

static void mru_hit(struct mem *m, uint32_t x)
{
	list_drop(&m->a, x);
	list_push(&m->a, x);
}

/* The member of list a with the least key; the first of those. */
static uint32_t least(const struct mem *m)
{
	uint32_t best = m->a.page[0];

	for (uint32_t i = 1; i < m->a.n; i++)
		if (m->page[m->a.page[i]].key < m->page[best].key)
			best = m->a.page[i];
	return best;
}

/* List a is in the order in which pages got their counts. */
static void lfu_miss(struct mem *m, uint32_t x)
{
	if (full(m)) {
		uint32_t victim = least(m);

		list_drop(&m->a, victim);
		leave(m, victim);
	}
	load(m, x);
	m->page[x].key = 1;
	list_push(&m->a, x);
}

static void lfu_hit(struct mem *m, uint32_t x)
{
	m->page[x].key++;
	list_drop(&m->a, x);
	list_push(&m->a, x);
}

static void lfuda_miss(struct mem *m, uint32_t x)
{
	if (full(m)) {
		uint32_t victim = least(m);

		m->age = m->page[victim].key;
		list_drop(&m->a, victim);
		leave(m, victim);
	}
	load(m, x);
	m->page[x].count = 1;
	m->page[x].key = 1 + m->age;
	list_push(&m->a, x);
}

static void lfuda_hit(struct mem *m, uint32_t x)
{
	m->page[x].count++;
	m->page[x].key = m->page[x].count + m->age;
	list_drop(&m->a, x);
	list_push(&m->a, x);
}

static void slru_miss(struct mem *m, uint32_t x)
{
	if (full(m))
		leave(m, list_shift(m->a.n ? &m->a : &m->b));
	load(m, x);
	list_push(&m->a, x);
}

static void slru_hit(struct mem *m, uint32_t x)
{
	list_drop(&m->a, x);
	list_drop(&m->b, x);
	list_push(&m->b, x);
	if (m->b.n > share(m, m->value[0]))
		list_push(&m->a, list_shift(&m->b));
}

enum { K, CORRELATED, HISTORY };

/* x would rather go than y. */
static bool lruk_before(const struct mem *m, uint32_t x, uint32_t y)
{
	const uint64_t *hx = m->page[x].hist, *hy = m->page[y].hist;
	uint64_t k = m->value[K] - 1;

	return hx[k] != hy[k] ? hx[k] < hy[k] : hx[0] < hy[0];
}

static uint32_t lruk_victim(struct mem *m, uint64_t correlated)
{
	uint32_t best = PAGES_NOBODY;

	for (uint32_t i = 0; i < m->a.n; i++) {
		uint32_t q = m->a.page[i];

		if (m->now + 1 - m->page[q].last <= correlated)
			continue;
		if (best == PAGES_NOBODY || lruk_before(m, q, best))
			best = q;
	}
	return best == PAGES_NOBODY ? lruk_victim(m, 0) : best;
}

static void lruk_miss(struct mem *m, uint32_t x)
{
	struct mem_page *p = &m->page[x];
	bool remembered = list_drop(&m->ghost_a, x);

	if (full(m)) {
		uint32_t victim = lruk_victim(m, m->value[CORRELATED]);

		list_drop(&m->a, victim);
		leave(m, victim);
		list_push(&m->ghost_a, victim);
		if (m->ghost_a.n > m->frames * m->value[HISTORY] / 100)
			list_shift(&m->ghost_a);
	}
	load(m, x);
	if (!remembered)
		memset(p->hist, 0, sizeof(p->hist));
	for (uint64_t i = m->value[K] - 1; i; i--)
		p->hist[i] = p->hist[i - 1];
	p->hist[0] = p->last = m->now + 1;
	list_push(&m->a, x);
}

static void lruk_hit(struct mem *m, uint32_t x)
{
	struct mem_page *p = &m->page[x];
	uint64_t t = m->now + 1;

	if (t - p->last > m->value[CORRELATED]) {
		uint64_t length = p->last - p->hist[0];

		for (uint64_t i = m->value[K] - 1; i; i--)
			p->hist[i] = p->hist[i - 1] ? p->hist[i - 1] + length : 0;
		p->hist[0] = t;
	}
	p->last = t;
}

static size_t next_use(const struct mem *m, uint32_t page)
{
	for (size_t k = m->now + 1; k < m->n_refs; k++)
		if (m->ref[k].page == page)
			return k;
	return SIZE_MAX;
}

static void opt_miss(struct mem *m, uint32_t x)
{
	if (full(m)) {
		uint32_t victim = in_frame(m, 0);
		size_t farthest = next_use(m, victim);

		for (uint32_t f = 1; f < m->frames && farthest != SIZE_MAX; f++) {
			uint32_t q = in_frame(m, f);
			size_t next = next_use(m, q);

			if (next > farthest) {
				farthest = next;
				victim = q;
			}
		}
		leave(m, victim);
	}
	load(m, x);
}

/* List a: not used again within tau; the first has waited longest. */
static void vmin_miss(struct mem *m, uint32_t x)
{
	if (full(m) && m->a.n) {
		leave(m, list_shift(&m->a));
		load(m, x);
	} else {
		opt_miss(m, x);
	}
}

static void vmin_after(struct mem *m, uint32_t x)
{
	uint64_t tau = m->value[0] ? m->value[0] : 4 * m->frames;
	size_t this = m->now - 1, next;

	m->now = this;
	next = next_use(m, x);
	m->now = this + 1;
	list_drop(&m->a, x);
	if (next != SIZE_MAX && next - this <= tau)
		return;
	if (m->value[1])
		leave(m, x);
	else
		list_push(&m->a, x);
}

const struct pages_policy pages_stacks[] = {
	{ .name = "mru", .miss = mru_miss, .hit = mru_hit },
	{ .name = "lfu", .miss = lfu_miss, .hit = lfu_hit },
	{ .name = "lfuda", .miss = lfuda_miss, .hit = lfuda_hit },
	{ .name = "slru", .miss = slru_miss, .hit = slru_hit },
	{ .name = "lru-k", .miss = lruk_miss, .hit = lruk_hit },
	{ .name = "opt", .miss = opt_miss },
	{ .name = "vmin", .miss = vmin_miss, .after = vmin_after },
	{ 0 },
};
