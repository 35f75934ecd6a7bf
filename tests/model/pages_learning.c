/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages_learning.c - the model (pages.h) of lecar and cacheus: two experts and a weight, in m->p.
 *
 *   lecar      a = LRU's order; count and order = LFU's; ghost_a, ghost_b = histories of LRU, LFU
 *   cacheus    a = SR, b = R; hot = demoted, test = new; count = touches, last = time of the last touch;
 *              ghost_a, ghost_b = histories of SR-LRU, CR-LFU
 */
#include "tests/model/pages.h"

#include <math.h>

double draw(struct mem *m)
{
	return (double)(draw_bits(m) >> 11) / 9007199254740992.0;
}

static void lecar_learn(struct mem *m, uint32_t x, bool lru_was_wrong)
{
	double d = pow(0.005, 1.0 / m->frames), t = (double)(m->now - m->page[x].used);
	double gain = exp((double)m->value[0] / 100 * pow(d, t)), lru = m->p, lfu = 1 - m->p;

	if (lru_was_wrong)
		lfu *= gain;
	else
		lru *= gain;
	m->p = lru / (lru + lfu);
	m->p = m->p > 0.99 ? 0.99 : m->p < 0.01 ? 0.01 : m->p;
}

static void lecar_evict(struct mem *m)
{
	bool follow_lru = draw(m) < m->p;
	uint32_t lru = m->a.page[0], lfu = lru, victim;
	struct list *history = follow_lru ? &m->ghost_a : &m->ghost_b;

	for (uint32_t i = 1; i < m->a.n; i++)
		if (m->page[m->a.page[i]].count < m->page[lfu].count)
			lfu = m->a.page[i];
	victim = follow_lru ? lru : lfu;
	list_drop(&m->a, victim);
	leave(m, victim);
	m->page[victim].used = m->now;
	if (lru == lfu)
		return;
	list_push(history, victim);
	if (history->n > share(m, m->value[1]))
		list_shift(history);
}

static void lecar_miss(struct mem *m, uint32_t x)
{
	bool by_lru = list_drop(&m->ghost_a, x), by_lfu = list_drop(&m->ghost_b, x);

	if (m->p == 0)
		m->p = 0.5;
	if (by_lru || by_lfu)
		lecar_learn(m, x, by_lru);
	else
		m->page[x].count = 0;
	if (full(m))
		lecar_evict(m);
	load(m, x);
	m->page[x].count++;
	list_push(&m->a, x);
}

static void lecar_hit(struct mem *m, uint32_t x)
{
	m->page[x].count++;
	list_drop(&m->a, x);
	list_push(&m->a, x);
}

/* What is done before the reference numbered now + 1 when that is a multiple of the number of frames. */
static void rate_period(struct mem *m)
{
	double rate = m->learn.rate;
	long hit = lround(1000.0 * (double)m->learn.hits / m->frames);
	long dh = hit - m->learn.hit_before;
	long dr = lround(rate * 1000) - lround(m->learn.rate_before * 1000);

	if (dh * dr > 0)
		m->learn.rate = rate + rate * fabs((double)dr / 1000);
	else if (dh * dr < 0)
		m->learn.rate = rate - rate * fabs((double)dr / 1000);
	if (dh * dr != 0) {
		m->learn.periods_idle = m->learn.periods_worse = 0;
		m->learn.rate = m->learn.rate > 1 ? 1 : m->learn.rate;
		m->learn.rate = m->learn.rate < 0.001 ? 0.001 : m->learn.rate;
	}
	if (dh * dr == 0 && dh <= 0) {
		if (hit <= 0 && dh == 0)
			m->learn.periods_idle++;
		if (dh < 0) {
			m->learn.periods_worse++;
			m->learn.periods_idle++;
		}
		if (m->learn.periods_idle >= 10) {
			m->learn.rate = m->learn.rate_first;
			m->learn.periods_idle = 0;
		} else if (dh < 0 && m->learn.periods_worse >= 10) {
			m->learn.rate = m->learn.rate_first;
			m->learn.periods_worse = 0;
		} else if (dh < 0) {
			if (rate >= 1)
				m->learn.rate = 0.9;
			else if (rate <= 0.001)
				m->learn.rate = 0.005;
			else if (draw(m) < 0.5)
				m->learn.rate = rate * 1.25 > 1 ? 1 : rate * 1.25;
			else
				m->learn.rate = rate * 0.75 < 0.001 ? 0.001 : rate * 0.75;
		}
	}
	m->learn.rate_before = rate;
	m->learn.hit_before = hit;
	m->learn.hits = 0;
}

static void cacheus_reference(struct mem *m)
{
	if (m->p == 0) {
		m->p = 0.5;
		m->learn.b_max = share(m, m->value[2]);
		m->learn.a_max = m->frames - m->learn.b_max;
		m->learn.rate = sqrt(log(4) / m->frames);
		if (m->value[0])
			m->learn.rate = (double)m->value[0] / 1000;
		m->learn.rate_first = m->learn.rate > 1       ? 1
				      : m->learn.rate < 0.001 ? 0.001
							      : m->learn.rate;
	}
	if ((m->now + 1) % m->frames == 0)
		rate_period(m);
}

static long demotions(const struct mem *m)
{
	long n = 0;

	for (uint32_t i = 0; i < m->b.n; i++)
		n += m->page[m->b.page[i]].hot;
	return n;
}

static long news(const struct mem *m)
{
	long n = 0;

	for (uint32_t i = 0; i < m->ghost_a.n; i++)
		n += m->page[m->ghost_a.page[i]].test;
	return n;
}

static long step_of(long a, long b)
{
	long step = (long)floor((double)a / (b > 1 ? (double)b : 1.0) + 0.5);

	return step > 1 ? step : 1;
}

static void demote(struct mem *m)
{
	uint32_t x = list_shift(&m->a);

	m->page[x].hot = true;
	list_push(&m->b, x);
}

static void limit(struct mem *m)
{
	while (m->a.n && m->a.n >= m->learn.a_max)
		demote(m);
}

static void cacheus_hit(struct mem *m, uint32_t x)
{
	struct mem_page *p = &m->page[x];
	long most = (long)m->frames - 1;

	cacheus_reference(m);
	m->learn.hits++;
	p->count++;
	p->last = m->now;
	if (list_drop(&m->a, x)) {
		list_push(&m->a, x);
		return;
	}
	if (p->hot) {
		m->learn.a_max += step_of(news(m), demotions(m));
		m->learn.a_max = m->learn.a_max > most ? most : m->learn.a_max;
		m->learn.b_max = m->frames - m->learn.a_max;
	}
	p->hot = false;
	list_drop(&m->b, x);
	if (m->a.n && m->a.n >= m->learn.a_max)
		demote(m);
	list_push(&m->a, x);
}

static bool rather(const struct mem *m, uint32_t x, uint32_t y)
{
	const struct mem_page *p = &m->page[x], *q = &m->page[y];

	return p->count != q->count ? p->count < q->count : p->last > q->last;
}

static void cacheus_evict(struct mem *m)
{
	bool follow_lru = draw(m) < m->p;
	uint32_t lru = m->b.n ? m->b.page[0] : m->a.page[0], lfu = lru, victim;
	struct list *history = follow_lru ? &m->ghost_a : &m->ghost_b;
	uint64_t most = m->frames * m->value[1] / 100;

	for (uint32_t i = 0; i < m->a.n; i++)
		lfu = rather(m, m->a.page[i], lfu) ? m->a.page[i] : lfu;
	for (uint32_t i = 0; i < m->b.n; i++)
		lfu = rather(m, m->b.page[i], lfu) ? m->b.page[i] : lfu;
	victim = follow_lru ? lru : lfu;
	list_drop(&m->a, victim);
	list_drop(&m->b, victim);
	leave(m, victim);
	m->page[victim].hot = false;
	if (lru == lfu || !most)
		return;
	list_push(history, victim);
	if (history->n > most)
		list_shift(history);
}

static void cacheus_regret(struct mem *m, bool lru_was_wrong)
{
	double lru = m->p, lfu = 1 - m->p, loss = exp(-m->learn.rate);

	if (lru_was_wrong)
		lru *= loss;
	else
		lfu *= loss;
	m->p = lru / (lru + lfu);
	m->p = m->p > 0.99 ? 0.99 : m->p < 0.01 ? 0.01 : m->p;
}

static void cacheus_miss(struct mem *m, uint32_t x)
{
	struct mem_page *p = &m->page[x];
	long most = (long)m->frames - 1;
	bool was_full = full(m), by_lru, by_lfu;

	cacheus_reference(m);
	by_lru = list_drop(&m->ghost_a, x);
	by_lfu = list_drop(&m->ghost_b, x);
	if (by_lru || by_lfu)
		cacheus_regret(m, by_lru);
	if (by_lru && p->test) {
		m->learn.b_max += step_of(demotions(m), news(m));
		m->learn.b_max = m->learn.b_max > most ? most : m->learn.b_max;
		m->learn.a_max = m->frames - m->learn.b_max;
	}
	if (was_full)
		cacheus_evict(m);
	load(m, x);
	p->last = m->now;
	p->hot = p->test = false;
	if (by_lru || by_lfu) {
		list_push(&m->a, x);
		limit(m);
		return;
	}
	p->count = 1;
	if (!was_full && m->b.n == 0 && m->a.n < m->learn.a_max) {
		list_push(&m->a, x);
	} else if (!was_full && m->b.n < m->learn.b_max) {
		list_push(&m->b, x);
	} else {
		p->test = true;
		list_push(&m->b, x);
		limit(m);
	}
}

const struct pages_policy pages_learning[] = {
	{ .name = "lecar", .miss = lecar_miss, .hit = lecar_hit },
	{ .name = "cacheus", .miss = cacheus_miss, .hit = cacheus_hit },
	{ 0 },
};
