/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.h - what pages can belong to instead of to one process: files, and shared memory. Internal to core/.
 *
 * An object comes into being when it is first mapped, or by vmm_create_shared, and exists while anything refers to it: each region
 * that maps it, and its creation, which is never taken back. Its pages come into being when they are first needed,
 * known by their number in the object, and stay as long as the object: resident or not, mapped by anybody or by nobody.
 *
 *   file            its pages can always be read from it. Evicted clean they are dropped; dirty they are written to it. A dirty
 *                   page is written, too, when the last address that maps it is unmapped, by vmm_sync, and when the object ends.
 *   shared memory   begins as zeros; its pages go to the store like anonymous ones, and are gone with the object
 */
#ifndef VMM_OBJECT_H
#define VMM_OBJECT_H

#include "core/share.h"

#include <uthash.h>

struct object_key {
	uint32_t id;
	uint32_t is_file; /* files and shared memory have numbers of their own */
};

struct object {
	struct object_key key;
	uint32_t index; /* never used again: its space in vmm.object_map */
	bool in_hash;
	uint64_t refs;
	uint64_t pages; /* of vmm_create_shared; 0: not made by it */
	UT_hash_handle hh, by_index;
};

struct object *object_find(struct vmm *v, uint32_t id, bool is_file);
struct object *object_at(const struct vmm *v, uint32_t index); /* NULL: there is none */
/* Finds or makes it, and refers to it. NULL: no memory. */
struct object *object_get(struct vmm *v, uint32_t id, bool is_file);
/* Shared memory with a number that is not taken. */
struct object *object_create(struct vmm *v, uint64_t pages);
/* One reference less; the last ends the object. */
void object_put(struct vmm *v, struct object *o, core_gone_fn gone, void *arg);
void objects_destroy(struct vmm *v);

uint32_t object_page_find(struct vmm *v, const struct object *o, uint64_t page); /* VMM_NONE */
int object_page_set(struct vmm *v, const struct object *o, uint64_t page, uint32_t id);
uint32_t object_page_at(const struct vmm *v, const struct page_share *row);
void object_page_forget(struct vmm *v, const struct page_share *row);

/* A resident page of a file that is dirty is written to it; true when it was. */
bool file_page_clean(struct vmm *v, uint32_t id);

#endif
