/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlb_invalidate.c - ending entries: one page, a range, a space, everything, and batches.
 *
 * A page is looked for under every size that the TLB holds. A sweep looks at every entry once; ranges and batches sweep
 * when that is less work than looking for each page.
 *
 * A batch that sweeps first enters the tags of its pages in two tables: `batch_tags`, open addressing, says exactly which
 * are in it, and the membership bitmap `batch_bits`, by the same hash, says of most others with one load that they are
 * not. Both are at most half and 1/16 full. Longer batches are swept in parts.
 */
#include "core/tlb_internal.h"

#include <string.h>

#define PART_PAGES 1024u /* pages entered for one sweep */

_Static_assert(TLB_BATCH_SLOTS >= 2 * PART_PAGES * PAGE_SIZES, "a part fits");
_Static_assert(TLB_BATCH_BITS >= 16 * PART_PAGES, "and the bitmap stays sparse");

struct batch {
	uint64_t *bits, *tags;
	uint64_t bit_mask, slot_mask;
};

/* About what each costs, in nanoseconds of the machine this was measured on (bench/core_tlb.c); only ratios matter. */
#define COST_PROBE 12u      /* to look for one page under one size in one level, */
#define COST_WAYS 4u        /* and one more for so many ways */
#define COST_SWEEP_ENTRY 3u /* to look at one entry */
#define COST_ENTER_PAGE 8u  /* to enter one page of a batch */

static void costs(const struct tlb *t, uint64_t *find, uint64_t *sweep)
{
	*find = *sweep = 0;
	for (uint32_t k = 0; k < t->n_made; k++) {
		const struct tlb_level *l = t->made[k];

		*sweep += COST_SWEEP_ENTRY * (uint64_t)l->geometry.entries;
		for (enum page_size size = PAGE_4K; size < PAGE_SIZES; size++)
			if (l->count[size])
				*find += COST_PROBE + l->geometry.ways / COST_WAYS;
	}
}

static inline uint32_t tag_end(struct tlb_level *l, uint64_t tag)
{
	uint32_t i = level_find(l, tag);

	if (i == UINT32_MAX)
		return 0;
	level_end(l, i);
	return 1;
}

static inline uint32_t size_end(struct tlb *t, uint32_t asid, uint64_t vpn, enum page_size size)
{
	uint64_t tag = tag_make(asid, vpn, size);

	return tag_end(t->l1[size], tag) + (t->l2 ? tag_end(t->l2, tag) : 0);
}

static __attribute__((noinline)) uint32_t larger_end(struct tlb *t, uint32_t asid, uint64_t vpn)
{
	uint32_t n = 0;

	for (enum page_size size = PAGE_4K + 1; size < PAGE_SIZES; size++)
		n += size_end(t, asid, vpn, size);
	return n;
}

static inline uint32_t page_end(struct tlb *t, uint32_t asid, uint64_t vpn)
{
	if (!tag_fits(t, vpn))
		return 0;
	return size_end(t, asid, vpn, PAGE_4K) + (t->larger ? larger_end(t, asid, vpn) : 0);
}

uint32_t tlb_invalidate(struct tlb *t, uint32_t space, uint64_t vpn)
{
	uint32_t asid = t->running && t->space == space ? t->asid : tlb_asid_find(t, space);
	uint32_t n = asid == ASID_NONE ? 0 : page_end(t, asid, vpn);

	t->stats.shootdowns++;
	t->stats.invalidated += n;
	return n;
}

/* Page numbers with their sign extended, so that ranges of them can be compared. */
static uint64_t vpn_full(const struct tlb *t, uint64_t vpn)
{
	uint64_t full = (uint64_t)((int64_t)(vpn << (64 - TAG_VPN_BITS)) >> (64 - TAG_VPN_BITS));

	return full << t->page_shift >> t->page_shift;
}

/* Ends every entry of the ASID that has a page in [first, last]. */
static uint32_t range_sweep(struct tlb *t, uint32_t asid, uint64_t first, uint64_t last)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < t->n_made; k++) {
		struct tlb_level *l = t->made[k];

		for (uint32_t i = 0; i < l->geometry.entries; i++) {
			uint64_t tag = l->tag[i], from;

			if (tag == TAG_NONE || tag_asid(tag) != asid)
				continue;
			from = vpn_full(t, tag_vpn(tag));
			if (from > last || from + (page_size_pages(tag_size(tag)) - 1) < first)
				continue;
			level_end(l, i);
			n++;
		}
	}
	return n;
}

uint32_t tlb_invalidate_range(struct tlb *t, uint32_t space, uint64_t vpn, uint64_t n)
{
	uint64_t last = n - 1 > UINT64_MAX - vpn ? UINT64_MAX : vpn + n - 1, find, sweep;
	uint32_t asid = tlb_asid_find(t, space), ended = 0;

	t->stats.shootdowns++;
	costs(t, &find, &sweep);
	if (asid == ASID_NONE || !find)
		return 0;
	if (last - vpn >= sweep / find)
		ended = range_sweep(t, asid, vpn, last);
	else
		for (uint64_t at = vpn; at - vpn <= last - vpn; at++)
			ended += page_end(t, asid, at);
	t->stats.invalidated += ended;
	return ended;
}

uint32_t tlb_invalidate_space(struct tlb *t, uint32_t space)
{
	uint32_t asid = tlb_asid_find(t, space);
	uint32_t n = asid == ASID_NONE ? 0 : range_sweep(t, asid, 0, UINT64_MAX);

	t->stats.shootdowns++;
	t->stats.invalidated += n;
	return n;
}

uint32_t tlb_flush(struct tlb *t)
{
	uint64_t n = 0;

	for (uint32_t k = 0; k < t->n_made; k++) {
		struct tlb_level *l = t->made[k];

		for (enum page_size size = PAGE_4K; size < PAGE_SIZES; size++)
			n += l->count[size];
		level_empty(l);
	}
	t->larger = false;
	t->stats.flushes++;
	t->stats.invalidated += n;
	return (uint32_t)n;
}

static uint64_t hash(uint64_t tag)
{
	tag *= 0x9E3779B97F4A7C15ull;
	return tag ^ tag >> 32;
}

static void batch_begin(const struct tlb *t, struct batch *b, uint32_t tags)
{
	uint64_t slots = 64;

	while (slots < 2 * (uint64_t)tags)
		slots *= 2;
	b->tags = t->batch_tags;
	b->bits = t->batch_bits;
	b->slot_mask = slots - 1;
	b->bit_mask = 8 * slots < TLB_BATCH_BITS ? 8 * slots - 1 : TLB_BATCH_BITS - 1;
	memset(b->tags, 0xff, slots * sizeof(*b->tags));
	memset(b->bits, 0, (b->bit_mask + 1) / 8);
}

static void batch_add(struct batch *b, uint64_t tag)
{
	uint64_t h = hash(tag), i = h & b->slot_mask;

	b->bits[(h & b->bit_mask) / 64] |= 1ull << (h & 63);
	while (b->tags[i] != TAG_NONE && b->tags[i] != tag)
		i = (i + 1) & b->slot_mask;
	b->tags[i] = tag;
}

static inline bool batch_has(const struct batch *b, uint64_t tag)
{
	uint64_t h = hash(tag);

	if (!(b->bits[(h & b->bit_mask) / 64] >> (h & 63) & 1))
		return false;
	for (uint64_t i = h & b->slot_mask; b->tags[i] != TAG_NONE; i = (i + 1) & b->slot_mask)
		if (b->tags[i] == tag)
			return true;
	return false;
}

static uint32_t batch_sweep(struct tlb *t, const struct batch *b)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < t->n_made; k++) {
		struct tlb_level *l = t->made[k];

		for (uint32_t i = 0; i < l->geometry.entries; i++)
			if (l->tag[i] != TAG_NONE && batch_has(b, l->tag[i])) {
				level_end(l, i);
				n++;
			}
	}
	return n;
}

/* Up to PART_PAGES pages, under each size that is held. */
static uint32_t part_end(struct tlb *t, uint32_t asid, const uint64_t *vpns, uint32_t n)
{
	struct batch b;

	batch_begin(t, &b, n * PAGE_SIZES);
	for (enum page_size size = PAGE_4K; size < PAGE_SIZES; size++) {
		if (!t->l1[size]->count[size] && !(t->l2 && t->l2->count[size]))
			continue;
		for (uint32_t i = 0; i < n; i++)
			if (tag_fits(t, vpns[i]))
				batch_add(&b, tag_make(asid, vpns[i], size));
	}
	return batch_sweep(t, &b);
}

uint32_t tlb_invalidate_batch(struct tlb *t, uint32_t space, const uint64_t *vpns, uint32_t n)
{
	uint32_t asid = tlb_asid_find(t, space), ended = 0;
	uint64_t find, sweep;

	t->stats.shootdowns++;
	costs(t, &find, &sweep);
	if (asid == ASID_NONE)
		return 0;
	while (n) {
		uint32_t part = n < PART_PAGES ? n : PART_PAGES;

		if (part * find <= sweep + COST_ENTER_PAGE * (uint64_t)part)
			for (uint32_t i = 0; i < part; i++)
				ended += page_end(t, asid, vpns[i]);
		else
			ended += part_end(t, asid, vpns, part);
		vpns += part;
		n -= part;
	}
	t->stats.invalidated += ended;
	return ended;
}
