/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region.h - the mappings of an address space: which range of pages is backed by what. Internal to core/.
 *
 * A page that is in no region is anonymous, private and writable, which is what regions without object and read_only
 * are, too: those are never entered. A space that never mapped anything else has no struct space, and without any of
 * those nothing is looked up.
 *
 * Invariants (space_regions_check): the regions of a space are in ascending order, not empty, and do not overlap; each
 * refers to its object, and an object has as many references as regions that map it, and one when it was created.
 */
#ifndef VMM_REGION_H
#define VMM_REGION_H

#include "core/object.h"

struct region {
	uint64_t first, last;  /* vpns, inclusive */
	uint64_t object_page;  /* of the first page */
	struct object *object; /* NULL: anonymous, and read-only */
	enum vmm_backing backing;
	bool read_only;
	bool attached; /* as a whole, by vmm_attach_shared */
};

struct space {
	uint32_t id;
	uint32_t n, capacity;
	struct region *regions;
	bool in_hash;
	UT_hash_handle hh;
};

/* NULL: in no region. Valid until the regions of the space change. */
const struct region *space_region_find(struct vmm *v, uint32_t space, uint64_t vpn);

/* Room for so many regions more in the space. 0, -ENOMEM. */
int space_regions_reserve(struct vmm *v, uint32_t space, uint32_t n);
/* After space_regions_cut; there is room. Its reference to the object is the region's. */
void space_region_add(struct vmm *v, uint32_t space, const struct region *r);
/* Regions end where they overlap [first, last]; those that end on both sides of it are two then: needs room for one. */
void space_regions_cut(struct vmm *v, uint32_t space, uint64_t first, uint64_t last,
		       core_gone_fn gone, void *arg);
/* All of the space's. */
void space_regions_end(struct vmm *v, uint32_t space, core_gone_fn gone, void *arg);
bool space_regions_any(struct vmm *v, uint32_t space);
/* The child, which has none, gets the parent's. 0, -ENOMEM. */
int space_regions_copy(struct vmm *v, uint32_t parent, uint32_t child);

void space_regions_destroy(struct vmm *v);
bool space_regions_check(const struct vmm *v);

#endif
