/* SPDX-License-Identifier: Apache-2.0 */
/* page_slots.c - slots of pages: taken for victims, taken back from resident pages when the device is full. */
#include "core/page_slots.h"
#include "core/core_internal.h"

#include <errno.h>
#include <stdlib.h>

int slots_create(struct vmm *v, uint32_t capacity)
{
	v->slots = calloc(1, sizeof(*v->slots));
	if (!v->slots)
		return -ENOMEM;
	swap_init(&v->slots->swap, capacity);
	return 0;
}

void slots_destroy(struct vmm *v)
{
	if (!v->slots)
		return;
	swap_destroy(&v->slots->swap);
	free(v->slots->of);
	free(v->slots);
	v->slots = NULL;
}

int slots_page(struct vmm *v, uint32_t page)
{
	struct page_slots *s = v->slots;
	uint32_t *of;

	if (page >= s->allocated) {
		of = realloc(s->of, v->page_capacity * sizeof(*of));
		if (!of)
			return -ENOMEM;
		s->of = of;
		s->allocated = v->page_capacity;
	}
	s->of[page] = VMM_NONE;
	return 0;
}

void slots_release(struct vmm *v, uint32_t page)
{
	struct page_slots *s = v->slots;

	if (s->of[page] == VMM_NONE)
		return;
	swap_dec_ref(&s->swap, s->of[page]);
	s->of[page] = VMM_NONE;
}

/* The copy of some resident page is given up for a slot. The page that is to leave needs its own. */
static bool copy_take_back(struct vmm *v, uint32_t leaving)
{
	struct page_slots *s = v->slots;
	struct frame_table *t = &v->frames;

	if (s->searched && s->searched_at == v->stats.store_reads)
		return false;
	for (uint32_t n = 0; n < t->capacity; n++) {
		uint32_t f = s->hand < t->capacity ? s->hand : 0;
		uint32_t page = f < t->fresh && t->bits[f] & FRAME_USED ? t->page[f] : VMM_NONE;

		s->hand = f + 1;
		if (page == VMM_NONE || page == leaving || !(v->pages[page].flags & PAGE_HAS_COPY))
			continue;
		slots_release(v, page);
		v->pages[page].flags &= (uint8_t)~PAGE_HAS_COPY;
		t->bits[f] |= FRAME_DIRTY;
		mmu_sync(v, page);
		return true;
	}
	s->searched = true;
	s->searched_at = v->stats.store_reads;
	return false;
}

bool slots_reserve(struct vmm *v, uint32_t page)
{
	struct page_slots *s = v->slots;
	int err;

	if (s->of[page] != VMM_NONE)
		return true;
	err = swap_take(&s->swap, &s->of[page]);
	if (err == -ENOSPC && copy_take_back(v, page))
		err = swap_take(&s->swap, &s->of[page]);
	if (err)
		s->of[page] = VMM_NONE;
	return !err;
}

void slots_stays(struct vmm *v, uint32_t page)
{
	v->slots->searched = false;
	if (!(v->pages[page].flags & PAGE_HAS_COPY))
		slots_release(v, page);
}

int slots_check(const struct vmm *v)
{
	const struct page_slots *s = v->slots;
	uint32_t used = 0;

	if (swap_check(&s->swap) || s->allocated < v->page_count)
		return -EINVAL;
	for (uint32_t id = 0; id < v->page_count; id++) {
		const struct page *p = &v->pages[id];
		bool has = s->of[id] != VMM_NONE;

		used += has;
		if (p->flags & PAGE_GONE ? has : !has && p->flags & PAGE_HAS_COPY)
			return -EINVAL;
		if (has && !(p->flags & PAGE_HAS_COPY) && p->state != PAGE_EVICTING)
			return -EINVAL;
		if (has && s->swap.refs[s->of[id]] != 1)
			return -EINVAL;
	}
	return used == s->swap.used ? 0 : -EINVAL;
}
