/* SPDX-License-Identifier: Apache-2.0 */
/* writeback.c - see writeback.h. */
#include "core/writeback.h"
#include "core/core_internal.h"

#include <errno.h>
#include <stdlib.h>

#define NS_PER_US 1000u

static uint64_t clock_ns(struct vmm *v)
{
	const struct timing *t = &v->timing;

	return v->flags & VMM_FLAG_TIME_FAULTS
		       ? v->now * ((uint64_t)t->fault_us + t->swap_us) * NS_PER_US
		       : core_clock_ns(v);
}

static bool clean(void *arg, uint32_t f, uint32_t limit)
{
	struct vmm *v = arg;
	struct writebacks *w = v->writebacks;
	struct frame_table *t = &v->frames;
	uint32_t id = t->page[f];
	struct page *p = &v->pages[id];

	if (w->count >= min_u32(limit, w->capacity) || !frame_evictable(t, f) ||
	    !frame_dirty(t, f) || frame_cleaning(t, f))
		return false;
	if (p->sharing & PAGE_FILE) {
		v->stats.file_writes++;
	} else {
		if (v->slots && !slots_reserve(v, id))
			return false;
		p->flags |= PAGE_HAS_COPY;
		v->stats.store_writes += base_pages(p);
	}
	v->stats.writebacks += base_pages(p);
	t->bits[f] = (uint8_t)((t->bits[f] & ~FRAME_DIRTY) | FRAME_CLEANING);
	if (v->flags & VMM_FLAG_TRACK_DIRTY)
		p->flags &= (uint8_t)~PAGE_WRITABLE;
	mmu_sync(v, id);
	w->queue[(w->first + w->count++) % w->capacity] = (struct writeback){
		.ends_ns = clock_ns(v) + (uint64_t)v->timing.swap_us * NS_PER_US,
		.load_seq = t->load_seq[f],
		.frame = f,
	};
	if (w->asked && w->n_asked < w->capacity)
		w->asked[w->n_asked++] = id;
	return true;
}

uint32_t core_cleans(struct vmm *v, const uint32_t **pages)
{
	struct writebacks *w = v->writebacks;
	uint32_t n = w ? w->n_asked : 0;

	if (!n)
		return 0;
	*pages = w->asked;
	w->n_asked = 0;
	return n;
}

int writebacks_create(struct vmm *v, struct policy_env *env)
{
	struct writebacks *w;

	if (!(v->ops->flags & POLICY_CLEANS))
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	v->writebacks = w;
	w->capacity = v->frames.capacity;
	w->queue = calloc(w->capacity, sizeof(*w->queue));
	if (v->flags & VMM_FLAG_LIVE) {
		w->asked = calloc(w->capacity, sizeof(*w->asked));
		if (!w->asked)
			return -ENOMEM;
	}
	env->clean = clean;
	env->clean_arg = v;
	return w->queue ? 0 : -ENOMEM;
}

void writebacks_destroy(struct vmm *v)
{
	if (!v->writebacks)
		return;
	free(v->writebacks->queue);
	free(v->writebacks->asked);
	free(v->writebacks);
	v->writebacks = NULL;
}

static void writeback_end(struct vmm *v, uint32_t f)
{
	v->frames.bits[f] &= (uint8_t)~FRAME_CLEANING;
}

void writebacks_advance(struct vmm *v)
{
	struct writebacks *w = v->writebacks;
	uint64_t now = w->count ? clock_ns(v) : 0;

	while (w->count && w->queue[w->first].ends_ns <= now) {
		const struct writeback *b = &w->queue[w->first];

		if (v->frames.load_seq[b->frame] == b->load_seq)
			writeback_end(v, b->frame);
		w->first = (w->first + 1) % w->capacity;
		w->count--;
	}
}

bool writebacks_check(const struct vmm *v)
{
	const struct writebacks *w = v->writebacks;
	const struct frame_table *t = &v->frames;
	uint32_t cleaning = 0, queued = 0;
	uint64_t before = 0;

	for (uint32_t f = 0; f < t->fresh; f++)
		cleaning += frame_cleaning(t, f);
	for (uint32_t i = 0; w && i < w->count; i++) {
		const struct writeback *b = &w->queue[(w->first + i) % w->capacity];

		if (b->ends_ns < before)
			return false;
		before = b->ends_ns;
		queued += t->load_seq[b->frame] == b->load_seq && frame_cleaning(t, b->frame);
	}
	return cleaning == queued;
}
