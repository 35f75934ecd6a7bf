/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages_mixed.c - the model (pages.h) of the two schemes of Linux and of w-tinylfu.
 *
 *   linux2     a = inactive, b = active, ghost_a = evicted ones with the age they left at (key); hot = PG_referenced.
 *              Memory is below 1 GB
 *   mglru      a = all pages in the order in which their list has them, oldest list first; key = the generation that a page
 *              belongs to, used = that of the list it is in
 *   w-tinylfu  a = window, b = probationary, ghost_b = protected (resident: a third list); counts in m->sketch by page:
 *              pages are hashed as the policy says, so they must be numbered in the order of their first use
 */
#include "tests/model/pages.h"

static bool low(const struct mem *m)
{
	return m->a.n < m->b.n;
}

static void deactivate(struct mem *m, uint64_t n)
{
	for (; n && m->b.n; n--) {
		uint32_t x = list_shift(&m->b);

		m->page[x].referenced = false;
		list_push(&m->a, x);
	}
}

static bool scan(struct mem *m)
{
	while (m->a.n) {
		uint32_t x = list_shift(&m->a);
		struct mem_page *p = &m->page[x];

		if (!p->referenced) {
			leave(m, x);
			p->key = m->age++;
			list_push(&m->ghost_a, x);
			return true;
		}
		p->referenced = false;
		if (p->hot)
			m->age++;
		list_push(p->hot ? &m->b : &m->a, x);
		p->hot = true;
	}
	return false;
}

static void linux2_miss(struct mem *m, uint32_t x)
{
	bool active = list_drop(&m->ghost_a, x) && m->age - m->page[x].key <= m->b.n;

	if (full(m)) {
		if (low(m))
			deactivate(m, m->value[0]);
		else if (m->evicted)
			deactivate(m, 1);
		m->evicted = false; /* "a refault has activated a page" */
		if (!scan(m)) {
			deactivate(m, m->value[0]);
			scan(m);
		}
	}
	load(m, x);
	m->page[x].hot = false;
	if (active) {
		m->age++;
		m->evicted = true;
	}
	list_push(active ? &m->b : &m->a, x);
}

/* The youngest is m->sequence, the oldest m->age. */
static uint32_t in_list(const struct mem *m, uint64_t generation)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->a.n; i++)
		n += m->page[m->a.page[i]].used == generation;
	return n;
}

static uint32_t belong(const struct mem *m, uint64_t generation)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->a.n; i++)
		n += m->page[m->a.page[i]].key == generation;
	return n;
}

static void oldest_end(struct mem *m)
{
	while (m->sequence - m->age + 1 > 2 && in_list(m, m->age) == 0)
		m->age++;
}

static void grow_old(struct mem *m)
{
	uint64_t generations = m->sequence - m->age + 1;

	if (generations > 3)
		return;
	if (generations == 3 && belong(m, m->sequence) * 2 <= m->a.n &&
	    belong(m, m->age) * 4 >= m->a.n)
		return;
	for (uint32_t i = 0; i < m->a.n; i++) {
		struct mem_page *p = &m->page[m->a.page[i]];

		if (p->referenced)
			p->key = m->sequence;
		p->referenced = false;
	}
	m->sequence++;
}

/* x goes to the head of the list of the generation that it belongs to. */
static void to_list(struct mem *m, uint32_t x)
{
	uint32_t at = 0;

	list_drop(&m->a, x);
	m->page[x].used = m->page[x].key;
	while (at < m->a.n && m->page[m->a.page[at]].used <= m->page[x].used)
		at++;
	list_put(&m->a, at, x);
}

static void mglru_miss(struct mem *m, uint32_t x)
{
	if (m->sequence == 0)
		m->sequence = 3;
	while (full(m)) {
		struct mem_page *p;

		oldest_end(m);
		grow_old(m);
		oldest_end(m);
		p = &m->page[m->a.page[0]];
		if (p->used != p->key) {
			to_list(m, m->a.page[0]);
		} else if (p->referenced) {
			p->referenced = false;
			p->key = m->sequence;
			to_list(m, m->a.page[0]);
		} else {
			leave(m, list_shift(&m->a));
		}
	}
	load(m, x);
	m->page[x].key = m->sequence;
	list_push(&m->a, x);
	to_list(m, x);
}

static uint8_t *cell(struct mem *m, uint32_t page, uint32_t row)
{
	static const uint64_t factor[4] = { 0x9E3779B97F4A7C15u, 0xC2B2AE3D27D4EB4Fu,
					    0x165667B19E3779F9u, 0xD6E8FEB86659FD93u };
	uint32_t columns = 2;
	uint64_t hash = factor[row] * (page + 1);

	while (columns < m->frames)
		columns *= 2;
	return &m->sketch[row][hash / (UINT64_MAX / columns + 1)];
}

static uint32_t estimate(struct mem *m, uint32_t page)
{
	uint32_t least = 15;

	for (uint32_t row = 0; row < 4; row++)
		least = *cell(m, page, row) < least ? *cell(m, page, row) : least;
	return least;
}

static void note(struct mem *m, uint32_t page)
{
	uint32_t least = estimate(m, page);

	for (uint32_t row = 0; row < 4; row++)
		if (least < 15 && *cell(m, page, row) == least)
			*cell(m, page, row) += 1;
	if (++m->sequence < m->frames * m->value[2])
		return;
	for (uint32_t row = 0; row < 4; row++)
		for (uint32_t i = 0; i < PAGES_MAX; i++)
			m->sketch[row][i] /= 2;
	m->sequence /= 2;
}

static void tinylfu_miss(struct mem *m, uint32_t x)
{
	uint32_t window = share(m, m->value[0]);
	struct list *from = m->b.n ? &m->b : &m->ghost_b;

	note(m, x);
	if (full(m)) {
		if (from->n == 0) {
			leave(m, list_shift(&m->a));
		} else if (m->a.n < window) {
			leave(m, list_shift(from));
		} else if (estimate(m, m->a.page[0]) > estimate(m, from->page[0])) {
			leave(m, list_shift(from));
			list_push(&m->b, list_shift(&m->a));
		} else {
			leave(m, list_shift(&m->a));
		}
	} else if (m->a.n == window) {
		list_push(&m->b, list_shift(&m->a));
	}
	load(m, x);
	list_push(&m->a, x);
}

static void tinylfu_hit(struct mem *m, uint32_t x)
{
	uint32_t most = (m->frames - share(m, m->value[0])) * m->value[1] / 100;

	note(m, x);
	if (list_drop(&m->a, x)) {
		list_push(&m->a, x);
		return;
	}
	list_drop(&m->b, x);
	list_drop(&m->ghost_b, x);
	list_push(&m->ghost_b, x);
	if (m->ghost_b.n > (most ? most : 1))
		list_push(&m->b, list_shift(&m->ghost_b));
}

const struct pages_policy pages_mixed[] = {
	{ .name = "linux2", .miss = linux2_miss, .loaded_referenced = true },
	{ .name = "mglru", .miss = mglru_miss, .loaded_referenced = true },
	{ .name = "w-tinylfu", .miss = tinylfu_miss, .hit = tinylfu_hit },
	{ 0 },
};
