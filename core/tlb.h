/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlb.h - the translation lookaside buffer: which translations the processor knows without a walk.
 *
 * Two levels, both set-associative with any number of sets and ways. L1 is one TLB a page size; sizes that have none of
 * their own share the one of base pages. L2, if there is one, holds all sizes. Words:
 *   entry   what is known of one page: its tag (space, page number, size) and its page-table entry
 *   set     the entries among which one is chosen to leave: page number modulo the number of sets
 *   ASID    a small number that stands for a space in tags. There are `asids` of them; when a space needs one and all are
 *           given away, all are taken back and the TLB is flushed. Without ASIDs each switch of spaces flushes.
 *   reach   bytes of memory that can be touched without a walk
 *
 * A miss fills both levels, an L2 hit fills L1. L2 need not hold what L1 holds: each evicts on its own.
 *
 * Replacement, in each set, when no entry is unused (the first unused one is taken otherwise): lru; fifo; random, seeded;
 * plru, one bit an entry, set when it is used; when all would be set the others are cleared; the first clear one leaves.
 *
 * Invariants, looked at by tlb_check: tags of a level are distinct and in the set that their page number names; the tag's
 * size is the entry's size; `count` is exact; an ASID in a tag is given away; hints, orders and stamps are what they say.
 * Whoever changes a translation invalidates it: the TLB never asks. Page numbers that need more than 46 bits, and are not
 * sign-extended ones, are never held.
 */
#ifndef VMM_TLB_H
#define VMM_TLB_H

#include "core/page_table.h"
#include "core/rng.h"

#include <stdbool.h>
#include <stdint.h>

enum tlb_policy { TLB_LRU, TLB_FIFO, TLB_PLRU, TLB_RANDOM };

#define TLB_ENTRIES_MAX (1u << 20)
#define TLB_PLRU_WAYS_MAX 64u
#define TLB_ASIDS_MAX (1u << 16)
#define TLB_ASIDS_DEFAULT 4096u /* x86 PCID: 12 bits */

#define TLB_BATCH_SLOTS 8192u /* scratch: tags and bits of pages that a batch enters at once */
#define TLB_BATCH_BITS 65536u

struct tlb_geometry {
	uint32_t entries; /* 0: there is none */
	uint32_t ways;    /* divides entries; equal to it: fully associative */
};

struct tlb_config {
	struct tlb_geometry l1[PAGE_SIZES], l2;
	enum tlb_policy policy;
	uint32_t asids; /* 0: flush on switch */
};

struct tlb_stats {
	uint64_t hits_l1, hits_l2, misses;
	uint64_t switches; /* lookups for another space than the one before */
	uint64_t flushes;  /* of everything: by switches, ASIDs that ran out, tlb_flush */
	uint64_t shootdowns; /* requests to invalidate, a batch being one: what interrupts other processors */
	uint64_t invalidated; /* entries that those and flushes ended */
};

struct tlb_level {
	struct tlb_geometry geometry;
	uint32_t sets;
	uint32_t set_mask; /* sets - 1 when that is a power of two, else 0 and modulo is used */
	uint64_t *tag;     /* by set * ways + way */
	pte_t *pte;
	uint64_t *order;     /* by set: lru and fifo of few ways, plru: tlb_internal.h */
	bool ordered;        /* lru or fifo, and of few ways; if of more: */
	uint8_t order_last;  /* shift of the last way's nibble in such an order, */
	uint64_t order_ways; /* and the nibbles that are ways */
	uint64_t *stamp; /* lru: last use, fifo: when it came, 0: unused; its lowest way_bits are the way */
	uint32_t way_bits;
	uint32_t hint_bytes; /* of a set: its ways, made a multiple of 16 */
	uint8_t *hint;       /* a byte a way, of the tag that is or was there: tlb_internal.h */
	uint64_t count[PAGE_SIZES];
};

struct tlb_asid {
	uint32_t space, asid, generation;
};

struct tlb {
	struct tlb_level level[PAGE_SIZES + 1]; /* L1 of each size, then L2 */
	struct tlb_level *l1[PAGE_SIZES];       /* the L1 that a size uses */
	struct tlb_level *l2;                   /* NULL: none */
	struct tlb_level *made[PAGE_SIZES + 1]; /* those that have entries, L2 last */
	uint32_t n_made;
	enum tlb_policy policy;
	uint32_t page_shift;
	uint32_t low_bits; /* page numbers of so many bits fit a tag and are not negative */
	uint64_t clock;    /* of stamps */
	struct rng rng;
	struct tlb_stats stats;

	uint32_t space, asid; /* current; valid when `running` */
	bool running;
	bool larger; /* an entry of a larger size than the base page's may be held */
	uint32_t asids, asids_given, generation;
	uint32_t asid_slots;      /* power of two, > asids */
	struct tlb_asid *asid_of; /* open addressing */

	uint64_t *batch_bits, *batch_tags; /* scratch of tlb_invalidate_batch */
};

enum tlb_hit { TLB_MISS, TLB_HIT_L1, TLB_HIT_L2 };

/*
 * "64", "64x4" (L1: entries x ways; without ways fully associative), or a list of l1=, l1-2m=, l1-1g=, l2=,
 * policy=lru|fifo|plru|random, asid or asid=N. 0; -EINVAL with *bad pointing at the offending word.
 */
int tlb_parse(const char *spec, struct tlb_config *c, const char **bad);

/* 0; -EINVAL; -ENOMEM. page_shift: log2 of the base page's bytes, > 0. After an error nothing is left to destroy. */
int tlb_init(struct tlb *t, const struct tlb_config *c, uint32_t page_shift, uint64_t seed);
void tlb_destroy(struct tlb *t);

/* Does it know the page? On a hit *pte is its entry. Switches to the space first, if another was running. */
enum tlb_hit tlb_lookup(struct tlb *t, uint32_t space, uint64_t vpn, pte_t *pte);

/* After a lookup that missed: the walk found pte, whose size says what it covers. */
void tlb_insert(struct tlb *t, uint32_t space, uint64_t vpn, pte_t pte);
/* The same right after that lookup, when the space is still the same. */
void tlb_fill(struct tlb *t, uint64_t vpn, pte_t pte);

/* The page's entry changes (a dirty bit) where it is held; it must be of the same size. */
void tlb_update(struct tlb *t, uint32_t space, uint64_t vpn, pte_t pte);

/* Is the page held? Counts nothing, changes nothing. */
bool tlb_holds(const struct tlb *t, uint32_t space, uint64_t vpn, pte_t *pte);

void tlb_switch(struct tlb *t, uint32_t space);

/* Each returns how many entries it ended. n > 0 pages from vpn on. */
uint32_t tlb_invalidate(struct tlb *t, uint32_t space, uint64_t vpn);
uint32_t tlb_invalidate_range(struct tlb *t, uint32_t space, uint64_t vpn, uint64_t n);
uint32_t tlb_invalidate_space(struct tlb *t, uint32_t space);
uint32_t tlb_flush(struct tlb *t);

/*
 * Many pages of one space with one request. Few are looked up one by one; for many the pages are entered in a bitmap and
 * every entry is looked at once: O(pages + entries) instead of O(pages * ways). Same entries end either way.
 */
uint32_t tlb_invalidate_batch(struct tlb *t, uint32_t space, const uint64_t *vpns, uint32_t n);

/* What is held now, a page held twice counted once; and what the largest level can hold of one size. */
uint64_t tlb_reach_bytes(const struct tlb *t);
uint64_t tlb_reach_max_bytes(const struct tlb *t, enum page_size size);

int tlb_check(const struct tlb *t); /* 0, -EINVAL */

#endif
