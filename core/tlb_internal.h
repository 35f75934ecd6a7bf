/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlb_internal.h - tags and places, shared by tlb.c, tlb_invalidate.c, and reference.c, which looks up. Nobody else includes it.
 *
 *    63      48 47                                    2 1    0
 *   +----------+---------------------------------------+------+
 *   |   ASID   | page number in units of its own size  | size |
 *   +----------+---------------------------------------+------+
 *
 * The size 3 does not exist, so TAG_NONE is nobody's tag.
 *
 * A *hint* is eight bits of a hash of the tag. A set is searched through its hints, sixteen ways at a time, and a tag is only
 * looked at when its hint is right: one in 256 of the others is.
 */
#ifndef VMM_TLB_INTERNAL_H
#define VMM_TLB_INTERNAL_H

#include "core/tlb.h"

#include <string.h>

#define TAG_NONE UINT64_MAX
#define TAG_VPN_BITS 46u
#define TAG_ASID_SHIFT 48u
#define ASID_NONE UINT32_MAX
#define HINTS 16u /* looked at together */

/* Can a tag name this page number? Its bits from 45 on must be all equal, as in canonical addresses. */
static inline bool tag_fits(const struct tlb *t, uint64_t vpn)
{
	int64_t top = (int64_t)(vpn << t->page_shift);
	uint32_t below = t->page_shift + TAG_VPN_BITS - 1;

	if (vpn >> t->low_bits == 0) /* nearly always */
		return true;
	if (vpn >> (64 - t->page_shift))
		return false;
	top = below < 63 ? top >> below : top >> 63;
	return top == 0 || top == -1;
}

static inline uint64_t tag_make(uint32_t asid, uint64_t vpn, enum page_size size)
{
	uint64_t number = (vpn & ((1ull << TAG_VPN_BITS) - 1)) >> (PAGE_SIZE_BITS * size);

	return (uint64_t)asid << TAG_ASID_SHIFT | number << 2 | size;
}
static inline enum page_size tag_size(uint64_t tag)
{
	return (enum page_size)(tag & 3);
}
static inline uint32_t tag_asid(uint64_t tag)
{
	return (uint32_t)(tag >> TAG_ASID_SHIFT);
}
static inline uint64_t tag_number(uint64_t tag)
{
	return (tag & ((1ull << TAG_ASID_SHIFT) - 1)) >> 2;
}
/* First base page, without sign extension. */
static inline uint64_t tag_vpn(uint64_t tag)
{
	return tag_number(tag) << (PAGE_SIZE_BITS * tag_size(tag));
}

static inline uint32_t set_of(const struct tlb_level *l, uint64_t tag)
{
	uint64_t number = tag_number(tag);

	return (uint32_t)(l->set_mask ? number & l->set_mask : number % l->sets);
}

static inline uint8_t tag_hint(uint64_t tag)
{
	return (uint8_t)(tag * 0x9E3779B97F4A7C15ull >> 56);
}

#ifdef __SSE2__
typedef char hints_vector __attribute__((vector_size(HINTS)));
#endif

/* A bit for each of HINTS bytes that is the one that is wanted. */
static inline uint32_t hints_same(const uint8_t *hint, uint8_t wanted)
{
#ifdef __SSE2__
	hints_vector all;

	memcpy(&all, hint, sizeof(all));
	return (uint32_t)__builtin_ia32_pmovmskb128((hints_vector)(all == (char)wanted));
#else
	uint32_t same = 0;

	for (uint32_t way = 0; way < HINTS; way++)
		same |= (uint32_t)(hint[way] == wanted) << way;
	return same;
#endif
}

/* Index of the tag's entry, or UINT32_MAX. */
static inline uint32_t level_find(const struct tlb_level *l, uint64_t tag)
{
	uint32_t set = set_of(l, tag), ways = l->geometry.ways, at = 0;
	const uint8_t *hints = &l->hint[set * l->hint_bytes];

	do {
		uint32_t same = hints_same(hints + at, tag_hint(tag));

		for (; same; same &= same - 1) {
			uint32_t way = at + (uint32_t)__builtin_ctz(same);

			if (way < ways && l->tag[set * ways + way] == tag)
				return set * ways + way;
		}
		at += HINTS;
	} while (__builtin_expect(at < ways, 0));
	return UINT32_MAX;
}

static inline uint64_t way_mask(const struct tlb_level *l)
{
	return (1ull << l->way_bits) - 1;
}

/*
 * The order of a set's ways, in one word: lru and fifo, the way that was used or came last in the lowest nibble, unused ways behind all
 * others, so that the nibble of place ways - 1 says who leaves; nibbles behind that are no ways and stay. plru: a bit a way.
 */
#define ORDER_WAYS_MAX 16u
#define ORDER_FIRST 0xFEDCBA9876543210ull
#define NIBBLE_LOW 0x1111111111111111ull
#define NIBBLE_HIGH 0x8888888888888888ull

/* Ones below the nibble of the way. */
static inline uint64_t order_below(uint64_t order, uint32_t way)
{
	uint64_t same = order ^ way * NIBBLE_LOW, here = (same - NIBBLE_LOW) & ~same & NIBBLE_HIGH;

	return ((here & -here) >> 3) - 1;
}
static inline uint64_t order_to_front(uint64_t order, uint32_t way)
{
	uint64_t below = order_below(order, way);

	return (order & ~(below << 4 | 15)) | (order & below) << 4 | way;
}
static inline uint32_t order_last(const struct tlb_level *l, uint64_t order)
{
	return (uint32_t)(order >> l->order_last) & 15;
}
/* The last one, which is this, comes first. */
static inline uint64_t order_turn(const struct tlb_level *l, uint64_t order, uint32_t last)
{
	return (order & ~l->order_ways) | (order << 4 & l->order_ways) | last;
}
static inline uint64_t order_to_end(const struct tlb_level *l, uint64_t order, uint32_t way)
{
	uint64_t below = order_below(order, way), ways = l->order_ways;

	return (order & (below | ~ways)) | ((order & ways) >> 4 & ~below) |
	       (uint64_t)way << l->order_last;
}

static inline void level_end(struct tlb_level *l, uint32_t i)
{
	uint32_t set = i / l->geometry.ways;

	l->count[tag_size(l->tag[i])]--;
	l->tag[i] = TAG_NONE;
	if (l->ordered)
		l->order[set] = order_to_end(l, l->order[set], i - set * l->geometry.ways);
	else
		l->stamp[i] &= way_mask(l);
}

void level_empty(struct tlb_level *l);

/* The entry, whose tag this is, is used. */
static inline void entry_touch(struct tlb *t, struct tlb_level *l, uint64_t tag, uint32_t i)
{
	uint32_t ways = l->geometry.ways, set = set_of(l, tag), way = i - set * ways;

	if (t->policy == TLB_LRU && l->ordered) {
		if ((l->order[set] & 15) != way)
			l->order[set] = order_to_front(l->order[set], way);
	} else if (t->policy == TLB_LRU) {
		l->stamp[i] = ++t->clock << l->way_bits | way;
	} else if (t->policy == TLB_PLRU) {
		uint64_t bit = 1ull << way;

		l->order[set] |= bit;
		if (l->order[set] == UINT64_MAX >> (64 - ways))
			l->order[set] = bit;
	}
}

/* The rest of a lookup that is not a hit in L1 under the base size: other sizes, then L2. */
enum tlb_hit tlb_lookup_on(struct tlb *t, uint64_t vpn, pte_t *pte);

/* tlb_lookup, for those to whom a call is too much. */
static inline enum tlb_hit tlb_lookup_inline(struct tlb *t, uint32_t space, uint64_t vpn,
					     pte_t *pte)
{
	struct tlb_level *l = t->l1[PAGE_4K];
	uint64_t tag;
	uint32_t i;

	if (!t->running || t->space != space)
		tlb_switch(t, space);
	if (!tag_fits(t, vpn)) {
		t->stats.misses++;
		return TLB_MISS;
	}
	tag = tag_make(t->asid, vpn, PAGE_4K);
	i = level_find(l, tag);
	if (i == UINT32_MAX)
		return tlb_lookup_on(t, vpn, pte);
	entry_touch(t, l, tag, i);
	*pte = l->pte[i];
	t->stats.hits_l1++;
	return TLB_HIT_L1;
}

/* The ASID by which entries of the space are tagged now, or ASID_NONE when there can be none. */
uint32_t tlb_asid_find(const struct tlb *t, uint32_t space);

#endif
