/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sizes.c - see sizes.h. Rules, always: a page whose range holds nothing known comes with its whole range, when memory is as large,
 * and a group of frames is free, or none is and the next to leave is large. Else it comes alone; what the store has of the range
 * becomes single pages, if they were ever touched. automatic: a large page that should leave becomes single pages,
 * those that were touched, new to the policy and unreferenced. So does one of which a part is unmapped.
 */
#include "tests/model/sizes.h"

#include <string.h>

void sizes_init(struct sizes *m, const struct sizes_config *c)
{
	memset(m, 0, sizeof(*m));
	m->c = *c;
	for (uint32_t p = 0; p < SIZES_PAGES; p++)
		m->unit[p] = -1;
}

static uint32_t weight(const struct sizes *m, int unit)
{
	return m->large[unit] ? SIZES_LARGE : 1;
}

static uint32_t frames_free(const struct sizes *m)
{
	return m->c.frames - m->used;
}

static void line_leave(struct sizes *m, int unit)
{
	int at = 0;

	while (m->line[at] != unit)
		at++;
	m->n_line--;
	memmove(&m->line[at], &m->line[at + 1], (size_t)(m->n_line - at) * sizeof(int));
	if (at < m->hand)
		m->hand--;
}

static void line_enter(struct sizes *m, int unit)
{
	int at = m->c.policy == SIZES_CLOCK ? m->hand++ : m->n_line;

	memmove(&m->line[at + 1], &m->line[at], (size_t)(m->n_line - at) * sizeof(int));
	m->line[at] = unit;
	m->n_line++;
}

static int choose(struct sizes *m)
{
	for (;;) {
		int unit;

		if (m->c.policy != SIZES_CLOCK)
			return m->line[0];
		if (m->hand >= m->n_line)
			m->hand = 0;
		unit = m->line[m->hand++];
		if (!m->ref[unit])
			return unit;
		m->ref[unit] = false;
	}
}

static void forget(struct sizes *m, int unit)
{
	m->large[unit] = m->dirty[unit] = m->copy[unit] = m->ref[unit] = m->resident[unit] = false;
}

static void leave(struct sizes *m, int unit)
{
	line_leave(m, unit);
	m->used -= weight(m, unit);
	m->resident[unit] = m->ref[unit] = false;
	if (m->dirty[unit]) {
		m->dirty_out++;
		m->writes += weight(m, unit);
		m->copy[unit] = true;
	} else {
		m->clean++;
	}
	m->dirty[unit] = false;
}

/* Single pages instead of a large one. Those that are resident stay so. */
static void split(struct sizes *m, int unit)
{
	bool dirty = m->dirty[unit], copy = m->copy[unit], resident = m->resident[unit];

	if (resident) {
		line_leave(m, unit);
		m->used -= SIZES_LARGE;
	}
	forget(m, unit);
	for (int p = unit; p < unit + (int)SIZES_LARGE; p++) {
		m->unit[p] = -1;
		if (!m->touched[p] || (!resident && !copy))
			continue;
		m->touched[p] = false;
		m->unit[p] = p;
		m->copy[p] = copy;
		m->resident[p] = resident;
		m->dirty[p] = dirty;
		m->used += resident;
		if (resident)
			line_enter(m, p);
	}
	for (int p = unit; p < unit + (int)SIZES_LARGE; p++)
		m->touched[p] = false;
}

/* The unit for page comes alone. */
static void alone(struct sizes *m, uint32_t page)
{
	int unit = m->unit[page];
	bool copy = unit >= 0 && m->copy[unit];

	if (unit >= 0 && m->large[unit])
		split(m, unit);
	m->unit[page] = (int)page;
	m->copy[page] = copy;
}

static bool range_empty(const struct sizes *m, uint32_t first)
{
	for (uint32_t p = first; p < first + SIZES_LARGE; p++)
		if (m->unit[p] >= 0)
			return false;
	return true;
}

static void make_room(struct sizes *m)
{
	while (!frames_free(m)) {
		int victim = choose(m);

		if (!m->c.automatic || !m->large[victim]) {
			leave(m, victim);
			return;
		}
		split(m, victim);
		m->split++;
	}
}

static void load(struct sizes *m, uint32_t page)
{
	uint32_t first = page / SIZES_LARGE * SIZES_LARGE;
	bool wants, group = m->c.group(m->c.arg, frames_free(m));
	int unit;

	wants = m->unit[page] >= 0
			? m->large[m->unit[page]]
			: !m->c.automatic && m->c.frames >= SIZES_LARGE && range_empty(m, first);
	if (wants && !group) {
		bool full = !frames_free(m);
		uint32_t before;

		if (full)
			make_room(m);
		before = frames_free(m);
		wants = full && before == SIZES_LARGE;
	}
	if (!wants) {
		alone(m, page);
		make_room(m);
	} else if (m->unit[page] < 0) {
		for (uint32_t p = first; p < first + SIZES_LARGE; p++)
			m->unit[p] = (int)first;
		m->large[first] = true;
	}
	unit = m->unit[page];
	m->resident[unit] = m->ref[unit] = true;
	m->used += weight(m, unit);
	line_enter(m, unit);
	m->faults++;
	m->major += m->copy[unit];
	m->reads += m->copy[unit] ? weight(m, unit) : 0;
	m->made += m->large[unit];
	m->small += !m->large[unit];
}

void sizes_access(struct sizes *m, uint32_t page, bool write)
{
	bool fault = m->unit[page] < 0 || !m->resident[m->unit[page]];
	int unit;

	if (fault)
		load(m, page);
	unit = m->unit[page];
	m->ref[unit] = true;
	m->dirty[unit] |= write;
	if (!fault && m->c.policy == SIZES_LRU) {
		line_leave(m, unit);
		line_enter(m, unit);
	}
	if (m->large[unit] && !m->touched[page]) {
		m->touched[page] = true;
		m->saved += !fault;
	}
}

static bool cut(const struct sizes *m, int unit, uint32_t first, uint32_t end)
{
	return m->large[unit] && (unit < (int)first || unit + (int)SIZES_LARGE > (int)end);
}

void sizes_unmap(struct sizes *m, uint32_t first, uint32_t n)
{
	uint32_t end = first + n < SIZES_PAGES ? first + n : SIZES_PAGES;

	for (uint32_t p = first; p < end; p++) {
		int unit = m->unit[p];

		if (unit < 0)
			continue;
		if (cut(m, unit, first, end)) {
			split(m, unit);
			m->split++;
			unit = m->unit[p];
		}
		if (unit == (int)p && m->resident[p]) {
			line_leave(m, unit);
			m->used -= weight(m, unit);
		}
		if (unit >= 0 && !m->large[unit])
			forget(m, unit);
		m->unit[p] = -1;
		m->touched[p] = false;
		if (unit >= 0 && m->large[unit] && p == (uint32_t)unit + SIZES_LARGE - 1)
			forget(m, unit);
	}
}

bool sizes_deserves(const struct sizes *m, uint32_t page)
{
	uint32_t first = page / SIZES_LARGE * SIZES_LARGE, resident = 0, hot = 0;

	for (uint32_t p = first; p < first + SIZES_LARGE; p++) {
		if (m->unit[p] < 0 || (!m->resident[p] && !m->copy[p] && !m->large[m->unit[p]]))
			continue;
		if (m->large[m->unit[p]] || !m->resident[p])
			return false;
		resident++;
		hot += m->c.policy != SIZES_CLOCK || m->ref[p];
	}
	return resident * 100 >= m->c.dense * SIZES_LARGE && hot * 100 >= m->c.hot * resident;
}

void sizes_promote(struct sizes *m, uint32_t page)
{
	uint32_t first = page / SIZES_LARGE * SIZES_LARGE;
	bool dirty = false;

	for (uint32_t p = first; p < first + SIZES_LARGE; p++) {
		bool resident = m->unit[p] >= 0 && m->resident[p];

		m->touched[p] = resident;
		if (resident) {
			dirty |= m->dirty[p] || m->copy[p];
			line_leave(m, (int)p);
			m->used--;
		}
		forget(m, (int)p);
		m->unit[p] = (int)first;
	}
	m->large[first] = m->resident[first] = m->ref[first] = true;
	m->dirty[first] = dirty;
	m->used += SIZES_LARGE;
	line_enter(m, (int)first);
	m->made++;
}
