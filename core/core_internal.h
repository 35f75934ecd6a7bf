/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core_internal.h - struct vmm, and the steps that the files of core/ take together. Nobody else includes it.
 *
 * Invariants beyond core.h:
 * - A thread holds the pages of its last faults, each once, at most hold_depth of them: one instruction may need
 *   several pages at once, and nobody else's fault takes them away before it is done. With one thread hold_depth
 *   is 1; with several it is
 *       min(capacity, window of class T) / 2 / threads, but at least 1 and at most HOLD_MAX,
 *   so at most half of the frames, and of the window, is held, or one page a thread when there are more threads
 *   than that. When threads come and go, and hold_depth shrinks, the oldest are let go at once. Only a driver that
 *   waits for threads (VMM_FLAG_LIVE) holds more than one page.
 * - holds[frame] counts the threads that hold the page in it and is part of pins[frame]; PAGE_HELD says that it is not 0.
 *   So a held page is never a victim, and policies do not clear its bit. It stays MAPPED as well: its probation does not
 *   end, and at the end of the window it enters anew. (Not so for class R0 without probation: there a page is IDLE when
 *   its fault is over.)
 * - in_list[frame] is the list that the frame is in: the window (class T) or the probation list of the thread that its
 *   page was filled for (class R0), or orphans when that thread is gone. Such a page is MAPPED, or EVICTING while a
 *   plan is open.
 * - Page ids are below MAPPER_BIT. Values of the page map go through map_page: share.h.
 * - Outside of a plan no reference bit is clear on a MAPPED page of class R1; an IDLE page's bit is always clear.
 */
#ifndef VMM_CORE_INTERNAL_H
#define VMM_CORE_INTERNAL_H

#include "core/core.h"
#include "core/frame_list.h"
#include "core/large.h"
#include "core/page_map.h"
#include "core/page_slots.h"
#include "core/physical.h"
#include "core/prefetcher.h"
#include "core/share.h"
#include "core/writeback.h"

#include <uthash.h>

#define PAGE_GONE 128u /* the id is free; page.frame links to the next free one */

#define HOLD_MAX 8u /* code, two operands and a stack, each across the border of two pages */

/* What the simulator was asked for (events.c). */
#define FEATURE_FORKS 1u
#define FEATURE_OBJECTS 2u /* files or shared memory */
#define FEATURE_FILES 4u

struct thread {
	uint32_t id;
	uint32_t n_held;
	uint32_t held[HOLD_MAX]; /* pages, the oldest first */
	struct frame_list probation;
	bool in_hash;
	UT_hash_handle hh;
};

struct vmm {
	uint32_t flags, batch, window, page_shift;
	enum policy_class class;
	bool probation; /* class R0 waits for its thread's next fault instead of going idle at once */
	bool use_window; /* class T, live, limited */
	const struct policy_ops *ops;
	void *policy;
	struct page_notes notes; /* in pages */
	struct frame_table frames;
	struct vm_stats stats;
	struct mmu *mmu;               /* NULL: none is simulated */
	struct physical *physical;     /* NULL: memory is uniform, pages have one size */
	struct page_slots *slots;      /* NULL: the store has no limit */
	struct prefetcher *prefetcher; /* NULL: none */
	struct writebacks *writebacks; /* NULL: pages are written when they leave */
	struct large *large;           /* NULL: pages have one size */
	struct timing timing;
	uint64_t now;      /* faults or references completed */
	uint64_t next_use; /* policy_env.next_use */

	struct process *processes, *process_last; /* of the simulator (process.h) */
	struct process *charged;
	struct vm_stats settled; /* the totals when counters were last added to those of a process */
	uint32_t peeked;         /* what policy_ops.peek has said last */
	bool direct;             /* the MMU alone serves most references: reference.c */
	bool plain;              /* direct, and nothing optional but the MMU: fault_in_place.c */
	struct page_map map;
	struct page *pages;
	uint32_t page_count, page_capacity,
		page_free; /* ids made, allocated; head of the free ids */
	uint64_t footprint;

	struct share_table share;
	struct space *spaces, *space_last; /* those with regions */
	struct object *objects, *objects_by_index;
	struct page_map object_map; /* (object's index, page of the object) to page id */
	uint32_t object_next, shared_next;
	uint32_t features; /* FEATURE_* */
	core_gone_fn write_back;
	void *write_back_arg;

	struct frame_links links;
	struct frame_list **in_list;
	struct frame_list window_fifo, orphans;
	struct thread *threads, *thread_last;
	uint16_t *holds;
	uint32_t hold_depth;

	uint32_t *idle, *evict; /* the lists of the open plan; capacity and batch entries */
	uint32_t n_evict, n_rejected;
	uint32_t open_page;  /* page of the open plan, VMM_NONE */
	bool open_pinned;    /* open_page is resident and pinned by the plan */
	uint32_t open_space; /* the address that the fault is about */
	uint64_t open_vpn;
	uint32_t open_mapper; /* that the fault is about; VMM_NONE: the page has none */
	uint32_t open_source; /* plan.source; open_page is not in the page map then */
	bool source_pinned;
	bool alone; /* the simulator serves a fault: it is complete before anybody else's, and no thread holds its page */
	uint32_t replaced,
		replaced_page; /* victim_replace: frame and page, until the fill; VMM_NONE */
	uint32_t debug_tick, debug_full; /* steps since the last full check; full checks */
};

static inline bool class_has_bits(const struct vmm *v)
{
	return v->class == POLICY_R1 || v->class == POLICY_R0;
}

/* Its content is somewhere outside of memory too. */
static inline bool page_has_store(const struct page *p)
{
	return p->flags & PAGE_HAS_COPY || p->sharing & PAGE_FILE;
}

static inline bool page_resident(const struct page *p)
{
	return p->state == PAGE_MAPPED || p->state == PAGE_IDLE;
}

/* The page that a value of the page map leads to. */
static inline uint32_t map_page(const struct vmm *v, uint32_t value)
{
	return value == VMM_NONE || !(value & MAPPER_BIT)
		       ? value
		       : v->share.mappers[value & ~MAPPER_BIT].page;
}

/* The open plan will make it the copy of another page, whose address it takes over then: it has none of its own yet. */
static inline bool page_is_copy(const struct vmm *v, uint32_t id)
{
	return v->open_page == id && v->open_source != VMM_NONE;
}

/* The frames that are free for this page; VMM_NONE: for any. */
static inline uint32_t room_for(struct vmm *v, uint32_t page)
{
	return v->physical ? physical_free(v, page) : frames_free(&v->frames);
}

/* The page leaves its frame for good: what is counted, and what becomes of it. */
static inline void eviction_count(struct vmm *v, struct page *p, bool dirty)
{
	bool file = p->sharing & PAGE_FILE;

	v->stats.evictions++;
	*(dirty ? &v->stats.evictions_dirty : &v->stats.evictions_clean) += 1;
	if (file)
		*(dirty ? &v->stats.file_evictions_dirty : &v->stats.file_evictions_clean) += 1;
	if (!dirty)
		return;
	if (file) {
		v->stats.file_writes++;
	} else {
		p->flags |= PAGE_HAS_COPY;
		v->stats.store_writes += 1u << p->order;
	}
}
static inline void page_out(struct vmm *v, struct page *p)
{
	p->frame = VMM_NONE;
	p->flags &= PAGE_HAS_COPY;
	p->state = page_has_store(p) ? PAGE_STORED : PAGE_ABSENT;
	v->footprint -= p->state == PAGE_ABSENT ? 1u << p->order : 0;
}

/* A fault on anonymous memory that is no copy on write: filled from the store or with zeros. */
static inline void fill_count(struct vmm *v, bool stored, uint32_t pages)
{
	v->stats.faults++;
	v->stats.anon_faults++;
	if (stored) {
		v->stats.faults_major++;
		v->stats.store_reads += pages;
	} else {
		v->stats.faults_zero++;
	}
}

/* A frame in transit for the page, VMM_NONE when there is no room for it; and back. */
static inline uint32_t frame_for(struct vmm *v, const struct page *p)
{
	return v->physical ? physical_take(v, p->space, p->vpn, p->order) : frame_take(&v->frames);
}
static inline uint32_t base_pages(const struct page *p)
{
	return 1u << p->order;
}
static inline void frame_back(struct vmm *v, uint32_t f)
{
	if (v->physical)
		physical_put(v, f);
	else
		frame_free(&v->frames, f);
}

/* The number by which memory knows the first byte of a resident page. */
static inline uint32_t page_place(const struct vmm *v, const struct page *p)
{
	return v->physical ? v->physical->place[p->frame] : p->frame;
}

/* Base frames that are not free. */
static inline uint32_t frames_taken(const struct vmm *v)
{
	return v->physical ? v->physical->ram.used : v->frames.used + v->frames.in_transit;
}

/* mmu.c: the page's state, frame or writability has changed. */
void mmu_changed(struct vmm *v, uint32_t id);
static inline void mmu_sync(struct vmm *v, uint32_t id)
{
	if (v->mmu)
		mmu_changed(v, id);
}

/* sim.c: simulated time, in ns: what has been counted so far would have taken that. */
uint64_t core_clock_ns(struct vmm *v);

/* events.c: does the counter mean anything after the events so far? */
bool events_counter_applies(const struct vmm *v, const char *name);

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}
static inline uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Mapped pages are writable exactly when they are dirty, if writes are tracked. */
static inline bool may_write(const struct vmm *v, uint32_t f)
{
	return !(v->flags & VMM_FLAG_TRACK_DIRTY) || frame_dirty(&v->frames, f);
}

/* core.c */
void list_enter(struct vmm *v, struct frame_list *l, uint32_t f);
void list_leave(struct vmm *v, uint32_t f);
void peaks_note(struct vmm *v);
void page_enter(struct vmm *v, struct page *p, uint32_t f, uint32_t thread);
void window_enter(struct vmm *v, uint32_t f, struct plan *plan);
void page_map_in(struct vmm *v, struct page *p); /* -> MAPPED, writable as its frame is dirty */
void page_stays(struct vmm *v, struct page *p); /* it was not evicted or unmapped: mapped, in use */
void page_idle(struct vmm *v, uint32_t id, struct plan *plan); /* MAPPED -> IDLE */
void evict_undo(struct vmm *v, struct page *p);                /* EVICTING -> what it was */
void evict_list_settle(struct vmm *v);
void plan_open(struct vmm *v, struct plan *plan, enum fault_kind kind, uint32_t page,
	       uint32_t thread, bool write);
void plan_undo(struct vmm *v);
/* What is left of the open plan, if any, will not be carried out. */
static inline void plan_close(struct vmm *v)
{
	if (v->open_page != VMM_NONE || v->n_evict || v->n_rejected || v->source_pinned)
		plan_undo(v);
	v->open_mapper = VMM_NONE;
}
#ifdef VMM_DEBUG
void debug_check(struct vmm *v);
#else
static inline void debug_check(struct vmm *v)
{
	(void)v;
}
#endif

/* core_fault, when the value of the page map is known. */
int fault_begin(struct vmm *v, uint32_t space, uint64_t vpn, uint32_t value, bool write,
		uint32_t thread, struct plan *plan);

/* core_victims.c: up to `batch`, but never more than half of what is used. -ENOMEM when there is none. */
int victims_choose(struct vmm *v, struct plan *plan);
void victim_none(
	struct vmm *v); /* there was none, and no plan: bits that were cleared for it are set again */
/*
 * core_evicted for a plan whose only victim makes room for its page, by a driver that calls core_fill next: the policy hears of
 * both at once then (policy_ops.replace). False: the plan or the policy is not so, and nothing has happened.
 */
bool victim_replace(struct vmm *v, const struct plan *plan);

/* core_space.c */
uint32_t page_id_take(struct vmm *v); /* a page that is in no map; VMM_NONE: no memory */
void page_id_drop(struct vmm *v, uint32_t id);
/* core_unmap while something is under way: without the check. */
int range_unmap(struct vmm *v, uint32_t space, uint64_t vpn, uint64_t n, enum remove_why why,
		core_gone_fn gone, void *arg);
uint32_t page_make(struct vmm *v, uint32_t space,
		   uint64_t vpn); /* finds or makes; VMM_NONE: no memory */
uint32_t page_new(struct vmm *v, uint32_t space, uint64_t vpn); /* the same where there is none */
int pages_reserve(struct vmm *v,
		  uint32_t n); /* n times page_id_take cannot fail then. 0, -ENOMEM */
void page_forget(struct vmm *v, uint32_t id, enum remove_why why); /* all but the map's entries */

/* core_thread.c */
struct thread *thread_find(struct vmm *v, uint32_t thread);
struct thread *thread_make(struct vmm *v, uint32_t thread); /* finds or makes; NULL: no memory */
uint32_t hold_depth(const struct vmm *v);                   /* what v->hold_depth must be */
void hold_advance(struct vmm *v, struct thread *t,
		  uint32_t page); /* t faults on page: room for it */
void hold_take(struct vmm *v, struct thread *t,
	       uint32_t page);                      /* after hold_advance, as its newest */
void hold_release(struct vmm *v, struct thread *t); /* all */
void holders_forget(struct vmm *v, uint32_t id);    /* whoever holds the page no longer does */

#endif
