/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region.h - the managed ranges of a space: sorted, disjoint, page-aligned, each with one protection.
 *
 * Invariants: v[i].start < v[i].end <= v[i+1].start; neighbours with equal attributes are merged. The protection is what the
 * kernel has, because every call that changes it is executed under the supervisor's ordering.
 */
#ifndef PAGER_REGION_H
#define PAGER_REGION_H

#include <stdbool.h>
#include <stdint.h>

enum region_kind { KIND_ANON, KIND_HEAP, KIND_STACK };

#define REGION_DONTFORK 1u   /* MADV_DONTFORK */
#define REGION_WIPEONFORK 2u /* MADV_WIPEONFORK */

struct region {
	uint64_t start, end; /* bytes */
	uint64_t faults;
	uint8_t prot; /* PROT_* */
	uint8_t kind, flags;
};

struct regions {
	struct region *v;
	uint32_t n, cap;
	uint32_t last; /* index of the last one found */
};

struct region *regions_find(struct regions *r, uint64_t addr); /* NULL: not managed */
bool regions_overlap(struct regions *r, uint64_t start, uint64_t end);
int regions_add(struct regions *r,
		struct region region); /* replaces what was there; 0 or -ENOMEM */
int regions_remove(struct regions *r, uint64_t start, uint64_t end);
int regions_protect(struct regions *r, uint64_t start, uint64_t end, int prot);
int regions_flag(struct regions *r, uint64_t start, uint64_t end, unsigned set, unsigned clear);
int regions_copy(struct regions *to, const struct regions *from);
/* The part of region i that lies in [start, end), walking from index *i; false at the end. */
bool regions_next(const struct regions *r, uint64_t start, uint64_t end, uint32_t *i,
		  struct region *part);
void regions_destroy(struct regions *r);

#endif
