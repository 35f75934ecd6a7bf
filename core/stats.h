/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats.h - every counter of the simulator and of the pager, listed once.
 *
 * The list below generates the struct, the JSON keys, the CSV columns, the text report and the golden tests.
 * A counter is an unsigned 64-bit event count unless its unit says otherwise.
 *
 * Law (asserted by vm_stats_check):
 *   faults == faults_zero + faults_major + faults_file + faults_cow_alloc
 *   faults == file_faults + anon_faults
 *   evictions == evictions_clean + evictions_dirty
 * Soft faults (reference bits) and write faults (dirty bits) are not faults of the policy and never part of it.
 */
#ifndef VMM_STATS_H
#define VMM_STATS_H

#include <stdbool.h>
#include <stdint.h>

/* X(name, what it counts) */
#define VM_STATS(X)                                                                                 \
	X(accesses, "references made (simulator only: a live run cannot see hits)")                 \
	X(reads, "references that read")                                                            \
	X(writes, "references that write")                                                          \
	X(faults, "faults of the policy: a page or frame had to be found")                          \
	X(faults_zero, "faults filled with zeros: first touch, or the page never had content")      \
	X(faults_major, "faults filled from the backing store")                                     \
	X(faults_file, "faults filled from a file")                                                 \
	X(faults_cow_alloc, "copy-on-write faults that needed a frame")                             \
	X(faults_soft,                                                                              \
	  "soft faults: the page was resident but unmapped to clear its reference bit")             \
	X(faults_write, "write faults: the first write to a page mapped read-only")                 \
	X(faults_cow, "copy-on-write faults, with or without a new frame")                          \
	X(faults_minor,                                                                             \
	  "minor faults: the page was resident for somebody else and had to be mapped only")        \
	X(file_faults, "faults on pages of files, and those that copied one")                       \
	X(anon_faults, "all other faults: anonymous and shared memory")                             \
	X(faults_spurious, "fault messages whose page was already mapped")                          \
	X(references_cleared, "reference bits cleared (live: pages unmapped but kept)")             \
	X(evictions, "pages evicted")                                                               \
	X(evictions_clean, "evicted without a write to the store")                                  \
	X(evictions_dirty, "evicted with a write to the store")                                     \
	X(evictions_rejected, "victims that could not be taken (pinned)")                           \
	X(store_reads, "pages read from the store")                                                 \
	X(store_writes, "pages written to the store")                                               \
	X(writebacks, "pages written, to the store or a file, ahead of their eviction")             \
	X(file_reads, "pages read from files")                                                      \
	X(file_writes, "pages written to files: evicted, unmapped or synchronised")                 \
	X(file_synced, "of those, pages that vmm_sync asked for")                                   \
	X(file_evictions_clean, "pages of files evicted without a write")                           \
	X(file_evictions_dirty, "pages of files evicted with a write to the file")                  \
	X(cow_copies, "copy-on-write faults that copied a frame")                                   \
	X(cow_pages_saved,                                                                          \
	  "most frames at any time that copies of pages shared since a fork would have taken")      \
	X(shared_attached, "mappings of shared memory made")                                        \
	X(shared_pages_saved,                                                                       \
	  "most frames at any time that copies of mapped pages of files and shared memory would "   \
	  "have taken")                                                                             \
	X(adopted, "pages that were already present when paging began")                             \
	X(unmapped, "anonymous pages forgotten because their range was unmapped or discarded")      \
	X(tlb_hits, "references whose translation the TLB held")                                    \
	X(tlb_misses, "references that needed a walk")                                              \
	X(tlb_shootdowns, "requests to invalidate entries of the TLB")                              \
	X(tlb_reach_bytes, "most memory that the TLB's entries were seen to cover, bytes")          \
	X(pt_walk_accesses, "entries of page tables read by walks")                                 \
	X(pt_bytes, "most memory that page tables took, bytes")                                     \
	X(large_mapped, "large pages filled or made of base pages")                                 \
	X(large_split, "large pages that became base pages again")                                  \
	X(large_faults_saved, "first touches of base pages that a large page had mapped already")   \
	X(small_mapped, "base pages filled by faults")                                              \
	X(prefetch_issued, "pages read from the store ahead of their use")                          \
	X(prefetch_used, "of these, used before they left")                                         \
	X(prefetch_wasted, "of these, evicted or unmapped without having been used")                \
	X(prefetch_late, "used before the read would have been finished, by the timing model")      \
	X(prefetch_wait_ns, "what those references would have waited for, ns")                      \
	X(prefetch_saved_ns,                                                                        \
	  "what the faults would have taken that used pages avoided, less that wait, ns")           \
	X(numa_local, "references to memory of the process's own node")                             \
	X(numa_remote, "references to memory of another node")                                      \
	X(numa_migrations, "pages moved to the node of the process that used them")                 \
	X(node_balance,                                                                             \
	  "frames in use when asked: mean of the nodes / most of any node, in percent (100: even)") \
	X(swap_used, "most slots of the swap device in use at any time")                            \
	X(resident_peak_frames, "most frames in use at any time")                                   \
	X(resident_sum,                                                                             \
	  "frames in use, summed over references: mean resident size times accesses, in frames "    \
	  "times references (simulator, policies with variable allocation)")                        \
	X(footprint_pages, "most pages mapped, idle or stored at any time")

/* A key that does not apply to a run is absent from reports, never 0: the printers decide by mode. */
struct vm_stats {
#define X(name, help) uint64_t name;
	VM_STATS(X)
#undef X
};

/* One row a counter, in the order of the list; for printers. */
struct vm_stat_info {
	const char *name;
	const char *help;
	uint32_t offset; /* of the counter in struct vm_stats, bytes */
};
extern const struct vm_stat_info vm_stat_list[];
extern const uint32_t vm_stat_count;

static inline uint64_t vm_stat_get(const struct vm_stats *s, const struct vm_stat_info *i)
{
	return *(const uint64_t *)((const char *)s + i->offset);
}

/* Adds every event count of b to a; peaks (resident_peak_frames, footprint_pages, swap_used, *_bytes) and node_balance take the maximum. */
void vm_stats_add(struct vm_stats *a, const struct vm_stats *b);

/* It is the most that was seen, not a count of events. */
bool vm_stat_is_peak(const struct vm_stat_info *i);

/* 0 when the laws above hold, -EINVAL otherwise. */
int vm_stats_check(const struct vm_stats *s);

#endif
