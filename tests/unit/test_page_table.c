/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_page_table.c - every kind against a plain list of mappings: what is found, what a walk costs, how many bytes the
 * tables take; then the figures that textbooks give.
 */
#include "core/page_table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES_BY_FRAME 4096u /* where each has a slot that checks look at */
#define FRAMES (1u << 18)
#define LIST_MAX 160u
#define STEPS 6000u
#define SPACES 3u

struct mapping {
	uint32_t space, frame, flags;
	enum page_size size;
	uint64_t vpn;
};

struct world {
	struct page_table t;
	struct mapping list[LIST_MAX];
	uint32_t n;
	uint32_t levels, bits, entry_bytes; /* trees; levels 0: not one */
	struct rng rng;
};

static uint32_t pick(struct world *w, uint32_t n)
{
	return (uint32_t)rng_below(&w->rng, n);
}

static int64_t as_signed(const struct world *w, uint64_t vpn)
{
	uint32_t above = 64 - w->t.ops->vpn_bits;

	return w->t.ops->vpn_bits > 20 ? (int64_t)(vpn << above) >> above : (int64_t)vpn;
}

/* Neighbours, borders of tables, both ends of what the kind can address. */
static uint64_t pick_vpn(struct world *w)
{
	static const uint64_t bases[] = {
		0, 500, (1u << 18) - 4, 1ull << 27, 1ull << 36, 1ull << 44
	};
	uint32_t bits = w->t.ops->vpn_bits;
	uint64_t vpn = bases[pick(w, 6)] + pick(w, 24) * (pick(w, 2) ? 1u : 257u);

	if (bits == 0)
		return vpn;
	vpn &= (1ull << bits) - 1;
	if (pick(w, 8) == 0)
		vpn = (1ull << bits) - 1 - pick(w, 9);
	return (uint64_t)as_signed(w, vpn) & (UINT64_MAX >> 12);
}

static struct mapping *model_find(struct world *w, uint32_t space, uint64_t vpn)
{
	for (uint32_t i = 0; i < w->n; i++) {
		struct mapping *m = &w->list[i];

		if (m->space == space && vpn >= m->vpn && vpn - m->vpn < page_size_pages(m->size))
			return m;
	}
	return NULL;
}

static bool model_overlaps(struct world *w, uint32_t space, uint64_t vpn, enum page_size size)
{
	for (uint32_t i = 0; i < w->n; i++) {
		const struct mapping *m = &w->list[i];

		if (m->space == space && m->vpn < vpn + page_size_pages(size) &&
		    vpn < m->vpn + page_size_pages(m->size))
			return true;
	}
	return false;
}

static void model_remove(struct world *w, struct mapping *m)
{
	*m = w->list[--w->n];
}

static uint64_t prefix(const struct world *w, uint64_t vpn, uint32_t level)
{
	return (vpn & ((1ull << w->t.ops->vpn_bits) - 1)) >> (w->bits * level);
}

/* Is there a table of this level for vpn? Yes when a page in its reach is not larger than its entries. */
static bool model_table(const struct world *w, uint32_t space, uint64_t vpn, uint32_t level)
{
	for (uint32_t i = 0; i < w->n; i++) {
		const struct mapping *m = &w->list[i];

		if (m->space == space && (uint32_t)m->size <= level &&
		    prefix(w, m->vpn, level + 1) == prefix(w, vpn, level + 1))
			return true;
	}
	return false;
}

static uint32_t model_accesses(const struct world *w, uint32_t space, uint64_t vpn)
{
	uint32_t n = 0;

	for (uint32_t level = w->levels; level-- && model_table(w, space, vpn, level);)
		n++;
	return n;
}

static uint64_t model_tables(const struct world *w)
{
	uint64_t tables = 0;

	for (uint32_t level = 0; level < w->levels; level++)
		for (uint32_t i = 0; i < w->n; i++) {
			const struct mapping *m = &w->list[i];
			bool first = (uint32_t)m->size <= level;

			for (uint32_t k = 0; k < i && first; k++)
				first = (uint32_t)w->list[k].size > level ||
					w->list[k].space != m->space ||
					prefix(w, w->list[k].vpn, level + 1) !=
						prefix(w, m->vpn, level + 1);
			tables += first;
		}
	return tables;
}

static void step_map(struct world *w, uint32_t space, uint64_t vpn)
{
	enum page_size size = pick(w, 6) ? PAGE_4K : pick(w, 3) ? PAGE_2M : PAGE_1G;
	uint32_t flags = (PTE_WRITABLE | PTE_COW | PTE_FILE) & (uint32_t)rng_next(&w->rng);
	uint32_t frame =
		size == PAGE_1G ? 0 : pick(w, w->t.frames) & ~(uint32_t)(page_size_pages(size) - 1);
	struct mapping *m;
	int err;

	vpn &= ~(page_size_pages(size) - 1);
	err = page_table_map(&w->t, space, vpn, size, frame, flags | PTE_PRESENT);
	m = model_find(w, space, vpn);
	if (!(w->t.ops->sizes & 1u << size)) {
		assert_int_equal(err, -EOPNOTSUPP);
	} else if (size == PAGE_1G && page_size_pages(size) > w->t.frames) {
		assert_int_equal(err, -ERANGE);
	} else if (m && m->size == size) {
		assert_int_equal(err, 0);
		m->frame = frame;
		m->flags = flags | PTE_PRESENT;
	} else if (model_overlaps(w, space, vpn, size)) {
		assert_int_equal(err, -EEXIST);
	} else {
		assert_int_equal(err, 0);
		w->list[w->n++] = (struct mapping){ space, frame, flags | PTE_PRESENT, size, vpn };
	}
}

static void step_absent(struct world *w, uint32_t space, uint64_t vpn)
{
	struct mapping *m = model_find(w, space, vpn);

	page_table_absent(&w->t, space, vpn);
	if (m && w->t.ops->by_frame) {
		model_remove(w, m);
	} else if (m) {
		m->flags &= PTE_WRITABLE | PTE_COW | PTE_FILE;
		m->frame = 0;
	}
}

static void step_walk(struct world *w, uint32_t space, uint64_t vpn)
{
	struct mapping *m = model_find(w, space, vpn);
	uint64_t before = w->t.stats.walk_accesses;
	bool write = pick(w, 2), present = m && m->flags & PTE_PRESENT;
	uint32_t accesses;
	pte_t e = page_table_walk(&w->t, space, vpn, write, &accesses);

	if (present) {
		m->flags |= PTE_ACCESSED;
		if (write && m->flags & PTE_WRITABLE)
			m->flags |= PTE_DIRTY;
		assert_true(e == pte_make(m->frame, m->size, m->flags));
	} else {
		assert_true(e == 0);
	}
	assert_int_equal(w->t.stats.walk_accesses, before + accesses);
	if (w->levels && !w->t.walk_cache)
		assert_int_equal(accesses, model_accesses(w, space, vpn));
	else if (w->levels)
		assert_true(accesses <= model_accesses(w, space, vpn));
	else
		assert_true(!m || accesses >= 2);
}

static int count(void *arg, uint64_t vpn, pte_t *entry)
{
	struct world *w = arg;
	struct mapping *m;

	for (uint32_t space = 0; space < SPACES; space++) {
		m = model_find(w, space, vpn);
		if (m && m->vpn == vpn && *entry == pte_make(m->frame, m->size, m->flags))
			return 0;
	}
	return -EINVAL;
}

static int stop_at_once(void *arg, uint64_t vpn, pte_t *entry)
{
	(void)vpn;
	(void)entry;
	++*(uint32_t *)arg;
	return 7;
}

static void check_all(struct world *w)
{
	const struct page_table_stats *s = &w->t.stats;
	uint32_t stopped = 0;

	assert_int_equal(page_table_check(&w->t), 0);
	assert_int_equal(s->entries, w->n);
	for (uint32_t i = 0; i < w->n; i++) {
		const struct mapping *m = &w->list[i];
		pte_t *e = page_table_find(&w->t, m->space, m->vpn + page_size_pages(m->size) - 1);

		assert_non_null(e);
		assert_true(*e == pte_make(m->frame, m->size, m->flags));
	}
	for (uint32_t space = 0; space < SPACES; space++) {
		assert_int_equal(page_table_each(&w->t, space, count, w), 0);
		page_table_each(&w->t, space, stop_at_once, &stopped);
	}
	assert_true(stopped <= SPACES && !stopped == !w->n);
	if (!w->levels)
		return;
	assert_int_equal(s->tables, model_tables(w));
	assert_int_equal(s->bytes, s->tables * (uint64_t)w->entry_bytes << w->bits);
}

static void step(struct world *w)
{
	uint32_t space = pick(w, SPACES), what = pick(w, 100);
	uint64_t vpn = w->n && pick(w, 2) ? w->list[pick(w, w->n)].vpn : pick_vpn(w);
	struct mapping *m = model_find(w, space, vpn);

	if (what < 35 && w->n < LIST_MAX) {
		step_map(w, space, vpn);
	} else if (what < 60) {
		assert_int_equal(page_table_unmap(&w->t, space, vpn), m != NULL);
		if (m)
			model_remove(w, m);
	} else if (what < 66) {
		step_absent(w, space, vpn);
	} else if (what < 67) {
		page_table_drop_space(&w->t, space);
		for (uint32_t i = w->n; i--;)
			if (w->list[i].space == space)
				model_remove(w, &w->list[i]);
	} else if (what < 68) {
		page_table_flush_cache(&w->t);
	} else {
		step_walk(w, space, vpn);
	}
}

static void world_init(struct world *w, const char *kind, uint32_t walk_cache)
{
	static const struct {
		const char *kind;
		uint32_t levels, bits, entry_bytes;
	} trees[] = { { "single", 1, 20, 4 },
		      { "two", 2, 10, 4 },
		      { "three", 3, 9, 8 },
		      { "four", 4, 9, 8 },
		      { "five", 5, 9, 8 } };
	struct page_table_config c = { .kind = kind, .frames = FRAMES, .walk_cache = walk_cache };

	if (page_table_find_kind(kind)->by_frame)
		c.frames = FRAMES_BY_FRAME;

	memset(w, 0, sizeof(*w));
	w->rng.state = walk_cache + (uint64_t)kind[0];
	assert_int_equal(page_table_init(&w->t, &c), 0);
	for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++)
		if (!strcmp(kind, trees[i].kind)) {
			w->levels = trees[i].levels;
			w->bits = trees[i].bits;
			w->entry_bytes = trees[i].entry_bytes;
		}
}

static void test_random(void **state)
{
	static struct world w;

	(void)state;
	for (const struct page_table_ops *const *ops = page_table_kinds(); *ops; ops++)
		for (uint32_t cache = 0; cache <= 6; cache += 3) {
			/* a check of single's tables looks at millions of entries */
			uint32_t steps = (*ops)->vpn_bits == 20 ? STEPS / 4 : STEPS;

			world_init(&w, (*ops)->name, cache);
			for (uint32_t k = 0; k < steps; k++) {
				step(&w);
				if (k % (w.levels == 1 ? 500 : 25) == 0)
					check_all(&w);
			}
			for (uint32_t space = 0; space < SPACES; space++)
				page_table_drop_space(&w.t, space);
			w.n = 0;
			check_all(&w);
			if (!(*ops)->by_frame)
				assert_int_equal(w.t.stats.bytes + w.t.stats.tables, 0);
			page_table_destroy(&w.t);
		}
}

/* One page costs a whole path; the pages beside it nothing more. */
static void test_bytes(void **state)
{
	static const struct {
		const char *kind;
		uint64_t one, dense,
			sparse; /* bytes for 1 page, 512 neighbours, 512 pages 4 MiB apart */
	} rows[] = {
		{ "single", 4u << 20, 4u << 20, 4u << 20 },
		{ "two", 8192, 8192, 4096 * 513 },
		{ "three", 3 * 4096, 3 * 4096, 4096 * (1 + 2 + 512) },
		{ "four", 4 * 4096, 4 * 4096, 4096 * (1 + 1 + 2 + 512) },
		{ "five", 5 * 4096, 5 * 4096, 4096 * (1 + 1 + 1 + 2 + 512) },
		{ "hashed", 24 + 32 * 8, 0, 0 },
		{ "inverted", 512 * 20, 512 * 20, 512 * 20 },
	};
	struct page_table_chains chains;
	struct page_table t;

	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct page_table_config c = { .kind = rows[r].kind, .frames = 512 };

		for (uint32_t stride = 1; stride <= 1024; stride += 1023) {
			assert_int_equal(page_table_init(&t, &c), 0);
			for (uint32_t i = 0; i < 512; i++) {
				assert_int_equal(page_table_map(&t, 1, (uint64_t)i * stride,
								PAGE_4K, i, PTE_PRESENT),
						 0);
				if (i == 0)
					assert_int_equal(t.stats.bytes, rows[r].one);
			}
			if (rows[r].dense)
				assert_int_equal(t.stats.bytes,
						 stride == 1 ? rows[r].dense : rows[r].sparse);
			assert_int_equal(t.stats.bytes_peak, t.stats.bytes);
			if (page_table_chains(&t, &chains) == 0) {
				assert_int_equal(chains.entries, 512);
				assert_int_equal(chains.collisions, 512 - chains.buckets_used);
				assert_true(chains.longest >= 2 && chains.longest <= 16);
			}
			page_table_destroy(&t);
		}
	}
}

/* With a cache the walk of a neighbour reads one entry, and no freed table is ever used. */
static void test_walk_cache(void **state)
{
	struct page_table_config c = { .kind = "four", .frames = 4, .walk_cache = 2 };
	struct page_table t;
	uint32_t n;

	(void)state;
	assert_int_equal(page_table_init(&t, &c), 0);
	for (uint64_t vpn = 0; vpn < 3; vpn++)
		assert_int_equal(page_table_map(&t, 1, vpn, PAGE_4K, 0, PTE_PRESENT), 0);
	assert_int_equal(page_table_map(&t, 1, 512, PAGE_4K, 1, PTE_PRESENT), 0);
	page_table_walk(&t, 1, 0, false, &n);
	assert_int_equal(n, 4);
	page_table_walk(&t, 1, 1, false, &n);
	assert_int_equal(n, 1);
	page_table_walk(&t, 1, 512, false, &n); /* another PT below the same PD */
	assert_int_equal(n, 2);
	page_table_walk(&t, 2, 0, false, &n); /* a space without tables reads nothing */
	assert_int_equal(n, 0);
	assert_true(page_table_unmap(&t, 1, 512));
	page_table_walk(&t, 1, 512, false, &n); /* PD from the cache, PT is gone */
	assert_int_equal(n, 1);
	page_table_flush_cache(&t);
	page_table_walk(&t, 1, 2, false, &n);
	assert_int_equal(n, 4);
	assert_int_equal(t.stats.walk_cache_hits, 3);
	page_table_drop_space(&t, 1);
	assert_int_equal(page_table_check(&t), 0);
	page_table_destroy(&t);
}

static void test_refused(void **state)
{
	struct page_table_config c = { .kind = "six", .frames = 4 };
	struct page_table t;

	(void)state;
	assert_int_equal(page_table_init(&t, &c), -ENOENT);
	c = (struct page_table_config){ .kind = "four" };
	assert_int_equal(page_table_init(&t, &c), -EINVAL);
	c = (struct page_table_config){ .kind = "FOUR", .frames = 1024 };
	assert_int_equal(page_table_init(&t, &c), 0);
	assert_int_equal(page_table_map(&t, 1, 1ull << 35, PAGE_4K, 0, 0), -ERANGE);
	assert_int_equal(page_table_map(&t, 1, 0xfffffffffffffull, PAGE_4K, 0, 0), 0);
	assert_int_equal(page_table_map(&t, 1, 0x10000000000000ull, PAGE_4K, 0, 0), -ERANGE);
	assert_int_equal(page_table_map(&t, 1, 0, PAGE_4K, 1024, 0), -ERANGE);
	assert_int_equal(page_table_map(&t, 1, 1, PAGE_2M, 0, 0), -EINVAL);
	assert_int_equal(page_table_map(&t, 1, 0, PAGE_2M, 1, 0), -EINVAL);
	assert_int_equal(page_table_map(&t, 1, 0, PAGE_4K, 0, PTE_LEAF), -EINVAL);
	assert_int_equal(page_table_map(&t, 1, 0, PAGE_SIZES, 0, 0), -EOPNOTSUPP);
	assert_true(page_table_walk(&t, 1, 1ull << 40, false, NULL) == 0);
	page_table_destroy(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_walk_cache),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
