/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spaces.h - a brute-force model of address spaces: fork and copy on write, shared memory, files, unmapping, in a memory
 * under fifo, lru or clock. Like model.h it shares no code with core/ and includes nothing of it.
 *
 * The world is small: SPACES processes with SPACES_PAGES pages each, SPACES_OBJECTS objects. What each counter means is
 * written down where it is counted.
 */
#ifndef TESTS_MODEL_SPACES_H
#define TESTS_MODEL_SPACES_H

#include <stdbool.h>
#include <stdint.h>

#define SPACES 5
#define SPACES_PAGES 24
#define SPACES_OBJECTS 4
#define SPACES_OBJECT_PAGES 40
#define SPACES_CONTENTS 2048

enum spaces_policy { SPACES_FIFO, SPACES_LRU, SPACES_CLOCK };
enum spaces_backing { SPACES_ANON, SPACES_SHARED, SPACES_FILE_PRIVATE, SPACES_FILE_SHARED };

/* One page's worth of bytes, wherever they are. */
struct content {
	bool used, is_file, in_object;
	bool resident, written, referenced, stored;
	bool protected; /* since a fork: its sharers may not write to it */
};

/* What an address is backed by, and the content that it leads to. */
struct address {
	bool mapped, read_only;
	enum spaces_backing backing;
	int object, object_page;
	int content; /* -1: none yet */
	bool present, is_private;
};

struct spaces_counts {
	uint64_t faults, zero, major, file, cow_alloc, cow, copies, minor, soft, writes;
	uint64_t file_faults, evictions, dirty, file_clean, file_dirty;
	uint64_t store_reads, store_writes, file_reads, file_writes, synced, unmapped;
	uint64_t cow_saved, shared_saved, footprint; /* peaks */
};

struct spaces {
	enum spaces_policy policy;
	int frames;
	bool track_dirty;
	struct address at[SPACES][SPACES_PAGES];
	bool exists[SPACES];
	struct content contents[SPACES_CONTENTS];
	int object_content[SPACES_OBJECTS][SPACES_OBJECT_PAGES]; /* -1 */
	bool object_is_file[SPACES_OBJECTS], object_stays[SPACES_OBJECTS];
	int line[SPACES_CONTENTS], line_count, hand; /* resident contents in the policy's order */
	struct spaces_counts n;
	uint64_t faults_of[SPACES];
};

void spaces_init(struct spaces *m, enum spaces_policy policy, int frames, bool track_dirty);
/* 0 hit, 1 a frame had to be found, 2 another fault, -1: the mapping is read-only. */
int spaces_access(struct spaces *m, int process, int page, bool write);
void spaces_map(struct spaces *m, int process, int page, int n, enum spaces_backing backing,
		int object, int object_page, bool read_only);
void spaces_unmap(struct spaces *m, int process, int page, int n);
void spaces_discard(struct spaces *m, int process, int page, int n);
void spaces_sync(struct spaces *m, int process, int page, int n);
int spaces_fork(struct spaces *m, int parent, int child); /* -1: the child has pages or mappings */
int spaces_exit(struct spaces *m, int process);           /* -1: there is no such process */

#endif
