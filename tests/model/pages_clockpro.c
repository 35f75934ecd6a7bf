/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages_clockpro.c - the model (pages.h) of clock-pro.
 *
 * List a is the circle: the first member is under HAND_hot, a new page goes to the end. The other hands are pages. A member
 * that is not resident is history, in its test period. HAND_hot makes room for a page that comes back hot before it is put
 * into the circle.
 */
#include "tests/model/pages.h"

static bool resident(const struct mem *m, uint32_t x)
{
	return m->page[x].frame != PAGES_NOBODY;
}

static uint32_t after(const struct mem *m, uint32_t x)
{
	return m->a.page[(list_index(&m->a, x) + 1) % m->a.n];
}

static void drop(struct mem *m, uint32_t x)
{
	if (m->hand_cold == x)
		m->hand_cold = m->a.n == 1 ? PAGES_NOBODY : after(m, x);
	if (m->hand_test == x)
		m->hand_test = m->a.n == 1 ? PAGES_NOBODY : after(m, x);
	list_drop(&m->a, x);
}

static void enter(struct mem *m, uint32_t x)
{
	list_push(&m->a, x);
	if (m->a.n == 1)
		m->hand_cold = m->hand_test = x;
}

static uint32_t count(const struct mem *m, bool is_resident, bool is_hot)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->a.n; i++) {
		uint32_t x = m->a.page[i];

		n += resident(m, x) == is_resident && (!is_resident || m->page[x].hot == is_hot);
	}
	return n;
}

static uint32_t hot_most(const struct mem *m)
{
	return m->frames - m->cold;
}

static void more_cold(struct mem *m)
{
	if (m->cold + 1 < m->frames)
		m->cold++;
}

static void end_test(struct mem *m, uint32_t x)
{
	if (resident(m, x) && (m->page[x].hot || !m->page[x].test))
		return;
	if (!resident(m, x))
		drop(m, x);
	m->page[x].test = false;
	if (m->cold > 1)
		m->cold--;
}

static void pass_hot_hand(struct mem *m)
{
	uint32_t x = list_shift(&m->a);

	list_push(&m->a, x);
	end_test(m, x);
}

static bool first_is_hot(const struct mem *m)
{
	return resident(m, m->a.page[0]) && m->page[m->a.page[0]].hot;
}

/* One hot page becomes cold. */
static void cool(struct mem *m)
{
	for (bool done = false; !done;) {
		struct mem_page *p = &m->page[m->a.page[0]];
		bool hot = first_is_hot(m);

		done = hot && !p->referenced;
		if (hot)
			p->referenced = false;
		pass_hot_hand(m);
		if (done)
			p->hot = p->test = false;
	}
	while (count(m, true, true) && !first_is_hot(m))
		pass_hot_hand(m);
	/* With no hot page left the hand has gone round once. */
	for (uint32_t n = count(m, true, true) ? 0 : m->a.n; n; n--)
		pass_hot_hand(m);
}

/* Hot pages that are there, and `coming`, must not be too many; every test period that ends changes how many may be. */
static void cool_down(struct mem *m, uint32_t coming)
{
	while (count(m, true, true) && count(m, true, true) + coming > hot_most(m))
		cool(m);
}

static uint32_t victim(struct mem *m)
{
	for (;;) {
		uint32_t x;

		if (count(m, true, false) == 0)
			cool(m);
		x = m->hand_cold;
		if (!resident(m, x) || m->page[x].hot) {
			m->hand_cold = after(m, x);
			continue;
		}
		if (!m->page[x].referenced) {
			m->hand_cold = after(m, x);
			return x;
		}
		m->page[x].referenced = false;
		drop(m, x);
		m->page[x].hot = m->page[x].test;
		m->page[x].test = !m->page[x].hot;
		if (m->page[x].hot)
			more_cold(m);
		enter(m, x);
		cool_down(m, 0);
	}
}

static void evict(struct mem *m, uint32_t x)
{
	uint32_t history;

	if (!m->page[x].test)
		drop(m, x);
	leave(m, x);
	history = count(m, false, false);
	while (history > m->frames && count(m, false, false) == history) {
		uint32_t y = m->hand_test;

		m->hand_test = after(m, y);
		end_test(m, y);
	}
}

void clockpro_miss(struct mem *m, uint32_t x)
{
	bool known = list_has(&m->a, x), hot = known;

	if (m->cold == 0) {
		m->cold = share(m, m->value[0]);
		if (m->cold >= m->frames && m->frames > 1)
			m->cold = m->frames - 1;
	}
	if (known) {
		drop(m, x);
		more_cold(m);
	}
	if (full(m)) {
		uint32_t y = victim(m);

		cool_down(m, known);
		evict(m, y);
	} else {
		hot = count(m, true, true) < hot_most(m);
	}
	load(m, x);
	m->page[x].hot = hot && count(m, true, true) < hot_most(m);
	m->page[x].test = !m->page[x].hot;
	enter(m, x);
}
