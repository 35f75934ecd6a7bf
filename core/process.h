/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - the processes of a simulation: who has made references, whether it still exists, and what it did.
 *
 * A process is an address space and its only thread; both have its pid as their number. It comes into being at its first
 * reference or event and keeps its record, and its counters, when it exits. A pid that is used again goes on with them.
 *
 * The counters of a process are those events that belong to one: its references, and what the core counted while it
 * served one of them (the X lists below). Evictions, which take whatever page, are nobody's. They are not counted twice: one
 * process at a time is *charged* with what the totals of these counters grow by, which is added to its own when another one is.
 */
#ifndef VMM_PROCESS_H
#define VMM_PROCESS_H

#include "core/vmm.h"

#include <stdbool.h>
#include <uthash.h>

/* Counted at each reference, and at faults. */
#define PROCESS_REFERENCE_STATS(X)                                                                 \
	X(accesses)                                                                                \
	X(reads)                                                                                   \
	X(writes)                                                                                  \
	X(tlb_hits)                                                                                \
	X(tlb_misses)
#define PROCESS_FAULT_STATS(X)                                                                     \
	X(faults)                                                                                  \
	X(faults_zero)                                                                             \
	X(faults_major)                                                                            \
	X(faults_file)                                                                             \
	X(faults_cow_alloc)                                                                        \
	X(faults_soft)                                                                             \
	X(faults_write)                                                                            \
	X(faults_cow)                                                                              \
	X(faults_minor)                                                                            \
	X(file_faults)                                                                             \
	X(anon_faults)                                                                             \
	X(cow_copies)                                                                              \
	X(file_reads)                                                                              \
	X(prefetch_issued)                                                                         \
	X(prefetch_used)                                                                           \
	X(prefetch_late)                                                                           \
	X(prefetch_wait_ns)                                                                        \
	X(prefetch_saved_ns)                                                                       \
	X(store_reads)

struct process {
	uint32_t pid;
	bool exists;
	struct vm_stats stats;
	UT_hash_handle hh; /* in order of appearance */
};

/* NULL when there is none, ended ones included. */
struct process *process_find(struct vmm *v, uint32_t pid);
/* Finds it, or makes it; it exists then. NULL: no memory. */
struct process *process_make(struct vmm *v, uint32_t pid);
void processes_destroy(struct vmm *v);

/* From now on the process, which is found or made and exists then, is charged. NULL: no memory, and nothing has changed. */
struct process *process_charge(struct vmm *v, uint32_t pid);
/* The counters of all processes are up to date. */
void process_settle(struct vmm *v);

#endif
