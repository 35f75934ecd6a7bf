/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages_simple.c - the model (pages.h) of fifo, lru, random, clock, sieve and nru.
 *
 *   fifo, lru, sieve  a = pages, the oldest (least recently used) first; sieve: hand = the page that it is at
 *   clock             a = the pages in the order in which the hand comes to them
 *   random, nru       nothing but the pages by frame
 */
#include "tests/model/pages.h"

uint64_t draw_bits(struct mem *m)
{
	uint64_t z;

	m->prng += 0x9E3779B97F4A7C15u;
	z = m->prng;
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

static uint64_t draw_below(struct mem *m, uint64_t n)
{
	return (uint64_t)((unsigned __int128)draw_bits(m) * n >> 64);
}

static void queue_miss(struct mem *m, uint32_t x)
{
	if (full(m))
		leave(m, list_shift(&m->a));
	load(m, x);
	list_push(&m->a, x);
}

static void nothing(struct mem *m, uint32_t x)
{
	(void)m;
	(void)x;
}

static void lru_hit(struct mem *m, uint32_t x)
{
	list_drop(&m->a, x);
	list_push(&m->a, x);
}

static void clock_miss(struct mem *m, uint32_t x)
{
	m->load_clear = !m->value[0];
	while (full(m)) {
		uint32_t y = list_shift(&m->a);

		if (m->page[y].referenced)
			list_push(&m->a, y);
		else
			leave(m, y);
		m->page[y].referenced = false;
	}
	load(m, x);
	list_push(&m->a, x);
}

/* The hand goes from the oldest page to the newest, then begins anew. */
static void sieve_miss(struct mem *m, uint32_t x)
{
	while (full(m)) {
		uint32_t i = m->hand == PAGES_NOBODY ? 0 : list_index(&m->a, m->hand);
		uint32_t y = m->a.page[i];

		m->hand = i + 1 < m->a.n ? m->a.page[i + 1] : PAGES_NOBODY;
		if (!m->page[y].referenced) {
			list_drop(&m->a, y);
			leave(m, y);
		}
		m->page[y].referenced = false;
	}
	load(m, x);
	list_push(&m->a, x);
}

static void random_miss(struct mem *m, uint32_t x)
{
	if (full(m))
		leave(m, in_frame(m, (uint32_t)draw_below(m, m->frames)));
	load(m, x);
}

/* The pages of the lowest class that has any, by frame, to `page`; how many. */
static uint32_t lowest_class(const struct mem *m, uint32_t page[PAGES_MAX])
{
	uint32_t by_frame[PAGES_MAX], n = 0;

	for (uint32_t i = 0; i < PAGES_MAX; i++)
		if (m->page[i].frame != PAGES_NOBODY)
			by_frame[m->page[i].frame] = i;
	for (int class = 0; class < 4 && !n; class ++)
		for (uint32_t f = 0; f < m->frames; f++) {
			const struct mem_page *p = &m->page[by_frame[f]];

			if (p->referenced * 2 + p->dirty == class)
				page[n++] = by_frame[f];
		}
	return n;
}

static void nru_miss(struct mem *m, uint32_t x)
{
	uint32_t page[PAGES_MAX], n;
	uint64_t reset = m->value[0] ? m->value[0] : m->frames;

	if (full(m)) {
		if (m->now - m->last_tick >= reset) {
			m->last_tick = m->now;
			for (uint32_t i = 0; i < PAGES_MAX; i++)
				m->page[i].referenced = false;
		}
		n = lowest_class(m, page);
		leave(m, page[draw_below(m, n)]);
	}
	load(m, x);
}

const struct pages_policy pages_simple[] = {
	{ .name = "fifo", .miss = queue_miss, .hit = nothing },
	{ .name = "lru", .miss = queue_miss, .hit = lru_hit },
	{ .name = "clock", .miss = clock_miss, .loaded_referenced = true },
	{ .name = "sieve", .miss = sieve_miss },
	{ .name = "random", .miss = random_miss, .hit = nothing },
	{ .name = "nru", .miss = nru_miss, .loaded_referenced = true },
	{ 0 },
};
