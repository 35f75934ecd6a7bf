/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share.h - pages that several addresses map: copy on write after a fork, shared memory, files. Internal to core/.
 *
 * Words:
 *   mapper   one address (space, vpn) at which a page can be seen, with what may be done there. The reverse map of a page
 *            is the ring of its mappers.
 *   present  the mapper has a translation to the page's frame. Others fault first (FAULT_MINOR): the page was
 *            brought in by somebody else.
 *   private  writes through the mapper must not be seen through others; else it is shared
 *   object   a file, or shared memory, that its pages belong to (object.h). Pages without one are anonymous.
 *
 * Most pages have one private, writable address and nothing else: (space, vpn) in struct page, and the page map leads to the
 * page. They cost nothing of what follows. All others have PAGE_MAPPERS: the page map leads to a mapper
 * (MAPPER_BIT is set in its value), and `shares` has a row for each page id.
 *
 * Copy on write. A fork makes each private page of the parent the child's as well and marks it PAGE_COW. A write through a
 * private mapper of such a page, or of a page of an object, is FAULT_COW:
 *   - it is the only mapper, and the page belongs to no object: the page becomes its own again, in place
 *   - else a new page with a frame of its own takes over the address. It begins as a copy of the *source*: of its frame, or, when
 *     the source is not resident, of its stored copy, of the file, or of zeros. The source is pinned meanwhile, unless
 *     nothing else can leave.
 * Without a resident page or with no other mapper left there is nothing to protect: a write then is an ordinary fault.
 *
 * Invariants (share_check):
 *   - a mapper is in its page's ring, and the page map leads to it and nowhere else
 *   - present mappers are of pages that are resident or EVICTING; `present` and `count` of a row are exact
 *   - PAGE_COW pages are anonymous; anonymous pages have a mapper
 *   - PAGE_OBJECT: the object's page map leads to the page. It may have no mapper: it stays as long as its object.
 *   - saved[k] is the sum over pages of the kind of (present - 1) where that is positive: frames that copies would take
 */
#ifndef VMM_SHARE_H
#define VMM_SHARE_H

#include "core/core.h"

struct vmm;

#define MAPPER_BIT 0x80000000u /* in the page map's values: the rest is a mapper, not a page */
#define MAPPERS_MAX (MAPPER_BIT - 1)

#define MAPPER_PRESENT 1u
#define MAPPER_SHARED 2u    /* writes go to the page itself */
#define MAPPER_READ_ONLY 4u /* no writes: -EACCES */

struct mapper {
	uint64_t vpn;
	uint32_t space, page;
	uint32_t next, prev; /* ring; next links free ones */
	uint8_t flags;
};

struct page_share {
	uint64_t object_page;
	uint32_t object; /* its index */
	uint32_t first;  /* any mapper, VMM_NONE: none */
	uint32_t count, present;
};

enum share_kind { SHARE_COW, SHARE_OBJECT, SHARE_KINDS };

struct share_table {
	struct mapper *mappers;
	uint32_t made, capacity, free, free_count; /* mappers */
	struct page_share *rows;                   /* by page id; NULL until the first is needed */
	uint64_t saved[SHARE_KINDS];
};

/* One address of a page, whether it has mappers or not. */
struct mapping {
	uint64_t vpn;
	uint32_t space;
	uint32_t mapper; /* VMM_NONE: the page has no mappers */
	uint8_t flags;
};

/* for (bool more = mapping_first(v, id, &m); more; more = mapping_next(v, id, &m)) */
bool mapping_first(const struct vmm *v, uint32_t id, struct mapping *m);
bool mapping_next(const struct vmm *v, uint32_t id, struct mapping *m);

/* The address of the page that is given. */
void mapping_at(const struct vmm *v, uint32_t space, uint64_t vpn, uint32_t id, struct mapping *m);

void share_init(struct share_table *s);
void share_destroy(struct share_table *s);
int share_rows_grow(struct vmm *v, uint64_t pages); /* rows as the array of pages grows */

/* Room for n mappers more and for rows: what follows cannot fail then. 0, -ENOMEM. */
int share_reserve(struct vmm *v, uint64_t n);

/* The page map has room for (space, vpn), and leads to the mapper afterwards. */
uint32_t mapper_add(struct vmm *v, uint32_t page, uint32_t space, uint64_t vpn, uint8_t flags);
/* The page map is left to the caller. */
void mapper_remove(struct vmm *v, uint32_t mapper);
void mapper_set_present(struct vmm *v, uint32_t mapper, bool present);
void share_absent(struct vmm *v, uint32_t page); /* its frame goes: no mapper is present */
/* The page, which has none, gets its row: of object and page of the object, or VMM_NONE. After share_reserve. */
void share_row_make(struct vmm *v, uint32_t page, uint32_t object, uint64_t object_page);

/* May a mapper with these flags write to the page itself? (Whatever PAGE_WRITABLE says of dirty bits.) */
static inline bool share_may_write(const struct page *p, uint8_t flags)
{
	return flags & MAPPER_SHARED ||
	       (!(p->sharing & (PAGE_COW | PAGE_OBJECT)) && !(flags & MAPPER_READ_ONLY));
}

/* A value of the page map that has MAPPER_BIT: would the access be a hit, given that the page is MAPPED? */
bool share_hits(const struct vmm *v, uint32_t value, bool write);

/* The page and the mapper at an address that is about to be accessed, value being what the page map has; made on first sight. 0,
 * -ENOMEM, -EACCES. */
int share_at(struct vmm *v, uint32_t space, uint64_t vpn, uint32_t value, bool write,
	     uint32_t *page, uint32_t *mapper);

/* What a write through the mapper needs: nothing (false), or a COW fault; *copy: into a frame of its own. */
bool share_must_break(const struct vmm *v, uint32_t mapper, bool *copy);
/* A page that will take over the mapper's address, not in the page map yet. VMM_NONE: no memory. */
uint32_t share_copy_begin(struct vmm *v, uint32_t mapper);
void share_copy_abandon(struct vmm *v, uint32_t page);
/* The fault of the mapper has been served by a page that it maps already. */
void share_touched(struct vmm *v, uint32_t mapper, bool write);

/* Steps of core_fault.c and core_fill.c for a plan whose address has a mapper. source: of a copy, or VMM_NONE. */
void share_plan(struct vmm *v, struct plan *plan, uint32_t mapper, uint32_t source);
bool share_source_release(struct vmm *v); /* it may be evicted; true when it was pinned until now */
void share_fill(struct vmm *v,
		const struct plan *plan); /* the frame is filled: the address leads to it */
void share_fill_count(struct vmm *v, const struct plan *plan); /* every fault that needed a frame */

bool share_check(const struct vmm *v);

#endif
