/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack.h - memory for compressed pages: objects of some hundred to some thousand bytes, packed without holes.
 *
 * Sizes are rounded up to PACK_STEP bytes, and each size is a class of its own. A class is an array of equal objects without
 * gaps, laid over pages of the pager's (slab.h): object k begins at byte k * size, so one that crosses the end of a page
 * continues in the class's next. Removing an object moves the class's last one into its place; each object begins with the
 * number of its owner, who is told of the move.
 *
 *     page 0                     page 1                     page 2 (the last)
 *     [ object 0 | object 1 | obj  ect 2 | object 3 | objec  t 4 |   not used   ]
 *
 * So memory is lost in two ways only: PACK_STEP - 1 bytes an object at most (half on average), and less than a page a class.
 * There is nothing to compact, whatever the order in which objects come and go.
 */
#ifndef PAGER_STORES_PACK_H
#define PAGER_STORES_PACK_H

#include <stdint.h>

#define PACK_STEP 32u
#define PACK_BYTES_MAX 3584u /* with the owner's number in front it stays below a page */
#define PACK_CLASSES ((PACK_BYTES_MAX + 4 + PACK_STEP - 1) / PACK_STEP)

struct slab;

struct pack_class {
	uint32_t *page; /* of the slab */
	uint32_t pages, cap;
	uint32_t count; /* objects */
};

struct pack {
	struct slab *pages;
	uint64_t pages_used;
	uint64_t table_bytes;
	struct pack_class classes[PACK_CLASSES];
};

/* The class of objects of so many bytes, 1 to PACK_BYTES_MAX. */
static inline uint32_t pack_class_of(uint32_t bytes)
{
	return (bytes + 4 + PACK_STEP - 1) / PACK_STEP - 1;
}

/* Pages by which the memory grows when an object is added: 0 or 1. */
uint32_t pack_growth(const struct pack *o, uint32_t class);

/* A new object: its place in the class, UINT32_MAX: out of memory. */
uint32_t pack_add(struct pack *o, uint32_t class, uint32_t owner);

/* Removes one; returns the owner of the object that is at its place now, UINT32_MAX: there is none. */
uint32_t pack_remove(struct pack *o, uint32_t class, uint32_t place);

void pack_write(struct pack *o, uint32_t class, uint32_t place, const void *data, uint32_t bytes);

/* Where its bytes are: in place, or copied to `scratch` when they cross a page. Valid until the class changes. */
const void *pack_read(const struct pack *o, uint32_t class, uint32_t place, uint32_t bytes,
		      void *scratch);

void pack_destroy(struct pack *o); /* the tables; the pages belong to the slab */

#endif
