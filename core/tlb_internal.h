/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlb_internal.h - tags and places, shared by tlb.c (lookups) and tlb_invalidate.c. Nobody else includes it.
 *
 *    63      48 47                                    2 1    0
 *   +----------+---------------------------------------+------+
 *   |   ASID   | page number in units of its own size  | size |
 *   +----------+---------------------------------------+------+
 *
 * The size 3 does not exist, so TAG_NONE is nobody's tag.
 */
#ifndef VMM_TLB_INTERNAL_H
#define VMM_TLB_INTERNAL_H

#include "core/tlb.h"

#include <string.h>

#define TAG_NONE UINT64_MAX
#define TAG_VPN_BITS 46u
#define TAG_ASID_SHIFT 48u
#define ASID_NONE UINT32_MAX
#define SCAN_WAYS 16u /* sets up to this are compared whole: no branch to mispredict */

/* Can a tag name this page number? Its bits from 45 on must be all equal, as in canonical addresses. */
static inline bool tag_fits(const struct tlb *t, uint64_t vpn)
{
	int64_t top = (int64_t)(vpn << t->page_shift);
	uint32_t below = t->page_shift + TAG_VPN_BITS - 1;

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

/* Index of the first entry of the tag's set. */
static inline uint32_t set_of(const struct tlb_level *l, uint64_t tag)
{
	uint64_t number = tag_number(tag);
	uint32_t set = (uint32_t)(l->set_mask ? number & l->set_mask : number % l->sets);

	return set * l->geometry.ways;
}

/* Index of the tag's entry, or UINT32_MAX. */
static inline uint32_t level_find(const struct tlb_level *l, uint64_t tag)
{
	uint32_t first = set_of(l, tag);
	const uint64_t *tags = &l->tag[first];
	uint32_t found = UINT32_MAX;

	if (l->geometry.ways > SCAN_WAYS) {
		for (uint32_t way = 0; way < l->geometry.ways; way++)
			if (tags[way] == tag)
				return first + way;
		return UINT32_MAX;
	}
	for (uint32_t way = 0; way < l->geometry.ways; way++)
		found = tags[way] == tag ? first + way : found;
	return found;
}

static inline void level_end(struct tlb_level *l, uint32_t i)
{
	l->count[tag_size(l->tag[i])]--;
	l->tag[i] = TAG_NONE;
	l->stamp[i] = 0;
}

static inline void level_empty(struct tlb_level *l)
{
	memset(l->tag, 0xff, l->geometry.entries * sizeof(*l->tag));
	memset(l->stamp, 0, l->geometry.entries * sizeof(*l->stamp));
	memset(l->count, 0, sizeof(l->count));
}

/* The ASID by which entries of the space are tagged now, or ASID_NONE when there can be none. */
uint32_t tlb_asid_find(const struct tlb *t, uint32_t space);

#endif
