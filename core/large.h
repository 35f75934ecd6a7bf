/* SPDX-License-Identifier: Apache-2.0 */
/*
 * large.h - pages of 2^9 (2M) or 2^18 (1G) base pages; the names are right when a base page has 4 KiB.
 *
 * A large page is one page to the core and to the policy: one id that all its page numbers lead to, one frame (physical.h) with
 * 2^order base frames behind it, one reference and one dirty bit. So capacity is in base frames, and what a policy counts
 * are pages of any size. Counters: a fault or an eviction is one, whatever the size; pages read from and written to the
 * store, frames and footprint are in base pages.
 *
 *   always[:1g]                a fault on a range that was never seen makes it one large page: 2M, or with 1g the largest that
 *                              fits. It leaves as a whole, and comes back as a whole.
 *   auto[:dense=P,hot=P]       faults make base pages. When one is filled, and P percent of its 2M range are resident (dense, 90 unless
 *                              given) and P percent of these have been referenced (hot, 50; where a policy has no bits
 *                              all have), they are copied into one large page, if such a group of frames is free. When
 *                              the policy chooses a large page as victim it is split instead, and the policy chooses again.
 *
 * A large page needs a free group of frames. When none is free but single frames are, or the one victim that may be asked for did
 * not bring one, it is made small again: nothing is moved, and never more than one page leaves for a large one.
 *
 * Split: base pages that were never touched since the large page came to be hold zeros; they are gone, and their frames free. The
 * others are resident, unreferenced, and for the policy as if loaded now, in the order of their addresses. Unmapping a
 * part splits too; without memory for that the whole page is forgotten.
 *
 * Only anonymous memory of spaces without explicit mappings is made large, and a fork splits what is.
 *
 * Invariants, looked at by large_check: every page number of a large page leads to it; it is aligned; it has a map of what was
 * touched; a resident page's place has the page's order.
 */
#ifndef VMM_LARGE_H
#define VMM_LARGE_H

#include "core/core.h"

#define LARGE_DENSE 90u /* percent of 512 pages */
#define LARGE_HOT 50u   /* percent of those resident */

enum large_mode { LARGE_ALWAYS, LARGE_AUTO };

struct large_config {
	enum large_mode mode;
	uint32_t order_max;  /* 9 or 18 */
	uint32_t dense, hot; /* percent */
};

struct large {
	struct large_config config;
	uint64_t **touched; /* by page id: a bit a base page; NULL: it is none */
	uint32_t allocated;
	uint64_t fault_vpn; /* of the open plan */
	bool splits;        /* a victim that is large is to be split: */
	uint32_t victim;    /* this one; VMM_NONE */
};

/* 0, or -EINVAL with *bad at the offending word. */
int large_parse(const char *spec, struct large_config *c, const char **bad);

/* Sets v->large when it is wanted. 0; -EINVAL; -ENOTSUP: no page table for it; -ENOMEM: large_destroy cleans up. */
int large_create(struct vmm *v, const char *spec);
void large_destroy(struct vmm *v);

/* A new page for vpn, which has none, of the size that it should have. VMM_NONE: no memory. */
uint32_t large_page(struct vmm *v, uint32_t space, uint64_t vpn);

/* The page that is being filled becomes a base page, that of the fault. 0, -ENOMEM. */
int large_shrink(struct vmm *v, uint32_t page);

/* Base pages instead of the page, whose number is free then. 0, -ENOMEM: nothing has changed. */
int large_split(struct vmm *v, uint32_t page);

/* All large pages of a space, before a fork shares them. 0, -ENOMEM. */
int large_split_space(struct vmm *v, uint32_t space);

/* Large pages that cross the borders of the range are split. */
void large_cut(struct vmm *v, uint32_t space, uint64_t vpn, uint64_t n);

/* A reference to vpn was served by the page, after a fault or not. */
void large_touched(struct vmm *v, uint32_t page, uint64_t vpn, bool fault);

/* auto: makes the range around vpn large if it deserves it. No plan is open, and none of its pages pinned. */
void large_promote(struct vmm *v, uint32_t space, uint64_t vpn);

/* The map leads to the page from `but` only, of its page numbers: it is about to be forgotten. */
void large_unset(struct vmm *v, uint32_t page, uint64_t but);

void large_forget(struct vmm *v, uint32_t page); /* the page goes */
int large_check(const struct vmm *v);            /* 0, -EINVAL */

#endif
