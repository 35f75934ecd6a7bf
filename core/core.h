/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.h - what a driver (the simulator in vmm_access, the live pager) tells the core, and the plan it gets back.
 *
 * The core never does I/O. Words: a *page* is a virtual page of one space, known by a dense id (reused after unmap); a
 * *frame* is a physical page of the pool; *resident* means MAPPED or IDLE.
 *
 * Page states; each arrow names the function that takes it:
 *
 *   ABSENT --core_fault--> FILLING --core_fill--> MAPPED --core_fault (plan.idle)--> IDLE --core_fill--> MAPPED
 *   STORED --core_fault--> FILLING                MAPPED, IDLE --core_fault/core_room (plan.evict)--> EVICTING
 *   EVICTING --core_evicted--> STORED, or ABSENT when clean and never stored
 *   EVICTING --core_evict_failed--> MAPPED or IDLE, whichever it was      IDLE --core_idle_failed--> MAPPED
 *   any --core_unmap--> gone
 *
 * A page may be mapped at several addresses: after core_fork (copy on write), and when it belongs to shared memory or a file
 * (core_map). Its state is that of its frame; of each address the core knows as well whether the page is present there
 * (FAULT_MINOR) and may be written (FAULT_COW). A plan that evicts or unmaps a page means all its addresses. Pages of files are
 * STORED from the start: the file is their store.
 *
 * Invariants: a page has a frame exactly in FILLING (after core_fill took one), MAPPED, IDLE and EVICTING. A page in the
 * window FIFO is MAPPED. A page that a thread holds is MAPPED and no victim: the last page that it faulted on and, when
 * there are several threads, up to seven before that (core_internal.h says how many). Between a call that returns a plan
 * and the calls that report its execution no other core_* call but core_thread_exit is made for the same vmm.
 * Conservation of frames is in frame.h.
 *
 * How a driver serves a fault:
 *
 *   core_fault(v, space, vpn, write, thread, &plan)
 *   loop:
 *     unmap plan.idle[0..n_idle)       (on failure core_idle_failed(page))
 *     take out plan.evict[0..n_evict)  then core_evicted(page, dirty) or core_evict_failed(page)
 *     if plan.needs_frame and !core_has_room(v, &plan): core_room(v, &plan) and again (-ENOMEM: give up)
 *   fill the page as plan.kind says, then core_fill(v, &plan)
 *
 * The idle list never contains a page of the evict list. Both lists belong to the plan and are valid until the
 * next core_fault/core_room/core_fill/core_fork on the same vmm. core_fill may itself return pages to unmap (n_idle again):
 * window exits and nothing else; the driver unmaps them after the fill.
 */
#ifndef VMM_CORE_H
#define VMM_CORE_H

#include "core/frame.h"
#include "core/policy.h"
#include "core/vmm.h"

enum page_state { PAGE_ABSENT, PAGE_FILLING, PAGE_MAPPED, PAGE_IDLE, PAGE_EVICTING, PAGE_STORED };

#define PAGE_HAS_COPY 1u /* the store holds a copy (maybe stale while FRAME_DIRTY) */
#define PAGE_HELD 2u     /* pinned while it is among the last pages that some thread faulted on */
#define PAGE_PROBATION                                                                             \
	4u /* class R0: to become IDLE at its thread's next fault at which nobody holds it */
#define PAGE_WAS_IDLE                                                                              \
	16u /* while EVICTING: the page was IDLE when it was chosen (the driver keeps a copy) */
#define PAGE_WRITABLE                                                                              \
	8u /* mapped without write protection (only meaningful with VMM_FLAG_TRACK_DIRTY) */

struct page {
	uint64_t vpn;
	uint32_t space;
	uint32_t frame; /* VMM_NONE when not resident */
	uint32_t note;  /* of the policy: page_notes */
	uint8_t state;
	uint8_t flags;
	uint8_t sharing; /* PAGE_MAPPERS and what follows it; 0: space and vpn say all */
	uint8_t prefetched; /* resident only because of a prefetch, not known to have been used since: prefetcher.h */
	uint8_t order; /* it has 2^order base pages, vpn being the first: large.h */
};

#define PAGE_MAPPERS 1u /* space and vpn are one of any number of addresses: core/share.h */
#define PAGE_COW 2u     /* anonymous, and a private write to it is a copy-on-write fault */
#define PAGE_OBJECT 4u  /* it belongs to a file or to shared memory: core/object.h */
#define PAGE_FILE 8u    /* to a file, which is its store */

enum fault_kind {
	FAULT_SPURIOUS, /* mapped already and the access is allowed: just wake */
	FAULT_SOFT,     /* resident but idle: map the kept copy */
	FAULT_WRITE,    /* mapped read-only: lift the protection */
	FAULT_ZERO,     /* fill with zeros */
	FAULT_MAJOR,    /* fill from the store */
	FAULT_FILE,     /* fill from the file */
	FAULT_COW,      /* needs a frame: fill from plan.source; else: lift the protection */
	FAULT_MINOR,    /* resident, but not mapped at this address: map it */
	FAULT_ROOM,     /* no page: core_room on its own */
	FAULT_PREFETCH, /* fill from the store, mapped or not: core_prefetch */
};

struct plan {
	uint32_t page; /* VMM_NONE for FAULT_ROOM */
	uint32_t thread;
	enum fault_kind kind;
	bool write;
	bool writable;    /* map without write protection */
	bool needs_frame; /* ZERO, MAJOR, FILE, ROOM; COW unless it is the last sharer */
	/*
	 * COW that needs a frame, else VMM_NONE: the page whose content, as it is when the plan's evictions have been
	 * carried out, is to be copied: from its frame; STORED: from the store or the file; ABSENT: zeros.
	 */
	uint32_t source;
	uint32_t n_idle, n_evict;
	const uint32_t *idle, *evict; /* page ids */
	uint32_t n_prefetch;          /* set by core_fill */
	uint32_t n_map_ahead;         /* the first so many of them are to be mapped at once */
	bool map;                     /* PREFETCH: this page is */
	const uint32_t *prefetch;     /* pages that are worth a core_prefetch each, soonest first */
};

/*
 * 0; -ENOMEM; -EACCES: a write to a read-only mapping. Makes the page on first sight. `thread` is any id that is stable for the faulting thread. After an
 * error the plan is empty. A plan that was given up needs no call: the next core_fault or core_room_begin puts the page
 * back to what it was, and victims that were not reported as if their eviction had failed.
 */
int core_fault(struct vmm *v, uint32_t space, uint64_t vpn, bool write, uint32_t thread,
	       struct plan *plan);

/* Class X: the virtual time of the next reference to the page of the core_fault that follows (policy_env.next_use). */
void core_next_use(struct vmm *v, uint64_t next_use);

/* Is a frame free for the plan's page? Without nodes and large pages the same as core_frames_free() != 0. */
bool core_has_room(struct vmm *v, const struct plan *plan);

/* Chooses (more) victims. plan.evict is new; a large page that is still without a group of frames becomes small, and plan.page
 * is what the fault is about then; -ENOMEM when every frame is pinned or was rejected already in this plan. */
int core_room(struct vmm *v, struct plan *plan);

/*
 * The pages whose write-back the policy has scheduled since the last call (core/writeback.h), valid until the next plan: how many. To
 * be write-protected and written to the store before the plan is carried out.
 */
uint32_t core_cleans(struct vmm *v, const uint32_t **pages);

/* dirty: 1 written to the store, 0 clean, -1 as the core's own dirty bit says (drivers that track writes). */
void core_evicted(struct vmm *v, uint32_t page, int dirty);
void core_evict_failed(struct vmm *v, uint32_t page);
void core_idle_failed(struct vmm *v, uint32_t page); /* the reference bit is set again */

/* Completes the fault: counts it, maps the page. May refill plan->idle (window exits). */
void core_fill(struct vmm *v, struct plan *plan);

/*
 * Prefetching (vmm_config.prefetch). After core_fill a driver may open a plan of kind FAULT_PREFETCH for each of plan.prefetch,
 * in order, and carry it out as that of a fault: make room, fill from the store, core_fill. The page becomes resident but
 * stays unmapped, so that its first use is seen: a FAULT_SOFT, counted as prefetch_used. The first plan.n_map_ahead pages (none
 * without VMM_FLAG_MAP_AHEAD) are mapped instead, with map true: prefetcher.h. A driver that reads from a device
 * may ask for all of them at once before the first plan, and fill contiguous ones together: what has a free frame may be filled
 * before its plan. The policy gets the page as after a
 * fault, an unmapped one with its reference bit clear. Only pages whose content is in the store are named: a page that was never written has
 * nothing to be fetched. 0; -EALREADY the page is no longer in the store only; -ENOMEM no frame: give up the others too.
 * What must stay resident meanwhile (the page that was faulted on) is pinned, or held by its thread.
 */
int core_prefetch(struct vmm *v, uint32_t page, bool map, struct plan *plan);

/* The pages of a new plan with kind FAULT_ROOM: when no frame is free, victims so that one becomes free. */
int core_room_begin(struct vmm *v, struct plan *plan);

/*
 * The pages of a new plan with kind FAULT_ROOM that needs no frame: what a policy with variable allocation gives back
 * (policy_ops.surplus). Again until the plan has no victim, after each reference.
 */
void core_shrink(struct vmm *v, struct plan *plan);

/* A page that is already present becomes resident without a fault (needs a free frame: -ENOSPC). flags: PAGE_HAS_COPY;
 * bits: FRAME_REF, FRAME_DIRTY. Returns the page id in *page. -EEXIST when it is resident already. */
int core_adopt(struct vmm *v, uint32_t space, uint64_t vpn, uint8_t flags, uint8_t bits,
	       uint32_t *page);
/* A page whose copy is in the store but which is not resident (fork of a stored page). -ENOSPC: the device is full. */
int core_add_stored(struct vmm *v, uint32_t space, uint64_t vpn, uint32_t *page);

/* Forgets the pages of [vpn, vpn+n); gone(arg, page id, page) is called for each just before, so that the driver drops
 * its slots. Pages never seen cost nothing. 0; -ENOMEM, and nothing has changed: a mapping would be cut in two. */
typedef void (*core_gone_fn)(void *arg, uint32_t id, const struct page *page);
int core_unmap(struct vmm *v, uint32_t space, uint64_t vpn, uint64_t n, enum remove_why why,
	       core_gone_fn gone, void *arg);

/* The same for all pages of a space that ends. */
void core_exit(struct vmm *v, uint32_t space, core_gone_fn gone, void *arg);

/* The same pages without their mapping's end: MADV_DONTNEED. */
void core_discard(struct vmm *v, uint32_t space, uint64_t vpn, uint64_t n, core_gone_fn gone,
		  void *arg);

/* child becomes a copy of parent, private pages copy on write. 0, -ENOMEM, -EEXIST: child has pages or mappings. */
int core_fork(struct vmm *v, uint32_t parent, uint32_t child);

/*
 * [vpn, vpn + n) becomes a mapping as described; what was there is unmapped. 0, -ENOMEM, -EINVAL. attached: marks a
 * mapping for core_attached.
 */
int core_map(struct vmm *v, uint32_t space, uint64_t vpn, uint64_t n, const struct vmm_mapping *m,
	     bool attached, core_gone_fn gone, void *arg);

/* How many pages an attached mapping has that begins at vpn; 0: there is none. */
uint64_t core_attached(struct vmm *v, uint32_t space, uint64_t vpn);

/* Dirty pages of shared file mappings are written back. */
void core_sync(struct vmm *v, uint32_t space, uint64_t vpn, uint64_t n);

/* Outside of plans, fn(arg, id, page) is called for each dirty page of a file that is to be written to it now. */
void core_on_write_back(struct vmm *v, core_gone_fn fn, void *arg);

/* The page of a file or of shared memory: its object's number and which page of it. False: anonymous. */
bool core_object_of(const struct vmm *v, uint32_t page, uint32_t *object, uint64_t *object_page);

/* Would the access be a hit, so that nobody hears of it? */
bool core_hits(const struct vmm *v, uint32_t space, uint64_t vpn, bool write);

/* Moves the identity of pages of [from, from+n) to [to, to+n) (mremap). The target range must have been unmapped. */
int core_remap(struct vmm *v, uint32_t space, uint64_t from, uint64_t to, uint64_t n);

/* The thread is gone: what it held may be evicted. Allowed while a plan is open too. */
void core_thread_exit(struct vmm *v, uint32_t thread);

void core_pin(struct vmm *v, uint32_t page); /* resident pages only; counted */
void core_unpin(struct vmm *v, uint32_t page);

/* VMM_NONE when the page was never seen. */
uint32_t core_find(const struct vmm *v, uint32_t space, uint64_t vpn);
const struct page *core_page(const struct vmm *v, uint32_t page);
struct frame_table *core_frames(struct vmm *v);
struct vm_stats *core_stats(struct vmm *v); /* drivers count what only they see */
const struct policy_ops *core_policy(const struct vmm *v);
enum policy_class
core_class(const struct vmm *v);             /* under the parameters given: policy_ops.class_of */
uint32_t core_page_ids(const struct vmm *v); /* ids are below this */
static inline uint32_t core_frames_free(struct vmm *v)
{
	return frames_free(core_frames(v));
}

/* fn(arg, id, page) for every page known, resident ones in load order first, then the others by id. Non-zero stops. */
int core_each(struct vmm *v, int (*fn)(void *arg, uint32_t id, const struct page *page), void *arg);

/* All invariants, including the policy's: 0 or -EINVAL. Debug builds call it after every plan. */
int core_check(const struct vmm *v);

#endif
