/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference.c - references: vmm_access and its like.
 *
 * A reference is translated first, as the processor would: TLB, then a walk. Most need no more. What the TLB holds is mapped;
 * so is what has an entry that was accessed before (mmu.h), and a present entry that was not is an idle page, whose bit the
 * hardware sets. The entry says which frame it is. All others go through the core, and so does everything where more happens at
 * a reference than that (`direct` in struct vmm).
 *
 * References in a row (vmm_access_many): with more pages than a cache holds, waiting for memory is most of what a reference costs.
 * So they are made in blocks, and what those of a block will read is brought near before, in steps that need what the step before
 * has brought: the place of the page-table entry; unless it shows a page that is in use, the place of the page's id; the page.
 */
#include "core/core_internal.h"
#include "core/fault_in_place.h"
#include "core/mmu.h"
#include "core/process.h"
#include "core/serve.h"
#include "core/tlb_internal.h"

#include <errno.h>

#define BLOCK                                                                                      \
	64u /* the first of a block still wait for what was only just asked for: not too few */
#define PEEK_MAX 8u

/* What was seen of a reference beforehand. */
struct ahead {
	pte_t *slot;   /* page_table_slot, valid, or NULL */
	uint32_t page; /* VMM_NONE: not known. It may be another's by now: value_of */
};

static const struct ahead nothing = { .page = VMM_NONE };

static bool sees_touches(const struct vmm *v)
{
	return v->class == POLICY_X || (v->class == POLICY_T && !(v->flags & VMM_FLAG_LIVE));
}

/* What the page map has for the address. */
static uint32_t value_of(struct vmm *v, uint32_t pid, uint64_t vpn, const struct ahead *ahead)
{
	uint32_t id = ahead->page;
	const struct page *p = id < v->page_count ? &v->pages[id] : NULL;

	if (p && p->vpn == vpn && p->space == pid && !p->sharing && !p->order &&
	    !(p->flags & PAGE_GONE) && id != v->open_page)
		return id;
	return page_map_get(&v->map, pid, vpn);
}

/*
 * slot: a valid one, or NULL. plain, here and below, is v->plain and a constant where these are inlined, so that what is only asked
 * of others costs nothing. 0; -ERANGE: the tables have no such address.
 */
static inline __attribute__((always_inline)) int translate(struct vmm *v, struct mmu_access *a,
							   pte_t *slot, bool write, bool plain)
{
	struct mmu *m = v->mmu;
	uint32_t space = a->space;

	if ((plain || m->has_table) && !slot && !page_table_fits(&m->table, a->vpn))
		return -ERANGE;
	if (!plain) {
		if (m->has_table && m->has_tlb && m->space != space && !m->tlb.asids)
			page_table_flush_cache(&m->table);
		m->space = space;
	}
	a->hit = (plain || m->has_tlb) &&
		 tlb_lookup_inline(&m->tlb, space, a->vpn, &a->pte) != TLB_MISS;
	a->entry = NULL;
	a->before = 0;
	if (a->hit || (!plain && !m->has_table))
		return 0;
	a->entry = page_table_walk_to(&m->table, space, a->vpn, slot);
	a->before = a->entry ? *a->entry : 0;
	a->pte = page_table_reference(a->entry, write);
	mmu_walked(m, space, a->vpn, a->entry);
	return 0;
}

/* An idle page that the hardware has marked as used: core_fault and core_fill, as far as they apply. */
static bool soft_fault(struct vmm *v, const struct mmu_access *a, bool write)
{
	uint32_t f = pte_frame(a->before), id = v->frames.page[f];
	struct page *p = &v->pages[id];

	if (p->state != PAGE_IDLE || p->sharing || v->open_page != VMM_NONE || v->n_rejected)
		return false;
	if (write)
		v->frames.bits[f] |= FRAME_DIRTY;
	page_map_in(v, p);
	v->stats.faults_soft++;
	if (class_has_bits(v))
		v->frames.bits[f] |= FRAME_REF;
	debug_check(v);
	return true;
}

/* Is that all? An enum result, or -1: the core is to look at the reference. */
static inline __attribute__((always_inline)) int direct(struct vmm *v, const struct mmu_access *a,
							bool write, bool plain)
{
	pte_t seen = a->hit ? a->pte : a->before;

	if (!(plain || v->direct) || !(seen & PTE_PRESENT) || (write && !(seen & PTE_WRITABLE)))
		return -1;
	if (a->hit && write && !(seen & PTE_DIRTY)) /* a walk is to set the bit */
		return -1;
	if (!a->hit && !(seen & PTE_ACCESSED))
		return soft_fault(v, a, write) ? RESULT_SOFT : -1;
	if (write)
		v->frames.bits[pte_frame(seen)] |= FRAME_DIRTY;
	if (sees_touches(v))
		v->ops->touch(v->policy, pte_frame(seen), write);
	return RESULT_HIT;
}

/*
 * The core's part of a reference; value is what the page map has, *page becomes the page at the address. An enum result, or
 * -errno.
 */
static int through_core(struct vmm *v, uint32_t pid, uint64_t vpn, uint32_t value, bool write,
			uint32_t *page)
{
	uint32_t id = map_page(v, value);
	const struct page *p = id == VMM_NONE ? NULL : &v->pages[id];
	int result = RESULT_HIT;
	struct plan plan;

	if (!p || p->state != PAGE_MAPPED || (write && !(p->flags & PAGE_WRITABLE)) ||
	    (value & MAPPER_BIT && !share_hits(v, value, write)))
		result = serve(v, pid, vpn, value, write, &plan);
	else if (write)
		v->frames.bits[p->frame] |= FRAME_DIRTY;
	if (result < 0)
		return result;
	*page = result == RESULT_HIT ? id : plan.page;
	if (result != RESULT_FRAME && sees_touches(v))
		/* it was resident before, even if not for this address */
		v->ops->touch(v->policy, v->pages[*page].frame, write);
	if (result)
		serve_end(v, pid, &plan);
	if (v->large) /* which may have made another page of it */
		*page = core_find(v, pid, vpn);
	return result;
}

static inline __attribute__((always_inline)) int translated(struct vmm *v, uint32_t pid,
							    uint64_t vpn, bool write,
							    const struct ahead *ahead,
							    uint32_t *page, bool plain)
{
	struct mmu_access a = { .space = pid, .vpn = vpn };
	int result = translate(v, &a, ahead->slot, write, plain), err;
	uint32_t value;

	if (result < 0)
		return result;
	result = direct(v, &a, write, plain);
	if (result >= 0) {
		if (!a.hit && (plain || v->mmu->has_tlb))
			tlb_fill(&v->mmu->tlb, vpn, a.pte);
		mmu_count(v, a.hit);
		return result;
	}
	value = value_of(v, pid, vpn, ahead);
	if (plain) {
		result = fault_in_place(v, &a, value, write);
		if (result != -EAGAIN)
			return result;
	}
	result = through_core(v, pid, vpn, value, write, page);
	if (result < 0) {
		if (value != VMM_NONE) /* the walk has set bits */
			mmu_sync(v, map_page(v, value));
		return result;
	}
	err = mmu_end(v, &a, *page, write, result == RESULT_FRAME || result == RESULT_MAPPED);
	return err ? err : result;
}

static inline __attribute__((always_inline)) int counted(struct vmm *v, uint32_t pid, uint64_t addr,
							 bool write, const struct ahead *ahead,
							 bool plain)
{
	uint64_t vpn = addr >> v->page_shift;
	struct process *p = v->charged;
	uint32_t page = VMM_NONE;
	int result;

	if (!p || p->pid != pid || !p->exists) {
		p = process_charge(v, pid);
		if (!p)
			return -ENOMEM;
	}
	result = plain || v->mmu
			 ? translated(v, pid, vpn, write, ahead, &page, plain)
			 : through_core(v, pid, vpn, value_of(v, pid, vpn, ahead), write, &page);
	if (result < 0)
		return result;
	if (!plain && v->physical) {
		physical_accessed(v, pid, page);
		if (v->large)
			large_touched(v, page, vpn, result == RESULT_FRAME);
	}
	v->stats.accesses++;
	*(write ? &v->stats.writes : &v->stats.reads) += 1;
	if (!(v->flags & VMM_FLAG_TIME_FAULTS))
		v->now++;
	if (!plain && v->ops->surplus && !(v->flags & VMM_FLAG_LIVE))
		serve_shrink(v);
	return result == RESULT_SOFT ? RESULT_MAPPED : result;
}

static int one(struct vmm *v, uint32_t pid, uint64_t addr, bool write)
{
	return v->plain ? counted(v, pid, addr, write, &nothing, true)
			: counted(v, pid, addr, write, &nothing, false);
}

int vmm_access(struct vmm *v, uint32_t pid, uint64_t addr, int is_write)
{
	return v->class == POLICY_X ? -ENOTSUP : one(v, pid, addr, is_write);
}

int vmm_access_next(struct vmm *v, uint32_t pid, uint64_t addr, int is_write, uint64_t next_use)
{
	v->next_use = next_use;
	return one(v, pid, addr, is_write);
}

/* --- references in a row ------------------------------------------------------------------------------------------ */

/* What a block of n references will read. */
static void block_prefetch(struct vmm *v, const struct vmm_reference *refs, uint32_t n,
			   struct ahead *ahead)
{
	struct {
		struct ahead *ahead;
		const uint32_t *id; /* of the page's number; NULL: it has none */
	} needed[BLOCK];
	bool has_table = v->mmu && v->mmu->has_table;
	uint32_t n_needed = 0;

	for (uint32_t k = 0; k < n; k++)
		ahead[k] = (struct ahead){
			.page = VMM_NONE,
			.slot = has_table ? page_table_slot(&v->mmu->table, refs[k].pid,
							    refs[k].addr >> v->page_shift)
					  : NULL,
		};
	for (uint32_t k = 0; k < n; k++) {
		pte_t seen = v->direct && ahead[k].slot ? *ahead[k].slot : 0;

		needed[n_needed].ahead = &ahead[k];
		needed[n_needed].id = &v->frames.page[pte_frame(seen)];
		if (!(seen & PTE_PRESENT))
			needed[n_needed].id =
				page_map_place(&v->map, refs[k].pid, refs[k].addr >> v->page_shift);
		n_needed += (seen & (PTE_PRESENT | PTE_ACCESSED)) != (PTE_PRESENT | PTE_ACCESSED);
	}
	for (uint32_t i = 0; i < n_needed; i++) {
		uint32_t id = needed[i].id ? map_page(v, *needed[i].id) : VMM_NONE;

		needed[i].ahead->page = id;
		if (id != VMM_NONE)
			__builtin_prefetch(&v->pages[id], 1);
	}
}

/*
 * Pages whose bits will soon be cleared, or that will leave: that of the frame which the policy guesses at. When the guess goes on
 * by some frames, a hand does, and looks at those between as well.
 */
static void victims_prefetch(struct vmm *v)
{
	uint32_t f = v->ops->peek ? v->ops->peek(v->policy) : VMM_NONE;
	uint32_t n = f - v->peeked;

	v->peeked = f;
	if (f >= v->frames.fresh)
		return;
	for (n = n && n <= PEEK_MAX ? n : 1; n; n--, f--) {
		if (v->frames.page[f] == VMM_NONE)
			continue;
		__builtin_prefetch(&v->pages[v->frames.page[f]], 1);
		if (v->mmu && v->mmu->entry_of[f])
			__builtin_prefetch(v->mmu->entry_of[f], 1);
	}
}

/* How many of a block's n references are served: all, unless *rc is the error of the next. */
static inline __attribute__((always_inline)) uint32_t block_serve(struct vmm *v,
								  const struct vmm_reference *refs,
								  uint32_t n, struct ahead *ahead,
								  int *rc, bool plain)
{
	uint64_t drops = plain || v->mmu ? v->mmu->table.drops : 0;

	for (uint32_t k = 0; k < n; k++) {
		const struct vmm_reference *r = &refs[k];

		if ((plain || v->mmu) && drops != v->mmu->table.drops)
			ahead[k].slot = NULL;
		*rc = counted(v, r->pid, r->addr, r->is_write, &ahead[k], plain);
		if (*rc < 0)
			return k;
		if (*rc == RESULT_FRAME)
			victims_prefetch(v);
	}
	return n;
}

int vmm_access_many(struct vmm *v, const struct vmm_reference *refs, size_t n, size_t *done)
{
	struct ahead ahead[BLOCK];
	int rc = v->class == POLICY_X && n ? -ENOTSUP : 0;
	size_t i = 0;

	while (i < n && rc >= 0) {
		uint32_t left = n - i < BLOCK ? (uint32_t)(n - i) : BLOCK;

		block_prefetch(v, &refs[i], left, ahead);
		i += v->plain ? block_serve(v, &refs[i], left, ahead, &rc, true)
			      : block_serve(v, &refs[i], left, ahead, &rc, false);
	}
	*done = i;
	return rc < 0 ? rc : 0;
}
