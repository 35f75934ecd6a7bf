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
 * A *hint* is eight bits of a hash of the tag. A set is searched through its hints, eight ways at a time in one word, and a
 * tag is only looked at when its hint is right: one in 256 of the others is.
 */
#ifndef VMM_TLB_INTERNAL_H
#define VMM_TLB_INTERNAL_H

#include "core/tlb.h"

#include <string.h>

#define TAG_NONE UINT64_MAX
#define TAG_VPN_BITS 46u
#define TAG_ASID_SHIFT 48u
#define ASID_NONE UINT32_MAX
#define HINTS_A_WORD 8u
#define HINT_LOW 0x0101010101010101ull  /* the lowest bit of each byte, */
#define HINT_HIGH 0x8080808080808080ull /* and the highest */

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

/*
 * Index of the tag's entry, or UINT32_MAX. A byte of `same` is 0 where the hint is right; the usual search for zero bytes may
 * take one for right that follows a right one, which the tag then denies.
 */
static inline uint32_t level_find(const struct tlb_level *l, uint64_t tag)
{
	uint32_t set = set_of(l, tag), first = set * l->geometry.ways;
	const uint64_t *hints = &l->hint[set * l->hint_words];
	uint64_t wanted = tag_hint(tag) * HINT_LOW;

	for (uint32_t word = 0; word < l->hint_words; word++) {
		uint64_t same = hints[word] ^ wanted, right = (same - HINT_LOW) & ~same & HINT_HIGH;

		for (; right; right &= right - 1) {
			uint32_t way = word * HINTS_A_WORD + (uint32_t)__builtin_ctzll(right) / 8;

			if (way < l->geometry.ways && l->tag[first + way] == tag)
				return first + way;
		}
	}
	return UINT32_MAX;
}

static inline uint64_t way_mask(const struct tlb_level *l)
{
	return (1ull << l->way_bits) - 1;
}

static inline void level_end(struct tlb_level *l, uint32_t i)
{
	l->count[tag_size(l->tag[i])]--;
	l->tag[i] = TAG_NONE;
	l->stamp[i] &= way_mask(l);
}

static inline void level_empty(struct tlb_level *l)
{
	memset(l->tag, 0xff, l->geometry.entries * sizeof(*l->tag));
	for (uint32_t i = 0; i < l->geometry.entries; i++)
		l->stamp[i] &= way_mask(l);
	memset(l->count, 0, sizeof(l->count));
}

static inline void entry_touch(struct tlb *t, struct tlb_level *l, uint32_t i)
{
	if (t->policy == TLB_LRU) {
		l->stamp[i] = ++t->clock << l->way_bits | (l->stamp[i] & way_mask(l));
	} else if (t->policy == TLB_PLRU) {
		uint32_t ways = l->geometry.ways, set = i / ways;
		uint64_t bit = 1ull << i % ways;

		l->used[set] |= bit;
		if (l->used[set] == UINT64_MAX >> (64 - ways))
			l->used[set] = bit;
	}
}

/* The rest of a lookup that is not a hit in L1 under the base size: other sizes, then L2. */
enum tlb_hit tlb_lookup_on(struct tlb *t, uint64_t vpn, pte_t *pte);

/* tlb_lookup, for those to whom a call is too much. */
static inline enum tlb_hit tlb_lookup_inline(struct tlb *t, uint32_t space, uint64_t vpn,
					     pte_t *pte)
{
	struct tlb_level *l = t->l1[PAGE_4K];
	uint32_t i;

	if (!t->running || t->space != space)
		tlb_switch(t, space);
	if (!tag_fits(t, vpn)) {
		t->stats.misses++;
		return TLB_MISS;
	}
	i = level_find(l, tag_make(t->asid, vpn, PAGE_4K));
	if (i == UINT32_MAX)
		return tlb_lookup_on(t, vpn, pte);
	entry_touch(t, l, i);
	*pte = l->pte[i];
	t->stats.hits_l1++;
	return TLB_HIT_L1;
}

/* The ASID by which entries of the space are tagged now, or ASID_NONE when there can be none. */
uint32_t tlb_asid_find(const struct tlb *t, uint32_t space);

#endif
