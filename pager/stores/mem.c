/* SPDX-License-Identifier: Apache-2.0 */
/* mem.c - the store in the pager's own memory: a slot is a page of a slab. */
#include "pager/slab.h"
#include "pager/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct store {
	struct slab slab;
	uint64_t slots_max;
};

static int mem_open(struct store **store, uint64_t limit_bytes)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->slots_max = limit_bytes / 4096;
	*store = s;
	return 0;
}

static int mem_write(struct store *s, uint32_t *slot, const void *page)
{
	uint32_t n = *slot;

	if (n == STORE_NONE || s->slab.refs[n] > 1) {
		if (s->slab.used >= s->slots_max)
			return -ENOSPC;
		n = slab_alloc(&s->slab);
		if (n == UINT32_MAX)
			return -ENOMEM;
		if (*slot != STORE_NONE)
			slab_unref(&s->slab, *slot);
		*slot = n;
	}
	memcpy(slab_page(&s->slab, n), page, 4096);
	return 0;
}

static int mem_read(struct store *s, uint32_t slot, void *page)
{
	memcpy(page, slab_page(&s->slab, slot), 4096);
	return 0;
}

static const void *mem_map(struct store *s, uint32_t slot)
{
	return slab_page(&s->slab, slot);
}

static void mem_ref(struct store *s, uint32_t slot)
{
	slab_ref(&s->slab, slot);
}

static void mem_unref(struct store *s, uint32_t slot)
{
	slab_unref(&s->slab, slot);
}

static uint64_t mem_peak_bytes(const struct store *s)
{
	return (uint64_t)s->slab.used_peak * 4096;
}

static void mem_close(struct store *s)
{
	slab_destroy(&s->slab);
	free(s);
}

const struct store_ops store_mem = {
	.name = "mem",
	.open = mem_open,
	.write = mem_write,
	.read = mem_read,
	.map = mem_map,
	.ref = mem_ref,
	.unref = mem_unref,
	.peak_bytes = mem_peak_bytes,
	.close = mem_close,
};
