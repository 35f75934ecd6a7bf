/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tlb.c - the TLB against one made of plain lists, under random lookups, switches and invalidations of every kind.
 * Where the model cannot know who leaves (random, plru with more than two ways) it still knows what may be held: no
 * entry outlives its invalidation.
 */
#include "core/tlb.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SPACES 4u
#define REGIONS 6u /* of 512 pages; the last is a 1G page when it is large */
#define PAGES 40u  /* that are used in a region of small pages */
#define SETS_MAX 16u
#define WAYS_MAX 16u
#define BATCH 300u

struct held {
	uint32_t space;
	enum page_size size;
	uint64_t vpn;
	pte_t pte;
};

/* Oldest first in each set. */
struct list_level {
	uint32_t sets, ways, n[SETS_MAX];
	struct held e[SETS_MAX][WAYS_MAX];
};

struct region {
	bool large;
	pte_t pte[PAGES]; /* [0] of a large page */
};

struct world {
	struct tlb t;
	struct tlb_config c;
	bool exact;
	struct list_level level[PAGE_SIZES + 1];
	uint32_t given[SPACES], n_given; /* spaces with an ASID */
	uint32_t running;
	struct region region[SPACES][REGIONS];
	struct rng rng;
};

static uint32_t pick(struct world *w, uint32_t n)
{
	return (uint32_t)rng_below(&w->rng, n);
}

static uint64_t region_base(uint32_t r)
{
	static const uint64_t bases[REGIONS] = {
		0, 512, 1ull << 30, 0x7fffffe00, 0xffffffffffe00, 5ull << 18
	};

	return bases[r];
}

static enum page_size region_size(uint32_t r)
{
	return r == REGIONS - 1 ? PAGE_1G : PAGE_2M;
}

static pte_t *truth(struct world *w, uint32_t space, uint64_t vpn)
{
	for (uint32_t r = 0; r < REGIONS; r++) {
		struct region *region = &w->region[space][r];
		uint64_t offset = vpn - region_base(r);

		if (region->large && offset < page_size_pages(region_size(r)))
			return &region->pte[0];
		if (!region->large && offset < PAGES)
			return &region->pte[offset];
	}
	return NULL;
}

static struct list_level *l1_of(struct world *w, enum page_size size)
{
	return &w->level[w->c.l1[size].entries ? size : PAGE_4K];
}

static void list_remove(struct list_level *l, uint32_t set, uint32_t i)
{
	memmove(&l->e[set][i], &l->e[set][i + 1], (--l->n[set] - i) * sizeof(struct held));
}

static uint32_t list_set(const struct list_level *l, uint64_t vpn, enum page_size size)
{
	return (uint32_t)((vpn & ((1ull << 46) - 1)) / page_size_pages(size) % l->sets);
}

static void list_insert(struct list_level *l, struct held h)
{
	uint32_t set = list_set(l, h.vpn, h.size);

	if (l->n[set] == l->ways)
		list_remove(l, set, 0);
	l->e[set][l->n[set]++] = h;
}

/* Finds an entry of this size that covers vpn; a use makes it the youngest, except under fifo. */
static bool list_use(struct world *w, struct list_level *l, uint32_t space, uint64_t vpn,
		     enum page_size size, struct held *out)
{
	uint32_t set;

	if (!l->sets)
		return false;
	set = list_set(l, vpn, size);
	for (uint32_t i = 0; i < l->n[set]; i++) {
		struct held h = l->e[set][i];

		if (h.space != space || h.size != size ||
		    h.vpn != (vpn & ~(page_size_pages(size) - 1)))
			continue;
		if (w->c.policy != TLB_FIFO) {
			list_remove(l, set, i);
			l->e[set][l->n[set]++] = h;
		}
		*out = h;
		return true;
	}
	return false;
}

static uint32_t model_end(struct world *w, uint32_t space, uint64_t first, uint64_t last)
{
	uint32_t ended = 0;

	for (uint32_t k = 0; k <= PAGE_SIZES; k++)
		for (uint32_t set = 0; set < w->level[k].sets; set++)
			for (uint32_t i = w->level[k].n[set]; i--;) {
				const struct held *h = &w->level[k].e[set][i];

				if (h->space != space || h->vpn > last ||
				    h->vpn + page_size_pages(h->size) - 1 < first)
					continue;
				list_remove(&w->level[k], set, i);
				ended++;
			}
	return ended;
}

static void model_flush(struct world *w)
{
	for (uint32_t k = 0; k <= PAGE_SIZES; k++)
		memset(w->level[k].n, 0, sizeof(w->level[k].n));
}

static void model_switch(struct world *w, uint32_t space)
{
	if (w->running == space)
		return;
	if (!w->c.asids)
		model_flush(w);
	w->running = space;
	if (!w->c.asids)
		return;
	for (uint32_t i = 0; i < w->n_given; i++)
		if (w->given[i] == space)
			return;
	if (w->n_given == w->c.asids) {
		model_flush(w);
		w->n_given = 0;
	}
	w->given[w->n_given++] = space;
}

static enum tlb_hit model_lookup(struct world *w, uint32_t space, uint64_t vpn, pte_t *pte)
{
	struct held h;

	model_switch(w, space);
	for (enum page_size size = PAGE_4K; size < PAGE_SIZES; size++)
		if (list_use(w, l1_of(w, size), space, vpn, size, &h)) {
			*pte = h.pte;
			return TLB_HIT_L1;
		}
	for (enum page_size size = PAGE_4K; size < PAGE_SIZES; size++)
		if (list_use(w, &w->level[PAGE_SIZES], space, vpn, size, &h)) {
			list_insert(l1_of(w, size), h);
			*pte = h.pte;
			return TLB_HIT_L2;
		}
	return TLB_MISS;
}

static void model_insert(struct world *w, uint32_t space, uint64_t vpn, pte_t pte)
{
	enum page_size size = pte_size(pte);
	struct held h = { space, size, vpn & ~(page_size_pages(size) - 1), pte };

	list_insert(l1_of(w, size), h);
	if (w->level[PAGE_SIZES].sets)
		list_insert(&w->level[PAGE_SIZES], h);
}

static void model_update(struct world *w, uint32_t space, uint64_t vpn, pte_t pte)
{
	for (uint32_t k = 0; k <= PAGE_SIZES; k++)
		for (uint32_t set = 0; set < w->level[k].sets; set++)
			for (uint32_t i = 0; i < w->level[k].n[set]; i++) {
				struct held *h = &w->level[k].e[set][i];

				if (h->space == space &&
				    h->vpn == (vpn & ~(page_size_pages(h->size) - 1)))
					h->pte = pte;
			}
}

static uint64_t model_reach(const struct world *w)
{
	uint64_t bytes = 0;

	for (uint32_t k = 0; k <= PAGE_SIZES; k++)
		for (uint32_t set = 0; set < w->level[k].sets; set++)
			for (uint32_t i = 0; i < w->level[k].n[set]; i++) {
				const struct list_level *l2 = &w->level[PAGE_SIZES];
				const struct held *h = &w->level[k].e[set][i];
				bool twice = false;

				for (uint32_t s = 0; k < PAGE_SIZES && s < l2->sets; s++)
					for (uint32_t j = 0; j < l2->n[s]; j++)
						twice |= l2->e[s][j].space == h->space &&
							 l2->e[s][j].vpn == h->vpn;
				bytes += twice ? 0 : page_size_pages(h->size) * 4096;
			}
	return bytes;
}

static void expect_ended(struct world *w, uint32_t real, uint32_t model)
{
	if (w->exact)
		assert_int_equal(real, model);
}

static void step_lookup(struct world *w, uint32_t space, uint64_t vpn)
{
	pte_t *now = truth(w, space, vpn), pte = 0, expected = 0;
	enum tlb_hit hit = tlb_lookup(&w->t, space, vpn, &pte);
	enum tlb_hit model = model_lookup(w, space, vpn, &expected);

	if (w->exact) {
		assert_int_equal(hit, model);
		assert_true(pte == expected);
	}
	if (hit != TLB_MISS) {
		assert_non_null(now);
		assert_true(pte == *now);
	} else if (now && *now) {
		tlb_insert(&w->t, space, vpn, *now);
		model_insert(w, space, vpn, *now);
		assert_true(tlb_holds(&w->t, space, vpn, &pte) && pte == *now);
	}
}

/* A region gets new entries, small or large, after what was held of it has been invalidated. */
static void step_region(struct world *w, uint32_t space, uint32_t r)
{
	struct region *region = &w->region[space][r];
	uint64_t first = region_base(r);
	uint64_t n = pick(w, 2) ? page_size_pages(region_size(r)) : pick(w, 2) ? 512 : PAGES;
	uint32_t ended = tlb_invalidate_range(&w->t, space, first, n);

	expect_ended(w, ended, model_end(w, space, first, first + n - 1));
	region->large = pick(w, 3) == 0;
	for (uint32_t i = 0; i < PAGES; i++)
		region->pte[i] = pick(w, 5) ? pte_make((uint32_t)rng_next(&w->rng) & 0xffff,
						       region->large ? region_size(r) : PAGE_4K,
						       PTE_PRESENT)
					    : 0;
}

static void step_batch(struct world *w, uint32_t space)
{
	uint64_t vpns[BATCH] = { 0 };
	uint32_t n = pick(w, 2) ? pick(w, BATCH) : pick(w, 6), ended = 0;

	for (uint32_t i = 0; i < n; i++) {
		vpns[i] = region_base(pick(w, REGIONS)) + pick(w, PAGES);
		ended += model_end(w, space, vpns[i], vpns[i]);
	}
	expect_ended(w, tlb_invalidate_batch(&w->t, space, vpns, n), ended);
	for (uint32_t i = 0; i < n; i++) {
		pte_t *now = truth(w, space, vpns[i]), pte;

		assert_false(tlb_holds(&w->t, space, vpns[i], &pte));
		if (now && *now)
			*now ^= 1u << PTE_FRAME_SHIFT;
	}
}

static void step(struct world *w)
{
	uint32_t space = pick(w, 24) ? w->running % SPACES : pick(w, SPACES), what = pick(w, 1000);
	uint32_t r = pick(w, REGIONS);
	uint64_t vpn = region_base(r) + pick(w, PAGES);
	pte_t *now = truth(w, space, vpn);

	if (what < 900) {
		step_lookup(w, space, vpn);
	} else if (what < 930) {
		if (now && *now)
			*now ^= 2u << PTE_FRAME_SHIFT;
		expect_ended(w, tlb_invalidate(&w->t, space, vpn), model_end(w, space, vpn, vpn));
	} else if (what < 950) {
		if (!now || !*now)
			return;
		*now |= PTE_DIRTY;
		tlb_update(&w->t, space, vpn, *now);
		model_update(w, space, vpn, *now);
	} else if (what < 970) {
		step_region(w, space, r);
	} else if (what < 995) {
		step_batch(w, space);
	} else if (what < 998) {
		expect_ended(w, tlb_invalidate_space(&w->t, space),
			     model_end(w, space, 0, UINT64_MAX));
	} else {
		tlb_flush(&w->t);
		model_flush(w);
	}
}

static void world_init(struct world *w, const char *spec)
{
	const struct tlb_geometry *g;
	const char *bad;
	bool plain;

	memset(w, 0, sizeof(*w));
	assert_int_equal(tlb_parse(spec, &w->c, &bad), 0);
	assert_int_equal(tlb_init(&w->t, &w->c, 12, 5), 0);
	w->running = UINT32_MAX;
	plain = w->c.policy == TLB_LRU || w->c.policy == TLB_FIFO;
	w->exact = true;
	for (uint32_t k = 0; k <= PAGE_SIZES; k++) {
		g = k < PAGE_SIZES ? &w->c.l1[k] : &w->c.l2;
		w->level[k].ways = g->ways;
		w->level[k].sets = g->entries ? g->entries / g->ways : 0;
		assert_true(w->level[k].sets <= SETS_MAX && g->ways <= WAYS_MAX);
		w->exact &= plain || (w->c.policy == TLB_PLRU && g->ways <= 2) || g->ways <= 1;
	}
	for (uint32_t space = 0; space < SPACES; space++)
		for (uint32_t r = 0; r < REGIONS; r++)
			step_region(w, space, r);
}

static void test_random(void **state)
{
	static const char *const specs[] = {
		"16",
		"16x4,l2=48x6",
		"l1=16x4,l1-2m=4x2,l2=60x5,asid",
		"l1=8x2,l1-2m=4,l1-1g=2x1,l2=96x6,policy=fifo,asid=3",
		"l1=8x2,l1-2m=4x2,l2=16x2,policy=plru,asid=2",
		"l1=8x1,l2=16x2,policy=plru,asid",
		"l1=12x3,l1-1g=4,l2=96x12,policy=plru,asid",
		"l1=16x4,l2=64x16,policy=random,asid=1",
		"1,policy=random",
	};
	static struct world w;

	(void)state;
	for (size_t s = 0; s < sizeof(specs) / sizeof(specs[0]); s++) {
		world_init(&w, specs[s]);
		for (uint32_t k = 0; k < 20000; k++) {
			step(&w);
			if (k % 64)
				continue;
			assert_int_equal(tlb_check(&w.t), 0);
			if (w.exact)
				assert_int_equal(tlb_reach_bytes(&w.t), model_reach(&w));
		}
		assert_true(w.t.stats.hits_l1 > 500 && w.t.stats.misses > 500);
		assert_true(!w.t.l2 || w.t.stats.hits_l2 > 100);
		tlb_destroy(&w.t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
