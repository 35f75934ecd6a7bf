/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm.h - public interface of libvmm: one simulated memory (a pool of frames under one policy) and the address
 * spaces that use it.
 *
 * Errors are -errno. A struct vmm is not thread-safe: one caller at a time.
 */
#ifndef VMM_VMM_H
#define VMM_VMM_H

#include "core/stats.h"
#include "core/timing.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VMM_FLAG_PROBATION                                                                         \
	1u /* class R0: touches before the loading thread's next fault do not count */
#define VMM_FLAG_TRACK_DIRTY 2u /* the driver reports first writes (page table write protection) */
#define VMM_FLAG_TIME_FAULTS 4u /* virtual time of policies counts faults, not references */
#define VMM_FLAG_LIVE                                                                              \
	8u /* only faults are seen: class T gets touches from (soft) faults; threads hold pages */
#define VMM_FLAG_MAP_AHEAD                                                                         \
	16u /* prefetched pages are mapped at once, but for the last of a window, whose use tells of all */

/* What translates addresses. It changes no decision of a policy; it is counted (tlb_*, pt_*). Strings are copied. */
struct vmm_mmu {
	const char *page_table; /* single, two, three, four, five, hashed, inverted; NULL: none */
	const char *tlb;     /* "64", "l1=64x4,l1-2m=32x4,l2=1536x12,policy=lru,asid"; NULL: none */
	uint32_t walk_cache; /* tables remembered per level of a page table that is a tree; 0: none */
};

struct vmm_config {
	uint32_t size;      /* sizeof(struct vmm_config); 0 means this version */
	uint32_t frames;    /* capacity, > 0 */
	uint32_t page_size; /* bytes, power of two; 0 means 4096 */
	uint32_t batch;     /* victims chosen at once when no frame is free; 0 means 1 (exact) */
	uint32_t window; /* class T live: most pages mapped at once (or one a thread); 0 means no limit */
	uint32_t flags; /* VMM_FLAG_* */
	uint64_t seed;
	const char *policy;        /* "clock", "clock:ref-at-load=0"; NULL means "clock" */
	const struct vmm_mmu *mmu; /* NULL: translation is not simulated, and costs nothing */
	const char *large;    /* "off" (or NULL), "always[:1g]", "auto[:dense=P,hot=P]" (large.h) */
	const char *prefetch; /* "off" (or NULL), "seq[:N]", "stride[:N]", "trend" (prefetch.h) */
	const char *numa;     /* "4:interleave,remote-ns=50" (numa_parse); NULL: one node */
	uint32_t swap_pages;  /* slots of the swap device; 0: as many as are needed */
	const struct timing *timing; /* NULL: TIMING_DEFAULT. It changes no decision */
};

struct vmm;

/* NULL on error with errno set: EINVAL (0 frames, bad size or parameter, more nodes than frames), ENOENT (unknown policy or page table), ENOTSUP
 * (prefetching or large pages for a policy of class X, which needs the next use of each page;
 * large pages with a limit of swap_pages, or with a page table that has none), ENOMEM. */
struct vmm *vmm_create(const struct vmm_config *config);
void vmm_destroy(struct vmm *vmm);

/*
 * One reference of process pid to the byte at addr. Returns 0 for a hit, 1 for a fault of the policy, 2 for another (soft,
 * write, minor, a copy-on-write fault of the last sharer, the first use of a prefetched page), or -errno (-ENOMEM: every
 * frame is pinned, or dirty while the swap device is full; -EACCES: a write to a read-only mapping; -ENOTSUP: the policy
 * needs the future, vmm_access_next;
 * -ERANGE: the page table has no such address). Processes come into being at their first reference.
 */
int vmm_access(struct vmm *vmm, uint32_t pid, uint64_t addr, int is_write);

/*
 * The same for n references in turn, and several times as fast. *done: how many were made. 0; the error of the next one.
 */
struct vmm_reference {
	uint64_t addr;
	uint32_t pid;
	uint32_t is_write;
};
int vmm_access_many(struct vmm *vmm, const struct vmm_reference *refs, size_t n, size_t *done);

/*
 * The same as vmm_access for policies of class X (opt, vmin), for which vmm_access is -ENOTSUP: next_use is the virtual time of the next
 * reference to the same page, counting references from 0, and UINT64_MAX when there is none. Any policy takes it.
 */
int vmm_access_next(struct vmm *vmm, uint32_t pid, uint64_t addr, int is_write, uint64_t next_use);

/*
 * Events. A range that was never mapped is anonymous, private memory from its first reference on. Addresses and sizes are in
 * bytes and are rounded outwards to whole pages. All: 0 or -errno; -EINVAL for an empty range or one beyond the address space.
 */
enum vmm_backing { VMM_ANON, VMM_SHARED, VMM_FILE_PRIVATE, VMM_FILE_SHARED };

struct vmm_mapping {
	enum vmm_backing backing;
	uint32_t object;      /* not for VMM_ANON: the id of the file or shared object */
	uint64_t object_page; /* page of the object at the range's first page */
	int read_only;        /* a write to it is -EACCES */
};

/*
 * What was there before is unmapped. A file or shared memory comes into being when it is first mapped, and its pages, whoever
 * brought them in, stay until nobody maps it any more: then dirty pages of a file are written to it, and shared memory is
 * gone. Files and shared memory have numbers of their own. -ENOMEM: nothing has changed.
 */
int vmm_map(struct vmm *vmm, uint32_t pid, uint64_t addr, uint64_t bytes,
	    const struct vmm_mapping *mapping);
int vmm_unmap(struct vmm *vmm, uint32_t pid, uint64_t addr, uint64_t bytes);
/* The content is gone, the mapping stays (MADV_DONTNEED): anonymous pages read as zeros, others as their object. */
int vmm_discard(struct vmm *vmm, uint32_t pid, uint64_t addr, uint64_t bytes);
/* Dirty pages of shared file mappings are written back (msync). So are those that lose their last address in an unmap or exit. */
int vmm_sync(struct vmm *vmm, uint32_t pid, uint64_t addr, uint64_t bytes);
/* child gets a copy of parent's address space, private pages copy on write. -EEXIST: child has pages or mappings. */
int vmm_fork(struct vmm *vmm, uint32_t parent, uint32_t child);
int vmm_exit(struct vmm *vmm, uint32_t pid); /* -ESRCH: no such process */

/*
 * Shared memory by name: an object of so many bytes, and its comings and goings. It exists until vmm_destroy, and begins as
 * zeros. attach maps all of it, in place of what was there; -ENOENT: not made by vmm_create_shared. detach takes an address that
 * attach was given, or a fork inherited; -EINVAL: nothing is attached there, or not all of it is any more.
 */
int vmm_create_shared(struct vmm *vmm, uint64_t bytes, uint32_t *object);
int vmm_attach_shared(struct vmm *vmm, uint32_t pid, uint32_t object, uint64_t addr);
int vmm_detach_shared(struct vmm *vmm, uint32_t pid, uint64_t addr);

/*
 * Nodes (vmm_config.numa): the distance from a node's processors to a node's memory, as in ACPI's SLIT, 10 being local, and 20
 * what all others are unless set; the node on whose processors a process runs, which is given out in turn unless set; and the
 * node of the memory that the page at an address is in. They return the distance or the node, the setters 0, or: -ENOTSUP: there
 * are no nodes; -EINVAL: no such node, or a distance below 10 or above 255, or another than 10 from a node to itself; -ENOENT: the
 * page is not resident; -ENOMEM. Pages that are somewhere already stay there.
 */
int vmm_numa_distance(const struct vmm *vmm, uint32_t from, uint32_t to);
int vmm_numa_set_distance(struct vmm *vmm, uint32_t from, uint32_t to, uint32_t distance);
int vmm_numa_home(struct vmm *vmm, uint32_t pid);
int vmm_numa_set_home(struct vmm *vmm, uint32_t pid, uint32_t node);
int vmm_numa_node(const struct vmm *vmm, uint32_t pid, uint64_t addr);

/* Processes seen so far, those that ended among them, in order of appearance: how many; the first `max` pids in `pids`. */
uint32_t vmm_processes(const struct vmm *vmm, uint32_t *pids, uint32_t max);
/* What one process did, as far as it can be told apart (accesses, faults, copy-on-write ...); NULL: no such process. */
const struct vm_stats *vmm_process_stats(const struct vmm *vmm, uint32_t pid);

/* The counters; valid until vmm_destroy. */
const struct vm_stats *vmm_stats(const struct vmm *vmm);

/*
 * What the counters would have taken (timing.h): mean time of a reference in ns, and how many times that is the time of one
 * that finds its page in local memory and, where there is a TLB, in that. 0 before the first reference.
 */
double vmm_amt_ns(const struct vmm *vmm);
double vmm_slowdown(const struct vmm *vmm);

/*
 * In a program that `vmm run` or `vmm record` runs: a phase with this name begins (47 bytes of it are kept); the report has
 * a row for each. 0; -ENOSYS: we are not run by vmm; -EFAULT.
 */
int vmm_mark(const char *name);

/* Is the counter counted with this configuration? Reports leave out those that are not. */
int vmm_counter_applies(const struct vmm *vmm, const struct vm_stat_info *counter);

#ifdef __cplusplus
}
#endif
#endif
