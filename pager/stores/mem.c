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

static int mem_open(struct store **store, struct slab *pages, uint64_t limit_bytes)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->pages = pages;
	s->slots_max = limit_bytes / 4096;
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
	memcpy(slab_page(s->pages, n), page, 4096);
	return 0;
}

static int mem_read(struct store *s, uint32_t slot, void *page)
{
	memcpy(page, slab_page(s->pages, slot), 4096);
	return 0;
}

static const void *mem_map(struct store *s, uint32_t slot)
{
	return slab_page(s->pages, slot);
}

static void mem_ref(struct store *s, uint32_t slot)
{
	slab_ref(s->pages, slot);
}

static uint64_t mem_peak_bytes(const struct store *s)
{
	return s->slots_peak * 4096;
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
	.map = mem_map,
	.take = mem_take,
	.ref = mem_ref,
	.unref = mem_unref,
	.peak_bytes = mem_peak_bytes,
	.close = mem_close,
};
