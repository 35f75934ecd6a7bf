/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c - see pack.h. */
#include "pager/stores/pack.h"
#include "pager/slab.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 4096u
#define OWNER_BYTES 4u
#define CAP_FIRST 8u

static uint32_t size_of(uint32_t class)
{
	return (class + 1) * PACK_STEP;
}

static uint32_t pages_for(uint32_t class, uint64_t count)
{
	return (uint32_t)((count * size_of(class) + PAGE - 1) / PAGE);
}

/* A byte of the class's array. */
static uint8_t *at(const struct pack *o, const struct pack_class *c, uint64_t offset)
{
	return (uint8_t *)slab_page(o->pages, c->page[offset / PAGE]) + offset % PAGE;
}

static uint32_t until_page_ends(uint64_t offset, uint32_t bytes)
{
	uint32_t left = PAGE - (uint32_t)(offset % PAGE);

	return left < bytes ? left : bytes;
}

static void copy_out(const struct pack *o, const struct pack_class *c, uint64_t offset, void *to,
		     uint32_t bytes)
{
	uint32_t head = until_page_ends(offset, bytes);

	memcpy(to, at(o, c, offset), head);
	if (head < bytes)
		memcpy((uint8_t *)to + head, at(o, c, offset + head), bytes - head);
}

static void copy_in(struct pack *o, const struct pack_class *c, uint64_t offset, const void *from,
		    uint32_t bytes)
{
	uint32_t head = until_page_ends(offset, bytes);

	memcpy(at(o, c, offset), from, head);
	if (head < bytes)
		memcpy(at(o, c, offset + head), (const uint8_t *)from + head, bytes - head);
}

uint32_t pack_growth(const struct pack *o, uint32_t class)
{
	const struct pack_class *c = &o->classes[class];

	return pages_for(class, c->count + 1ull) - c->pages;
}

static int grow(struct pack *o, struct pack_class *c)
{
	uint32_t page;

	if (c->pages == c->cap) {
		uint32_t cap = c->cap ? c->cap * 2 : CAP_FIRST;
		uint32_t *p = realloc(c->page, cap * sizeof(*p));

		if (!p)
			return -1;
		o->table_bytes += (cap - c->cap) * sizeof(*p);
		c->page = p;
		c->cap = cap;
	}
	page = slab_alloc(o->pages);
	if (page == UINT32_MAX)
		return -1;
	c->page[c->pages++] = page;
	o->pages_used++;
	return 0;
}

uint32_t pack_add(struct pack *o, uint32_t class, uint32_t owner)
{
	struct pack_class *c = &o->classes[class];

	if (pack_growth(o, class) && grow(o, c) < 0)
		return UINT32_MAX;
	copy_in(o, c, (uint64_t)c->count * size_of(class), &owner, OWNER_BYTES);
	return c->count++;
}

uint32_t pack_remove(struct pack *o, uint32_t class, uint32_t place)
{
	struct pack_class *c = &o->classes[class];
	uint32_t size = size_of(class), owner = UINT32_MAX, last = --c->count;
	uint8_t object[PAGE];

	if (place != last) {
		copy_out(o, c, (uint64_t)last * size, object, size);
		copy_in(o, c, (uint64_t)place * size, object, size);
		memcpy(&owner, object, OWNER_BYTES);
	}
	while (c->pages > pages_for(class, c->count)) {
		slab_unref(o->pages, c->page[--c->pages]);
		o->pages_used--;
	}
	return owner;
}

void pack_write(struct pack *o, uint32_t class, uint32_t place, const void *data, uint32_t bytes)
{
	copy_in(o, &o->classes[class], (uint64_t)place * size_of(class) + OWNER_BYTES, data, bytes);
}

const void *pack_read(const struct pack *o, uint32_t class, uint32_t place, uint32_t bytes,
		      void *scratch)
{
	const struct pack_class *c = &o->classes[class];
	uint64_t offset = (uint64_t)place * size_of(class) + OWNER_BYTES;

	if (until_page_ends(offset, bytes) == bytes)
		return at(o, c, offset);
	copy_out(o, c, offset, scratch, bytes);
	return scratch;
}

void pack_destroy(struct pack *o)
{
	for (uint32_t i = 0; i < PACK_CLASSES; i++)
		free(o->classes[i].page);
}
