/* SPDX-License-Identifier: Apache-2.0 */
/* slab.c - see slab.h. */
#include "pager/slab.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int grow_tables(struct slab *s)
{
	uint32_t cap = s->chunks_cap ? s->chunks_cap * 2 : 64;
	void *p;

	if (!(p = realloc(s->chunk, cap * sizeof(*s->chunk))))
		return -1;
	s->chunk = p;
	if (!(p = realloc(s->refs, (size_t)cap * SLAB_CHUNK_PAGES * sizeof(*s->refs))))
		return -1;
	s->refs = p;
	if (!(p = realloc(s->stack, (size_t)cap * SLAB_CHUNK_PAGES * sizeof(*s->stack))))
		return -1;
	s->stack = p;
	s->chunks_cap = cap;
	return 0;
}

/* Aligned, so that huge pages back it where the system allows them: pages are visited at random, and each visit would miss the TLB. */
static void *map_chunk(void)
{
	size_t bytes = (size_t)SLAB_CHUNK_PAGES * 4096, huge = SLAB_ALIGN_BYTES;
	uint8_t *p = mmap(NULL, bytes + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	size_t before;

	if (p == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)p & (huge - 1);
	if (before)
		munmap(p, before);
	munmap(p + before + bytes, huge - before);
	madvise(p + before, bytes, MADV_HUGEPAGE);
	return p + before;
}

static int grow(struct slab *s)
{
	uint32_t i, base = s->chunks * SLAB_CHUNK_PAGES;
	void *p;

	if (s->chunks == s->chunks_cap && grow_tables(s) < 0)
		return -1;
	p = map_chunk();
	if (!p)
		return -1;
	s->chunk[s->chunks++] = p;
	memset(s->refs + base, 0, SLAB_CHUNK_PAGES * sizeof(*s->refs));
	for (i = 0; i < SLAB_CHUNK_PAGES; i++)
		s->stack[s->free++] = base + SLAB_CHUNK_PAGES - 1 - i;
	return 0;
}

uint32_t slab_alloc(struct slab *s)
{
	uint32_t n;

	if (!s->free && grow(s) < 0)
		return UINT32_MAX;
	n = s->stack[--s->free];
	s->refs[n] = 1;
	return n;
}

void slab_ref(struct slab *s, uint32_t n)
{
	s->refs[n]++;
}

void slab_unref(struct slab *s, uint32_t n)
{
	if (--s->refs[n] == 0)
		s->stack[s->free++] = n;
}
