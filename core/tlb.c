/* SPDX-License-Identifier: Apache-2.0 */
/* tlb.c - making a TLB, lookups, filling, ASIDs, reach and the check. Invalidation is in tlb_invalidate.c. */
#include "core/tlb_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void level_empty(struct tlb_level *l)
{
	memset(l->tag, 0xff, l->geometry.entries * sizeof(*l->tag));
	for (uint32_t i = 0; i < l->geometry.entries && !l->ordered; i++)
		l->stamp[i] &= way_mask(l);
	for (uint32_t set = 0; set < l->sets && l->ordered; set++)
		l->order[set] = ORDER_FIRST;
	memset(l->count, 0, sizeof(l->count));
}

static int level_init(struct tlb_level *l, const struct tlb_geometry *g, enum tlb_policy policy)
{
	if (g->entries == 0)
		return 0;
	if (g->entries > TLB_ENTRIES_MAX || g->ways == 0 || g->entries % g->ways)
		return -EINVAL;
	if (policy == TLB_PLRU && g->ways > TLB_PLRU_WAYS_MAX)
		return -EINVAL;
	l->geometry = *g;
	l->sets = g->entries / g->ways;
	l->set_mask = l->sets & (l->sets - 1) ? 0 : l->sets - 1;
	l->tag = malloc(g->entries * sizeof(*l->tag));
	l->pte = calloc(g->entries, sizeof(*l->pte));
	l->stamp = calloc(g->entries, sizeof(*l->stamp));
	l->order = calloc(l->sets, sizeof(*l->order));
	l->ordered = (policy == TLB_LRU || policy == TLB_FIFO) && g->ways <= ORDER_WAYS_MAX;
	l->order_last = l->ordered ? (uint8_t)(4 * (g->ways - 1)) : 0;
	l->order_ways = UINT64_MAX >> (60 - l->order_last);
	l->hint_bytes = (g->ways + HINTS - 1) / HINTS * HINTS;
	l->hint = calloc(l->sets, l->hint_bytes);
	if (!l->tag || !l->pte || !l->stamp || !l->order || !l->hint)
		return -ENOMEM;
	while ((g->ways - 1) >> l->way_bits)
		l->way_bits++;
	for (uint32_t i = 0; i < g->entries; i++)
		l->stamp[i] = i % g->ways;
	level_empty(l);
	return 0;
}

static int asids_init(struct tlb *t, uint32_t asids)
{
	t->asids = asids;
	t->generation = 1;
	if (asids > TLB_ASIDS_MAX)
		return -EINVAL;
	if (asids == 0)
		return 0;
	for (t->asid_slots = 2; t->asid_slots < 2 * asids;)
		t->asid_slots *= 2;
	t->asid_of = calloc(t->asid_slots, sizeof(*t->asid_of));
	return t->asid_of ? 0 : -ENOMEM;
}

int tlb_init(struct tlb *t, const struct tlb_config *c, uint32_t page_shift, uint64_t seed)
{
	int err;

	memset(t, 0, sizeof(*t));
	t->policy = c->policy;
	t->page_shift = page_shift;
	t->low_bits = page_shift + TAG_VPN_BITS > 64 ? 63 - page_shift : TAG_VPN_BITS - 1;
	t->rng.state = seed;
	err = c->l1[PAGE_4K].entries && page_shift && page_shift < 63 ? asids_init(t, c->asids)
								      : -EINVAL;
	for (enum page_size size = PAGE_4K; !err && size < PAGE_SIZES; size++) {
		err = level_init(&t->level[size], &c->l1[size], c->policy);
		t->l1[size] = &t->level[c->l1[size].entries ? size : PAGE_4K];
	}
	if (!err)
		err = level_init(&t->level[PAGE_SIZES], &c->l2, c->policy);
	if (!err) {
		t->batch_bits = malloc(TLB_BATCH_BITS / 8);
		t->batch_tags = malloc(TLB_BATCH_SLOTS * sizeof(*t->batch_tags));
		err = t->batch_bits && t->batch_tags ? 0 : -ENOMEM;
	}
	if (c->l2.entries)
		t->l2 = &t->level[PAGE_SIZES];
	for (uint32_t k = 0; k <= PAGE_SIZES; k++)
		if (t->level[k].geometry.entries)
			t->made[t->n_made++] = &t->level[k];
	if (err)
		tlb_destroy(t);
	return err;
}

void tlb_destroy(struct tlb *t)
{
	for (uint32_t i = 0; i <= PAGE_SIZES; i++) {
		free(t->level[i].tag);
		free(t->level[i].pte);
		free(t->level[i].stamp);
		free(t->level[i].order);
		free(t->level[i].hint);
	}
	free(t->asid_of);
	free(t->batch_bits);
	free(t->batch_tags);
	memset(t, 0, sizeof(*t));
}

/* The space's slot, or the one where it would be put. Slots of older generations are empty. */
static struct tlb_asid *asid_slot(const struct tlb *t, uint32_t space)
{
	struct rng mix = { .state = space };
	uint32_t mask = t->asid_slots - 1, i = (uint32_t)rng_next(&mix) & mask;

	while (t->asid_of[i].generation == t->generation && t->asid_of[i].space != space)
		i = (i + 1) & mask;
	return &t->asid_of[i];
}

uint32_t tlb_asid_find(const struct tlb *t, uint32_t space)
{
	const struct tlb_asid *slot;

	if (t->running && t->space == space)
		return t->asid;
	if (!t->asids)
		return ASID_NONE;
	slot = asid_slot(t, space);
	return slot->generation == t->generation ? slot->asid : ASID_NONE;
}

static uint32_t asid_give(struct tlb *t, uint32_t space)
{
	struct tlb_asid *slot = asid_slot(t, space);

	if (slot->generation == t->generation)
		return slot->asid;
	if (t->asids_given == t->asids) {
		tlb_flush(t);
		t->asids_given = 0;
		if (++t->generation == 0) { /* wrapped: no slot may seem to be of this generation */
			memset(t->asid_of, 0, t->asid_slots * sizeof(*t->asid_of));
			t->generation = 1;
		}
		slot = asid_slot(t, space);
	}
	*slot = (struct tlb_asid){ space, t->asids_given++, t->generation };
	return slot->asid;
}

void tlb_switch(struct tlb *t, uint32_t space)
{
	if (t->running && t->space == space)
		return;
	t->stats.switches += t->running;
	if (t->asids)
		t->asid = asid_give(t, space);
	else if (t->running)
		tlb_flush(t);
	t->space = space;
	t->running = true;
}

static inline uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Without a branch that depends on the stamps, which are in no order; and in four chains, which do not wait for each other. */
static inline uint32_t entry_oldest(const struct tlb_level *l, uint32_t first)
{
	const uint64_t *stamp = &l->stamp[first];
	uint32_t ways = l->geometry.ways;
	uint64_t a = stamp[0], b = a, c = a, d = a;
	uint32_t way = 0;

	for (; way + 4 <= ways; way += 4) {
		a = least(a, stamp[way]);
		b = least(b, stamp[way + 1]);
		c = least(c, stamp[way + 2]);
		d = least(d, stamp[way + 3]);
		/* not as a vector: SSE2 has no minimum of 64 bits, and what stands in for it takes three times as long */
		__asm__("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
	}
	for (; way < ways; way++)
		a = least(a, stamp[way]);
	return first + (uint32_t)(least(least(a, b), least(c, d)) & way_mask(l));
}

/* Who leaves where order does not say it; an unused one, if there is one. */
static __attribute__((noinline)) uint32_t victim_unordered(struct tlb *t, const struct tlb_level *l,
							   uint32_t set)
{
	uint32_t ways = l->geometry.ways, first = set * ways;

	if (t->policy == TLB_LRU || t->policy == TLB_FIFO)
		return entry_oldest(l, first);
	for (uint32_t i = first; i < first + ways; i++)
		if (l->tag[i] == TAG_NONE)
			return i;
	if (t->policy == TLB_RANDOM)
		return first + (uint32_t)rng_below(&t->rng, ways);
	return ways == 1 ? first : first + (uint32_t)__builtin_ctzll(~l->order[set]);
}

static inline __attribute__((always_inline)) void level_insert(struct tlb *t, struct tlb_level *l,
							       uint64_t tag, pte_t pte)
{
	uint32_t set = set_of(l, tag), first = set * l->geometry.ways, i;
	uint64_t *order = &l->order[set], old;

	if (l->ordered) {
		uint32_t way = order_last(l, *order);

		*order = order_turn(l, *order, way);
		i = first + way;
	} else {
		i = victim_unordered(t, l, set);
		if (t->policy == TLB_FIFO)
			l->stamp[i] = ++t->clock << l->way_bits | (i - first);
		else
			entry_touch(t, l, tag, i);
	}
	old = l->tag[i];
	if (tag_size(old) != tag_size(tag)) { /* that of TAG_NONE is none */
		if (old != TAG_NONE)
			l->count[tag_size(old)]--;
		l->count[tag_size(tag)]++;
	}
	l->tag[i] = tag;
	l->pte[i] = pte;
	l->hint[set * l->hint_bytes + (i - first)] = tag_hint(tag);
}

static inline bool l2_lookup(struct tlb *t, uint64_t vpn, enum page_size size, pte_t *pte)
{
	uint64_t tag = tag_make(t->asid, vpn, size);
	uint32_t i = level_find(t->l2, tag);

	if (i == UINT32_MAX)
		return false;
	entry_touch(t, t->l2, tag, i);
	*pte = t->l2->pte[i];
	level_insert(t, t->l1[size], tag, *pte);
	t->stats.hits_l2++;
	return true;
}

static bool l1_lookup(struct tlb *t, uint64_t vpn, enum page_size size, pte_t *pte)
{
	struct tlb_level *l = t->l1[size];
	uint64_t tag = tag_make(t->asid, vpn, size);
	uint32_t i = l->count[size] ? level_find(l, tag) : UINT32_MAX;

	if (i == UINT32_MAX)
		return false;
	entry_touch(t, l, tag, i);
	*pte = l->pte[i];
	t->stats.hits_l1++;
	return true;
}

static __attribute__((noinline)) bool larger_lookup_l2(struct tlb *t, uint64_t vpn, pte_t *pte)
{
	for (enum page_size size = PAGE_4K + 1; t->l2 && size < PAGE_SIZES; size++)
		if (t->l2->count[size] && l2_lookup(t, vpn, size, pte))
			return true;
	return false;
}

enum tlb_hit tlb_lookup_on(struct tlb *t, uint64_t vpn, pte_t *pte)
{
	for (enum page_size size = PAGE_4K + 1; t->larger && size < PAGE_SIZES; size++)
		if (l1_lookup(t, vpn, size, pte))
			return TLB_HIT_L1;
	if (t->l2 && l2_lookup(t, vpn, PAGE_4K, pte))
		return TLB_HIT_L2;
	if (t->larger && larger_lookup_l2(t, vpn, pte))
		return TLB_HIT_L2;
	t->stats.misses++;
	return TLB_MISS;
}

enum tlb_hit tlb_lookup(struct tlb *t, uint32_t space, uint64_t vpn, pte_t *pte)
{
	return tlb_lookup_inline(t, space, vpn, pte);
}

void tlb_insert(struct tlb *t, uint32_t space, uint64_t vpn, pte_t pte)
{
	enum page_size size = pte_size(pte);
	uint64_t tag;

	tlb_switch(t, space);
	if (!tag_fits(t, vpn))
		return;
	t->larger |= size != PAGE_4K;
	tag = tag_make(t->asid, vpn, size);
	level_insert(t, t->l1[size], tag, pte);
	if (t->l2)
		level_insert(t, t->l2, tag, pte);
}

void tlb_fill(struct tlb *t, uint64_t vpn, pte_t pte)
{
	uint64_t tag = tag_make(t->asid, vpn, PAGE_4K);

	if (pte_size(pte) != PAGE_4K || !tag_fits(t, vpn)) {
		tlb_insert(t, t->space, vpn, pte);
		return;
	}
	level_insert(t, t->l1[PAGE_4K], tag, pte);
	if (t->l2)
		level_insert(t, t->l2, tag, pte);
}

void tlb_update(struct tlb *t, uint32_t space, uint64_t vpn, pte_t pte)
{
	struct tlb_level *const levels[] = { t->l1[pte_size(pte)], t->l2 };
	uint32_t asid = tlb_asid_find(t, space);

	if (asid == ASID_NONE || !tag_fits(t, vpn))
		return;
	for (uint32_t k = 0; k < 2 && levels[k]; k++) {
		uint32_t i = level_find(levels[k], tag_make(asid, vpn, pte_size(pte)));

		if (i != UINT32_MAX)
			levels[k]->pte[i] = pte;
	}
}

bool tlb_holds(const struct tlb *t, uint32_t space, uint64_t vpn, pte_t *pte)
{
	uint32_t asid = tlb_asid_find(t, space);

	if (asid == ASID_NONE || !tag_fits(t, vpn))
		return false;
	for (enum page_size size = PAGE_4K; size < PAGE_SIZES; size++) {
		const struct tlb_level *const levels[] = { t->l1[size], t->l2 };

		for (uint32_t k = 0; k < 2 && levels[k]; k++) {
			uint32_t i = levels[k]->count[size]
					     ? level_find(levels[k], tag_make(asid, vpn, size))
					     : UINT32_MAX;

			if (i == UINT32_MAX)
				continue;
			*pte = levels[k]->pte[i];
			return true;
		}
	}
	return false;
}

static uint64_t size_bytes(const struct tlb *t, enum page_size size)
{
	return page_size_pages(size) << t->page_shift;
}

uint64_t tlb_reach_bytes(const struct tlb *t)
{
	uint64_t bytes = 0;

	for (uint32_t k = 0; k <= PAGE_SIZES; k++) {
		const struct tlb_level *l = &t->level[k];

		for (uint32_t i = 0; i < l->geometry.entries; i++) {
			bool twice = l->tag[i] != TAG_NONE && l != t->l2 && t->l2 &&
				     level_find(t->l2, l->tag[i]) != UINT32_MAX;

			if (l->tag[i] != TAG_NONE && !twice)
				bytes += size_bytes(t, tag_size(l->tag[i]));
		}
	}
	return bytes;
}

uint64_t tlb_reach_max_bytes(const struct tlb *t, enum page_size size)
{
	uint32_t entries = t->l1[size]->geometry.entries;

	if (t->l2 && t->l2->geometry.entries > entries)
		entries = t->l2->geometry.entries;
	return entries * size_bytes(t, size);
}

/* The ways, each once, those that are unused last; and nothing else has changed. */
static bool order_ok(const struct tlb_level *l, uint32_t set)
{
	uint64_t order = l->order[set];
	uint32_t seen = 0;
	bool unused = false;

	for (uint32_t k = 0; k < ORDER_WAYS_MAX; k++) {
		uint32_t way = (uint32_t)(order >> (4 * k)) & 15;

		if (k >= l->geometry.ways && way != k)
			return false;
		seen |= 1u << way;
		if (k >= l->geometry.ways)
			continue;
		if (unused && l->tag[set * l->geometry.ways + way] != TAG_NONE)
			return false;
		unused |= l->tag[set * l->geometry.ways + way] == TAG_NONE;
	}
	return seen == (1u << ORDER_WAYS_MAX) - 1;
}

static bool level_ok(const struct tlb *t, const struct tlb_level *l)
{
	uint64_t count[PAGE_SIZES] = { 0 };

	for (uint32_t i = 0; i < l->geometry.entries; i++) {
		uint64_t tag = l->tag[i];
		enum page_size size = tag_size(tag);

		if (tag == TAG_NONE)
			continue;
		if (size >= PAGE_SIZES || (l != t->l2 && t->l1[size] != l) ||
		    level_find(l, tag) != i || pte_size(l->pte[i]) != size ||
		    (l->stamp[i] & way_mask(l)) != i % l->geometry.ways)
			return false;
		if (!t->running || tag_asid(tag) >= (t->asids ? t->asids_given : 1))
			return false;
		count[size]++;
	}
	for (uint32_t set = 0; set < l->sets; set++) {
		if (l->ordered && !order_ok(l, set))
			return false;
		if (t->policy == TLB_PLRU && l->geometry.ways > 1 &&
		    l->order[set] >= UINT64_MAX >> (64 - l->geometry.ways))
			return false;
	}
	for (enum page_size size = PAGE_4K + 1; size < PAGE_SIZES; size++)
		if (count[size] && !t->larger)
			return false;
	return memcmp(count, l->count, sizeof(count)) == 0;
}

int tlb_check(const struct tlb *t)
{
	for (uint32_t k = 0; k <= PAGE_SIZES; k++)
		if (!level_ok(t, &t->level[k]))
			return -EINVAL;
	return t->asids_given <= t->asids ? 0 : -EINVAL;
}
