/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slab.h - pages of the pager's own memory by number, with reference counts: the mem store's slots and the content of idle pages.
 *
 * Memory comes in chunks of 4 MiB that never move; a freed page is the next one handed out, so no more memory is touched than
 * the most pages in use at once.
 */
#ifndef PAGER_SLAB_H
#define PAGER_SLAB_H

#include <stdint.h>

#define SLAB_CHUNK_PAGES 1024u
#define SLAB_ALIGN_BYTES (2u << 20)

struct slab {
	uint8_t **chunk;
	uint32_t chunks, chunks_cap;
	uint32_t *refs;  /* by page; 0: free */
	uint32_t *stack; /* free pages */
	uint32_t free;
};

uint32_t slab_alloc(struct slab *s); /* UINT32_MAX: out of memory */
void slab_ref(struct slab *s, uint32_t n);
void slab_unref(struct slab *s, uint32_t n);

static inline void *slab_page(const struct slab *s, uint32_t n)
{
	return s->chunk[n / SLAB_CHUNK_PAGES] + (uint64_t)(n % SLAB_CHUNK_PAGES) * 4096;
}

#endif
