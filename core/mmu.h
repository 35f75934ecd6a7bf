/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmu.h - the simulated memory management unit of a struct vmm: page tables and TLB that follow what the core does, and
 * translate each reference of vmm_access. Without vmm_config.mmu there is none, and v->mmu is NULL.
 *
 * The core decides, the MMU mirrors, at each address of a page where the page is present (share.h). Whoever changes a page's state, frame or writability calls mmu_sync (core_internal.h),
 * and mmu_forget before its number changes. Invariants, looked at by mmu_check:
 *
 *   MAPPED            entry present, accessed; writable and dirty as the page is; perhaps in the TLB
 *   IDLE              entry present, not accessed; not in the TLB, so that the next reference must walk to set the bit
 *   EVICTING, STORED  entry not present (none in an inverted table); not in the TLB
 *   not present       like STORED, at the address that is not
 *   ABSENT, FILLING   no entry unless it had one (a page evicted clean keeps its entry); not in the TLB
 *
 * What is counted of one reference: a TLB hit or miss; on a miss a walk; after a fault a second walk, because the
 * instruction is started again; and a walk when the first write through a clean entry sets the dirty bit. A shootdown
 * is made when an entry that was accessed changes (Linux does the same); of victims chosen together, one a space.
 */
#ifndef VMM_MMU_H
#define VMM_MMU_H

#include "core/core.h"
#include "core/page_table.h"
#include "core/tlb.h"

struct mmu {
	bool has_table, has_tlb;
	bool incomplete; /* memory ran out or an address did not fit: entries of MAPPED pages may be missing */
	struct page_table table;
	struct tlb tlb;
	uint32_t space; /* of the last reference */
	uint32_t tick;  /* references since the TLB's reach was looked at */
	uint64_t reach_bytes;
};

/* One reference on its way through vmm_access. */
struct mmu_access {
	bool hit;
	uint32_t space;
	uint64_t vpn;
	pte_t pte;
};

int mmu_create(struct vmm *v, const struct vmm_mmu *c, uint64_t seed); /* sets v->mmu; 0, -errno */
void mmu_destroy(struct vmm *v);

/* Before the core looks at the page: TLB, then tables. -ERANGE: the tables have no such address. */
int mmu_begin(struct vmm *v, struct mmu_access *a, uint32_t space, uint64_t vpn, bool write);
/* After the reference was served, with fault when the instruction started again. -ENOMEM: a table could not be made. */
int mmu_end(struct vmm *v, const struct mmu_access *a, uint32_t id, bool write, bool fault);

void mmu_changed(struct vmm *v, uint32_t id);   /* through mmu_sync */
void mmu_forget(struct vmm *v, uint32_t id);    /* the page goes, or its number changes */
void mmu_leave(struct vmm *v, uint32_t mapper); /* one of its addresses goes */
/* mmu_changed, but the TLB is left to the caller: true when it may hold what was there before. */
bool mmu_forked(struct vmm *v, uint32_t id);
void mmu_evicting(struct vmm *v, const uint32_t *ids, uint32_t n); /* victims of one choice */

void mmu_walks(const struct vmm *v,
	       struct vm_stats *s); /* pt_walk_accesses alone, which is cheap */
void mmu_stats(const struct vmm *v, struct vm_stats *s); /* what is counted elsewhere */
int mmu_check(const struct vmm *v);                      /* 0, -EINVAL */

#endif
