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

#include "core/core_internal.h"
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
	/* By frame: the entry of its page, whose only address has a present one; NULL: not known. */
	pte_t **entry_of;
	struct {
		uint32_t space;
		uint64_t vpn, drops; /* valid while this is page_table.drops */
		pte_t *entry;        /* NULL: nothing is known */
	} walked;                    /* the entry that was found or made last */
};

#define MMU_REACH_TICKS                                                                            \
	65536u /* references between looks at the TLB's reach: linear in its entries */

/* One reference on its way through vmm_access: what translating it has shown (reference.c). */
struct mmu_access {
	uint32_t space;
	uint64_t vpn;
	bool hit;     /* in the TLB */
	pte_t pte;    /* what the TLB has, or the walk has made of the entry; 0: not present */
	pte_t *entry; /* on a miss: what the walk has found, or NULL */
	pte_t before; /* and as it was then, or 0 */
};

int mmu_create(struct vmm *v, const struct vmm_mmu *c, uint64_t seed); /* sets v->mmu; 0, -errno */
void mmu_destroy(struct vmm *v);

/* After the reference was served, with fault when the instruction started again. -ENOMEM: a table could not be made. */
int mmu_end(struct vmm *v, const struct mmu_access *a, uint32_t id, bool write, bool fault);

void mmu_reach_note(struct mmu *m);
/* A reference was served. */
static inline void mmu_count(struct vmm *v, bool hit)
{
	struct mmu *m = v->mmu;

	if (!m->has_tlb)
		return;
	*(hit ? &v->stats.tlb_hits : &v->stats.tlb_misses) += 1;
	if (++m->tick == MMU_REACH_TICKS)
		mmu_reach_note(m);
}

static inline void mmu_walked(struct mmu *m, uint32_t space, uint64_t vpn, pte_t *entry)
{
	m->walked.space = space;
	m->walked.vpn = vpn;
	m->walked.drops = m->table.drops;
	m->walked.entry = m->table.ops->by_frame ? NULL : entry;
}
/* The entry at the address if it was the last one, else NULL. */
static inline pte_t *mmu_known(const struct mmu *m, uint32_t space, uint64_t vpn)
{
	return m->walked.vpn == vpn && m->walked.space == space && m->walked.drops == m->table.drops
		       ? m->walked.entry
		       : NULL;
}

/*
 * The entry that the page should have at one of its addresses; 0: none that is present. The dirty bits of pages with
 * several addresses are left out: each address has its own, set by walks, and none outlives the frame's.
 */
pte_t mmu_wanted(const struct vmm *v, uint32_t id, const struct mapping *m);

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
