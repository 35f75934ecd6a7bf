/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - the processes of a simulation: who has made references, whether it still exists, and what it did.
 *
 * A process is an address space and its only thread; both have its pid as their number. It comes into being at its first
 * reference or event and keeps its record, and its counters, when it exits. A pid that is used again goes on with them.
 *
 * The counters of a process are those events that belong to one: its references, and what the core counted while it
 * served one of them (the X list below). Evictions, which take whatever page, are nobody's.
 */
#ifndef VMM_PROCESS_H
#define VMM_PROCESS_H

#include "core/vmm.h"

#include <stdbool.h>
#include <uthash.h>

/* Counted at faults, by difference. References and the TLB's counts are added one by one. */
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

/* What was counted since `before` is the process's. */
void process_count(struct process *p, const struct vm_stats *before, const struct vm_stats *after);

#endif
