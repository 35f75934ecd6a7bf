/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages_ghosts.c - the model (pages.h) of policies that remember evicted pages. Lists: the first is the oldest.
 *
 *   2q         a = A1in, b = Am, ghost_a = A1out
 *   arc, car   a = T1, b = T2, ghost_a = B1, ghost_b = B2; the paper's steps in its order
 *   s3-fifo    a = small, b = main, ghost_a = ghost
 *   lirs       a = S (the last is its top), b = Q, hot = LIR; a page in S that is not resident is history
 *   clock-pro  a = the circle, cut just behind HAND_hot: the first is under it, a new page goes to the end
 */
#include "tests/model/pages.h"

static void twoq_miss(struct mem *m, uint32_t x)
{
	bool known = list_drop(&m->ghost_a, x);

	if (full(m)) {
		if (m->a.n > share(m, m->value[0]) || m->b.n == 0) {
			uint32_t y = list_shift(&m->a);

			leave(m, y);
			list_push(&m->ghost_a, y);
			if (m->ghost_a.n > share(m, m->value[1]))
				list_shift(&m->ghost_a);
		} else {
			leave(m, list_shift(&m->b));
		}
	}
	load(m, x);
	list_push(known ? &m->b : &m->a, x);
}

static void twoq_hit(struct mem *m, uint32_t x)
{
	if (list_drop(&m->b, x))
		list_push(&m->b, x);
}

static double larger(double x, double y)
{
	return x > y ? x : y;
}

static void evict_to(struct mem *m, struct list *from, struct list *ghost)
{
	uint32_t y = list_shift(from);

	leave(m, y);
	list_push(ghost, y);
}

static void arc_replace(struct mem *m, uint32_t x)
{
	if (m->a.n >= 1 && ((list_has(&m->ghost_b, x) && m->a.n == m->p) || m->a.n > m->p))
		evict_to(m, &m->a, &m->ghost_a);
	else
		evict_to(m, &m->b, &m->ghost_b);
}

static void arc_miss(struct mem *m, uint32_t x)
{
	double c = m->frames, b1 = m->ghost_a.n, b2 = m->ghost_b.n;
	uint32_t l1 = m->a.n + m->ghost_a.n, all = l1 + m->b.n + m->ghost_b.n;

	if (list_has(&m->ghost_a, x)) {
		m->p += larger(1, b2 / b1);
		m->p = m->p > c ? c : m->p;
		arc_replace(m, x);
		list_drop(&m->ghost_a, x);
		list_push(&m->b, x);
	} else if (list_has(&m->ghost_b, x)) {
		m->p = larger(0, m->p - larger(1, b1 / b2));
		arc_replace(m, x);
		list_drop(&m->ghost_b, x);
		list_push(&m->b, x);
	} else {
		if (l1 == m->frames && m->a.n < m->frames) {
			list_shift(&m->ghost_a);
			arc_replace(m, x);
		} else if (l1 == m->frames) {
			leave(m, list_shift(&m->a));
		} else if (all >= m->frames) {
			if (all == 2 * m->frames)
				list_shift(&m->ghost_b);
			arc_replace(m, x);
		}
		list_push(&m->a, x);
	}
	load(m, x);
}

static void arc_hit(struct mem *m, uint32_t x)
{
	if (!list_drop(&m->a, x))
		list_drop(&m->b, x);
	list_push(&m->b, x);
}

static void car_replace(struct mem *m)
{
	while (full(m)) {
		struct list *l = m->a.n >= larger(1, m->p) ? &m->a : &m->b;
		uint32_t y = l->page[0];

		if (!m->page[y].referenced) {
			evict_to(m, l, l == &m->a ? &m->ghost_a : &m->ghost_b);
		} else {
			m->page[y].referenced = false;
			list_shift(l);
			list_push(&m->b, y);
		}
	}
}

static void car_miss(struct mem *m, uint32_t x)
{
	bool in_b1 = list_has(&m->ghost_a, x), in_b2 = list_has(&m->ghost_b, x);
	double b1, b2;

	if (full(m)) {
		car_replace(m);
		if (!in_b1 && !in_b2) {
			if (m->a.n + m->ghost_a.n == m->frames)
				list_shift(&m->ghost_a);
			else if (m->a.n + m->b.n + m->ghost_a.n + m->ghost_b.n == 2 * m->frames)
				list_shift(&m->ghost_b);
		}
	}
	b1 = m->ghost_a.n;
	b2 = m->ghost_b.n;
	if (in_b1) {
		m->p += larger(1, b2 / b1);
		m->p = m->p > m->frames ? m->frames : m->p;
		list_drop(&m->ghost_a, x);
	} else if (in_b2) {
		m->p = larger(0, m->p - larger(1, b1 / b2));
		list_drop(&m->ghost_b, x);
	}
	list_push(in_b1 || in_b2 ? &m->b : &m->a, x);
	load(m, x);
}

enum { SMALL, GHOST, PROMOTE, BITS, FILL_MAIN };

static void s3fifo_evict_small(struct mem *m)
{
	while (full(m) && m->a.n) {
		uint32_t y = list_shift(&m->a);

		if (m->page[y].count >= m->value[PROMOTE]) {
			m->page[y].count = 0;
			list_push(&m->b, y);
			continue;
		}
		leave(m, y);
		list_push(&m->ghost_a, y);
		if (m->ghost_a.n > share(m, m->value[GHOST]))
			list_shift(&m->ghost_a);
	}
}

static void s3fifo_evict_main(struct mem *m)
{
	while (full(m)) {
		uint32_t y = list_shift(&m->b);

		if (!m->page[y].count) {
			leave(m, y);
			return;
		}
		m->page[y].count--;
		list_push(&m->b, y);
	}
}

static void s3fifo_miss(struct mem *m, uint32_t x)
{
	uint32_t small = share(m, m->value[SMALL]);
	bool to_main = list_drop(&m->ghost_a, x);

	while (full(m)) {
		m->evicted = true;
		if (m->a.n >= small)
			s3fifo_evict_small(m);
		else
			s3fifo_evict_main(m);
	}
	if (m->value[FILL_MAIN] && !m->evicted && m->a.n >= small)
		to_main = true;
	load(m, x);
	m->page[x].count = 0;
	list_push(to_main ? &m->b : &m->a, x);
}

static void s3fifo_hit(struct mem *m, uint32_t x)
{
	uint64_t most = (1u << m->value[BITS]) - 1;

	if (m->page[x].count < most)
		m->page[x].count++;
}

static bool resident(const struct mem *m, uint32_t x)
{
	return m->page[x].frame != PAGES_NOBODY;
}

static void lirs_prune(struct mem *m)
{
	while (m->a.n && !(resident(m, m->a.page[0]) && m->page[m->a.page[0]].hot))
		list_shift(&m->a);
}

/* S may have `stack` percent of frames pages; evicted ones are forgotten from its bottom. */
static void lirs_bound(struct mem *m)
{
	for (uint32_t i = 0; i < m->a.n && m->a.n > m->frames * m->value[1] / 100;) {
		if (resident(m, m->a.page[i]))
			i++;
		else
			list_drop(&m->a, m->a.page[i]);
	}
}

static uint32_t lirs_hot_most(const struct mem *m)
{
	return m->frames - share(m, m->value[0]);
}

/* x, on top of S, becomes LIR; the LIR page at the bottom of S becomes HIR if there is one too many. */
static void lirs_warm(struct mem *m, uint32_t x)
{
	m->page[x].hot = true;
	if (++m->hot > lirs_hot_most(m)) {
		uint32_t bottom = list_shift(&m->a);

		m->page[bottom].hot = false;
		m->hot--;
		list_push(&m->b, bottom);
		lirs_prune(m);
	}
}

static void lirs_miss(struct mem *m, uint32_t x)
{
	bool known = list_drop(&m->a, x);

	if (full(m)) {
		uint32_t y = list_shift(&m->b);

		leave(m, y);
		lirs_bound(m);
	}
	load(m, x);
	m->page[x].hot = false;
	list_push(&m->a, x);
	if (lirs_hot_most(m) && (known || m->hot < lirs_hot_most(m)))
		lirs_warm(m, x);
	else
		list_push(&m->b, x);
	lirs_prune(m);
	lirs_bound(m);
}

static void lirs_hit(struct mem *m, uint32_t x)
{
	bool in_s = list_drop(&m->a, x);

	list_push(&m->a, x);
	if (!m->page[x].hot) {
		list_drop(&m->b, x);
		if (in_s)
			lirs_warm(m, x);
		else
			list_push(&m->b, x);
	}
	lirs_prune(m);
	lirs_bound(m);
}

const struct pages_policy pages_ghosts[] = {
	{ .name = "2q", .miss = twoq_miss, .hit = twoq_hit },
	{ .name = "arc", .miss = arc_miss, .hit = arc_hit },
	{ .name = "car", .miss = car_miss },
	{ .name = "s3-fifo", .miss = s3fifo_miss, .hit = s3fifo_hit },
	{ .name = "lirs", .miss = lirs_miss, .hit = lirs_hit },
	{ .name = "clock-pro", .miss = clockpro_miss },
	{ 0 },
};
