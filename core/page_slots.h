/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_slots.h - which slot of a swap device (swap.h) holds the copy of which page. Only with vmm_config.swap_pages:
 * otherwise v->slots is NULL and the store takes as many copies as there are.
 *
 * A slot is taken when a dirty page without a copy is chosen as victim, and given back when the page is gone, or when it
 * stays after all. Loading a page leaves its copy where it is, so that it can leave clean again. A full device takes back the
 * copies of resident pages, as Linux does (mm/swapfile.c, folio_free_swap): such a page counts as dirty from then on, because
 * it is nowhere else. When there is none the victim cannot leave: it is passed over as if it were pinned, without reject(),
 * and the policy chooses again. So references fail with -ENOMEM only when every frame that is not pinned is dirty, and
 * every slot holds the copy of a page that is not resident.
 *
 * Invariant, looked at by slots_check: exactly the pages with PAGE_HAS_COPY, and victims that were chosen dirty, have a slot.
 */
#ifndef VMM_PAGE_SLOTS_H
#define VMM_PAGE_SLOTS_H

#include "core/core.h"
#include "core/swap.h"

struct page_slots {
	struct swap swap;
	uint32_t *of; /* by page id; VMM_NONE */
	uint32_t allocated;
	uint32_t hand;        /* frame at which the search for a copy to take back begins */
	bool searched;        /* it found none ... */
	uint64_t searched_at; /* ... when so many pages had been read from the store */
};

int slots_create(struct vmm *v, uint32_t capacity); /* 0, -ENOMEM */
void slots_destroy(struct vmm *v);

/* For a page id that was just given out. 0, -ENOMEM. */
int slots_page(struct vmm *v, uint32_t page);

/* The page, dirty, is to leave: it has a slot then. False: it must stay. */
bool slots_reserve(struct vmm *v, uint32_t page);

/* The page has no copy, or no longer needs the one that it has. */
void slots_release(struct vmm *v, uint32_t page);

/* A victim that was chosen stays. */
void slots_stays(struct vmm *v, uint32_t page);

int slots_check(const struct vmm *v); /* 0, -EINVAL */

#endif
