/* SPDX-License-Identifier: Apache-2.0 */
/* object.c - see object.h. */
#define HASH_NONFATAL_OOM 1
#include "core/object.h"
#include "core/core_internal.h"

#include <errno.h>
#include <stdlib.h>

#undef uthash_nonfatal_oom
#define uthash_nonfatal_oom(e) ((e)->in_hash = false)

struct object *object_find(struct vmm *v, uint32_t id, bool is_file)
{
	struct object_key key = { id, is_file };
	struct object *o;

	HASH_FIND(hh, v->objects, &key, sizeof(key), o);
	return o;
}

struct object *object_at(const struct vmm *v, uint32_t index)
{
	struct object *o;

	HASH_FIND(by_index, v->objects_by_index, &index, sizeof(index), o);
	return o;
}

/* Into both hashes, or into none. */
static bool object_enter(struct vmm *v, struct object *o)
{
	o->in_hash = true;
	HASH_ADD(hh, v->objects, key, sizeof(o->key), o);
	if (!o->in_hash)
		return false;
	HASH_ADD(by_index, v->objects_by_index, index, sizeof(o->index), o);
	if (!o->in_hash)
		HASH_DEL(v->objects, o);
	return o->in_hash;
}

struct object *object_get(struct vmm *v, uint32_t id, bool is_file)
{
	struct object *o = object_find(v, id, is_file);

	if (o) {
		o->refs++;
		return o;
	}
	o = v->object_next == VMM_NONE ? NULL : calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->key = (struct object_key){ id, is_file };
	o->index = v->object_next;
	o->refs = 1;
	if (!object_enter(v, o)) {
		free(o);
		return NULL;
	}
	v->object_next++;
	return o;
}

struct object *object_create(struct vmm *v, uint64_t pages)
{
	struct object *o;

	while (object_find(v, v->shared_next, false))
		v->shared_next++;
	o = object_get(v, v->shared_next, false);
	if (o) {
		o->pages = pages;
		v->shared_next++;
	}
	return o;
}

void object_put(struct vmm *v, struct object *o, core_gone_fn gone, void *arg)
{
	const uint64_t half = 1ull << 63;
	struct page_map_iter i;
	uint64_t at;
	uint32_t id;

	if (--o->refs)
		return;
	for (int upper = 0; upper < 2; upper++) {
		page_map_iter_init(&i, &v->object_map, o->index, upper ? half : 0, half);
		while ((id = page_map_next(&i, &at)) != VMM_NONE) {
			file_page_clean(v, id);
			if (gone)
				gone(arg, id, &v->pages[id]);
			page_forget(v, id, REMOVE_EXIT);
		}
	}
	HASH_DELETE(by_index, v->objects_by_index, o);
	HASH_DEL(v->objects, o);
	free(o);
}

void objects_destroy(struct vmm *v)
{
	struct object *o, *next;

	HASH_CLEAR(by_index, v->objects_by_index);
	HASH_ITER(hh, v->objects, o, next)
	{
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it loses track inside */
		HASH_DEL(v->objects, o);
		free(o);
	}
	page_map_destroy(&v->object_map);
}

uint32_t object_page_find(struct vmm *v, const struct object *o, uint64_t page)
{
	return page_map_get(&v->object_map, o->index, page);
}

int object_page_set(struct vmm *v, const struct object *o, uint64_t page, uint32_t id)
{
	return page_map_set(&v->object_map, o->index, page, id);
}

uint32_t object_page_at(const struct vmm *v, const struct page_share *row)
{
	/* the map's cache of the last node is not part of what the caller sees */
	return page_map_get((struct page_map *)&v->object_map, row->object, row->object_page);
}

void object_page_forget(struct vmm *v, const struct page_share *row)
{
	page_map_remove(&v->object_map, row->object, row->object_page);
}

bool file_page_clean(struct vmm *v, uint32_t id)
{
	struct page *p = &v->pages[id];

	if (!(p->sharing & PAGE_FILE) || !page_resident(p) || !frame_dirty(&v->frames, p->frame))
		return false;
	if (v->write_back)
		v->write_back(v->write_back_arg, id, p);
	v->stats.file_writes++;
	v->frames.bits[p->frame] &= (uint8_t)~FRAME_DIRTY;
	if (v->flags & VMM_FLAG_TRACK_DIRTY)
		p->flags &= (uint8_t)~PAGE_WRITABLE;
	mmu_sync(v, id);
	return true;
}
