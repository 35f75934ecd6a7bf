/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages_clocks.c - the model (pages.h) of policies with a hand or with ticks.
 *
 * List a is the circle, cut where the hand is: the first member is under the hand; one that is passed goes to the end,
 * and so does a new page.
 *
 *   gclock          a count that is not 0 is counted down and its page passed; bit=1: a set bit is cleared, `add` is added
 *                   to the count and the page passed
 *   enhanced-clock  turns (0,0); (0,1) clearing bits; (0,0); (0,1)
 *   wsclock         see the cases at a page in turn(); time passes as in the default timing model, without a TLB
 *   aging, nfu      counters in frame order, ticks when a victim is needed
 *   ws              pages in the order of last use known; samples when a victim is needed
 */
#include "tests/model/pages.h"

static void pass(struct mem *m)
{
	list_push(&m->a, list_shift(&m->a));
}

static void circle_evict_first(struct mem *m)
{
	leave(m, list_shift(&m->a));
}

enum { INIT, ADD, CAP, BIT };

static void gclock_add(struct mem *m, uint32_t x)
{
	uint64_t *count = &m->page[x].count;

	*count = m->value[ADD] ? *count + m->value[ADD] : m->value[CAP];
	if (*count > m->value[CAP])
		*count = m->value[CAP];
}

static void gclock_miss(struct mem *m, uint32_t x)
{
	while (full(m)) {
		struct mem_page *p = &m->page[m->a.page[0]];

		if (m->value[BIT] && p->referenced) {
			p->referenced = false;
			gclock_add(m, m->a.page[0]);
			pass(m);
		} else if (p->count) {
			p->count--;
			pass(m);
		} else {
			circle_evict_first(m);
		}
	}
	load(m, x);
	m->page[x].count = m->value[INIT];
	list_push(&m->a, x);
}

static void gclock_hit(struct mem *m, uint32_t x)
{
	if (m->value[BIT])
		m->page[x].referenced = true;
	else
		gclock_add(m, x);
}

static void enhanced_miss(struct mem *m, uint32_t x)
{
	uint32_t n = m->a.n;

	for (int turn = 1; full(m); turn++)
		for (uint32_t i = 0; i < n && full(m); i++) {
			struct mem_page *p = &m->page[m->a.page[0]];

			if (!p->referenced && p->dirty == (turn % 2 == 0)) {
				circle_evict_first(m);
				break;
			}
			if (turn % 2 == 0 || m->value[0] == 1)
				p->referenced = false;
			pass(m);
		}
	load(m, x);
	list_push(&m->a, x);
}

/* Of the default timing model, when the fault that is under way has not been counted. */
static uint64_t time_ns(const struct mem *m)
{
	return 100 * m->now + 1000000 * (m->counts->faults - 1) +
	       5000000 * (m->reads + m->counts->evictions_dirty);
}

static void writes_complete(struct mem *m)
{
	for (uint32_t i = 0; i < m->a.n; i++)
		if (m->page[m->a.page[i]].clean_at_ns <= time_ns(m))
			m->page[m->a.page[i]].clean_at_ns = 0;
	for (uint32_t i = 0; i < m->n_device; i++)
		if (m->device[i] <= time_ns(m))
			m->device[i--] = m->device[--m->n_device];
}

static void write_begin(struct mem *m, struct mem_page *p)
{
	if (m->n_device >= m->value[1] || m->n_device >= m->frames || p->clean_at_ns)
		return;
	p->clean_at_ns = m->device[m->n_device++] = time_ns(m) + 5000000;
	p->dirty = false;
	p->stored = true;
	m->counts->writebacks++;
}

/* True when a page was evicted. *writing: there are old pages that are being written; `wait` takes the first of them. */
static bool turn(struct mem *m, uint64_t tau, bool wait, bool *writing)
{
	*writing = false;
	for (uint32_t i = m->a.n; i; i--) {
		struct mem_page *p = &m->page[m->a.page[0]];
		bool old = !p->referenced && m->now - p->used > tau;

		if (p->referenced) {
			p->referenced = false;
			p->used = m->now;
		}
		if (old && p->dirty)
			write_begin(m, p);
		else if (old && !p->clean_at_ns) {
			circle_evict_first(m);
			return true;
		}
		if (old && p->clean_at_ns && wait) {
			circle_evict_first(m);
			return true;
		}
		*writing |= old && p->clean_at_ns;
		pass(m);
	}
	return false;
}

/* Of list a, clean ones only or all: used longest ago, the first of those. */
static uint32_t oldest(const struct mem *m, bool clean_only)
{
	uint32_t best = PAGES_NOBODY;

	for (uint32_t i = 0; i < m->a.n; i++) {
		uint32_t q = m->a.page[i];

		if (clean_only && (m->page[q].dirty || m->page[q].clean_at_ns))
			continue;
		if (best == PAGES_NOBODY || m->page[q].used < m->page[best].used)
			best = q;
	}
	return best;
}

static void wsclock_miss(struct mem *m, uint32_t x)
{
	uint64_t tau = m->value[0] ? m->value[0] : m->frames;
	bool writing = false;

	writes_complete(m);
	if (full(m) && !turn(m, tau, false, &writing) &&
	    !(writing && turn(m, tau, true, &writing))) {
		uint32_t victim = oldest(m, true);

		if (victim == PAGES_NOBODY)
			victim = oldest(m, false);
		list_drop(&m->a, victim);
		leave(m, victim);
	}
	load(m, x);
	m->page[x].used = m->now;
	list_push(&m->a, x);
}

static bool due(struct mem *m, uint64_t period)
{
	if (m->now - m->last_tick < period)
		return false;
	m->last_tick = m->now;
	return true;
}

static void evict_lowest_count(struct mem *m)
{
	uint32_t victim = in_frame(m, 0);

	for (uint32_t f = 1; f < m->frames; f++)
		if (m->page[in_frame(m, f)].count < m->page[victim].count)
			victim = in_frame(m, f);
	leave(m, victim);
}

static void aging_miss(struct mem *m, uint32_t x)
{
	uint64_t top = 1u << (m->value[1] - 1);

	if (full(m)) {
		if (due(m, m->value[0] ? m->value[0] : m->frames))
			for (uint32_t f = 0; f < m->frames; f++) {
				struct mem_page *p = &m->page[in_frame(m, f)];

				p->count /= 2;
				if (p->referenced)
					p->count += top;
				p->referenced = false;
			}
		evict_lowest_count(m);
	}
	load(m, x);
	m->page[x].count = m->value[2] ? top : 0;
}

static void nfu_miss(struct mem *m, uint32_t x)
{
	if (full(m)) {
		if (due(m, m->value[0] ? m->value[0] : m->frames))
			for (uint32_t f = 0; f < m->frames; f++) {
				struct mem_page *p = &m->page[in_frame(m, f)];

				p->count += p->referenced;
				p->referenced = false;
			}
		evict_lowest_count(m);
	}
	load(m, x);
	m->page[x].count = m->value[1];
}

static void ws_use(struct mem *m, uint32_t x, uint64_t time)
{
	m->page[x].used = time;
	list_drop(&m->a, x);
	list_push(&m->a, x);
}

static uint64_t ws_tau(const struct mem *m)
{
	return m->value[0] ? m->value[0] : 4 * m->frames;
}

static void ws_sample(struct mem *m)
{
	if (!due(m, m->value[1] ? m->value[1] : (ws_tau(m) + 3) / 4))
		return;
	for (uint32_t f = 0; f < m->frames; f++) {
		uint32_t q = in_frame(m, f);

		if (q == PAGES_NOBODY || !m->page[q].referenced)
			continue;
		ws_use(m, q, m->now ? m->now - 1 : 0);
		m->page[q].referenced = m->page[q].scheduled = false;
	}
}

/* Out of the set, and need not be written now. */
static uint32_t ws_out(struct mem *m)
{
	for (uint32_t i = 0; i < m->a.n; i++) {
		struct mem_page *p = &m->page[m->a.page[i]];

		if (p->referenced || m->now - p->used <= ws_tau(m))
			continue;
		if (!p->dirty || p->scheduled)
			return m->a.page[i];
		p->scheduled = true;
	}
	return PAGES_NOBODY;
}

static uint32_t ws_in(const struct mem *m)
{
	uint32_t i;

	for (i = 0; i < m->a.n; i++)
		if (!m->page[m->a.page[i]].referenced && !m->page[m->a.page[i]].dirty)
			return m->a.page[i];
	for (i = 0; i < m->a.n; i++)
		if (!m->page[m->a.page[i]].referenced)
			return m->a.page[i];
	return m->a.page[0];
}

static void ws_miss(struct mem *m, uint32_t x)
{
	if (full(m)) {
		uint32_t victim;

		ws_sample(m);
		victim = ws_out(m);
		if (victim == PAGES_NOBODY)
			victim = ws_in(m);
		list_drop(&m->a, victim);
		leave(m, victim);
	}
	load(m, x);
	m->page[x].scheduled = false;
	ws_use(m, x, m->now);
}

static void ws_after(struct mem *m, uint32_t x)
{
	uint32_t out;

	(void)x;
	if (!m->value[2])
		return;
	ws_sample(m);
	while ((out = ws_out(m)) != PAGES_NOBODY) {
		list_drop(&m->a, out);
		leave(m, out);
	}
}

const struct pages_policy pages_clocks[] = {
	{ .name = "gclock", .miss = gclock_miss, .hit = gclock_hit, .loaded_referenced = true },
	{ .name = "enhanced-clock", .miss = enhanced_miss, .loaded_referenced = true },
	{ .name = "wsclock", .miss = wsclock_miss, .loaded_referenced = true },
	{ .name = "aging", .miss = aging_miss, .loaded_referenced = true },
	{ .name = "nfu", .miss = nfu_miss, .loaded_referenced = true },
	{ .name = "ws", .miss = ws_miss, .loaded_referenced = true, .after = ws_after },
	{ 0 },
};
