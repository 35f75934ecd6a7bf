/* SPDX-License-Identifier: Apache-2.0 */
/* pages.c - lists and memory of the model in pages.h, and the search for the fewest faults. */
#include "tests/model/pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void list_put(struct list *l, uint32_t at, uint32_t page)
{
	memmove(&l->page[at + 1], &l->page[at], (l->n - at) * sizeof(l->page[0]));
	l->page[at] = page;
	l->n++;
}

void list_push(struct list *l, uint32_t page)
{
	list_put(l, l->n, page);
}

void list_push_front(struct list *l, uint32_t page)
{
	list_put(l, 0, page);
}

uint32_t list_index(const struct list *l, uint32_t page)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->page[i] == page)
			return i;
	return PAGES_NOBODY;
}

bool list_has(const struct list *l, uint32_t page)
{
	return list_index(l, page) != PAGES_NOBODY;
}

bool list_drop(struct list *l, uint32_t page)
{
	uint32_t i = list_index(l, page);

	if (i == PAGES_NOBODY)
		return false;
	l->n--;
	memmove(&l->page[i], &l->page[i + 1], (l->n - i) * sizeof(l->page[0]));
	return true;
}

uint32_t list_shift(struct list *l)
{
	uint32_t page = l->page[0];

	list_drop(l, page);
	return page;
}

uint32_t share(const struct mem *m, uint64_t percent)
{
	uint64_t n = m->frames * percent / 100;

	return n ? (uint32_t)n : 1;
}

void leave(struct mem *m, uint32_t page)
{
	struct mem_page *p = &m->page[page];

	m->counts->evictions++;
	m->counts->evictions_dirty += p->dirty;
	p->stored |= p->dirty;
	p->clean_at_ns = 0;
	m->free_frame[m->n_free++] = p->frame;
	p->frame = PAGES_NOBODY;
	m->used--;
}

/* The frame is the lowest that was never used, or the one that was left last. */
void load(struct mem *m, uint32_t page)
{
	struct mem_page *p = &m->page[page];

	p->frame = m->n_fresh < m->frames ? m->n_fresh++ : m->free_frame[--m->n_free];
	p->dirty = p->referenced = false;
	m->reads += p->stored;
	m->used++;
}

uint32_t in_frame(const struct mem *m, uint32_t frame)
{
	for (uint32_t i = 0; i < PAGES_MAX; i++)
		if (m->page[i].frame == frame)
			return i;
	return PAGES_NOBODY;
}

static const struct pages_policy *find(const char *name)
{
	const struct pages_policy *const tables[] = { pages_stacks, pages_clocks,   pages_ghosts,
						      pages_mixed,  pages_learning, pages_simple };

	for (int t = 0; t < 6; t++)
		for (const struct pages_policy *p = tables[t]; p->name; p++)
			if (strcmp(p->name, name) == 0)
				return p;
	return NULL;
}

static void reference(struct mem *m, const struct pages_policy *policy)
{
	uint32_t x = m->ref[m->now].page;
	struct mem_page *p = &m->page[x];

	if (p->frame == PAGES_NOBODY) {
		m->counts->faults++;
		policy->miss(m, x);
		p->referenced = policy->loaded_referenced && !m->load_clear;
	} else if (policy->hit) {
		policy->hit(m, x);
	} else {
		p->referenced = true;
	}
	p->dirty |= m->ref[m->now].write;
}

int pages_run(const char *name, const uint64_t *value, uint32_t frames, const struct pages_ref *ref,
	      size_t n, struct pages_counts *counts)
{
	const struct pages_policy *policy = find(name);
	struct mem *m;

	if (!policy)
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	*counts = (struct pages_counts){ 0 };
	m->frames = frames;
	m->value = value;
	m->ref = ref;
	m->n_refs = n;
	m->counts = counts;
	m->hand = m->hand_cold = m->hand_test = PAGES_NOBODY;
	for (uint32_t i = 0; i < PAGES_MAX; i++)
		m->page[i].frame = PAGES_NOBODY;
	for (m->now = 0; m->now < n; m->now++) {
		if (ref[m->now].page >= PAGES_MAX) {
			free(m);
			return -EINVAL;
		}
		reference(m, policy);
		if (!policy->after)
			continue;
		m->now++;
		policy->after(m, ref[m->now - 1].page);
		counts->resident_sum += m->used;
		m->now--;
	}
	free(m);
	return 0;
}

/* cost[set]: the fewest faults after which exactly these pages are resident. */
uint64_t pages_fewest_faults(uint32_t frames, const struct pages_ref *ref, size_t n)
{
	enum { SETS = 1 << 16 };
	static uint32_t cost[SETS], next[SETS];
	uint32_t best = UINT32_MAX;

	memset(cost, 0xff, sizeof(cost));
	cost[0] = 0;
	for (size_t k = 0; k < n; k++) {
		uint32_t page = 1u << ref[k].page;

		memset(next, 0xff, sizeof(next));
		for (uint32_t set = 0; set < SETS; set++) {
			uint32_t c = cost[set];

			if (c == UINT32_MAX)
				continue;
			if (set & page) {
				next[set] = c < next[set] ? c : next[set];
				continue;
			}
			if ((uint32_t)__builtin_popcount(set) < frames && c + 1 < next[set | page])
				next[set | page] = c + 1;
			for (uint32_t v = set; v && (uint32_t)__builtin_popcount(set) == frames;
			     v &= v - 1) {
				uint32_t to = (set & ~(v & -v)) | page;

				next[to] = c + 1 < next[to] ? c + 1 : next[to];
			}
		}
		memcpy(cost, next, sizeof(cost));
	}
	for (uint32_t set = 0; set < SETS; set++)
		best = cost[set] < best ? cost[set] : best;
	return best;
}
