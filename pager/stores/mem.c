/* SPDX-License-Identifier: Apache-2.0 */
/* mem.c - the store in the pager's own memory: a slot is one of the pager's pages. */
#include "pager/slab.h"
#include "pager/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct store {
	struct slab *pages; /* a slot is a page of it */
	uint64_t slots, slots_peak, slots_max;
};

static int mem_open(struct store **store, const struct store_setup *setup)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->pages = setup->pages;
	s->slots_max = setup->limit_bytes / STORE_PAGE;
	*store = s;
	return 0;
}

static void mem_unref(struct store *s, uint32_t slot)
{
	s->slots -= s->pages->refs[slot] == 1;
	slab_unref(s->pages, slot);
}

/* The page becomes the slot, instead of the one that it had. */
static int mem_take(struct store *s, uint32_t *slot, uint32_t page)
{
	if ((*slot == STORE_NONE || s->pages->refs[*slot] > 1) && s->slots >= s->slots_max)
		return -ENOSPC;
	if (*slot != STORE_NONE)
		mem_unref(s, *slot);
	*slot = page;
	if (++s->slots > s->slots_peak)
		s->slots_peak = s->slots;
	return 0;
}

static int mem_write(struct store *s, uint32_t *slot, const void *page)
{
	uint32_t n = *slot;
	int rc;

	if (n == STORE_NONE || s->pages->refs[n] > 1) {
		n = slab_alloc(s->pages);
		if (n == UINT32_MAX)
			return -ENOMEM;
		rc = mem_take(s, slot, n);
		if (rc) {
			slab_unref(s->pages, n);
			return rc;
		}
	}
	memcpy(slab_page(s->pages, n), page, STORE_PAGE);
	return 0;
}

static int mem_read(struct store *s, uint32_t slot, void *page)
{
	memcpy(page, slab_page(s->pages, slot), STORE_PAGE);
	return 0;
}

static bool mem_same(struct store *s, uint32_t slot, const void *page)
{
	return memcmp(page, slab_page(s->pages, slot), STORE_PAGE) == 0;
}

static const void *mem_map(struct store *s, uint32_t slot)
{
	return slab_page(s->pages, slot);
}

static void mem_ref(struct store *s, uint32_t slot)
{
	slab_ref(s->pages, slot);
}

static void mem_stats(const struct store *s, struct store_stats *stats)
{
	*stats = (struct store_stats){ .stored_bytes_peak = s->slots_peak * STORE_PAGE,
				       .memory_bytes_peak = s->slots_peak * STORE_PAGE };
}

static void mem_close(struct store *s)
{
	free(s);
}

const struct store_ops store_mem = {
	.name = "mem",
	.open = mem_open,
	.write = mem_write,
	.read = mem_read,
	.same = mem_same,
	.map = mem_map,
	.take = mem_take,
	.ref = mem_ref,
	.unref = mem_unref,
	.stats = mem_stats,
	.close = mem_close,
};
