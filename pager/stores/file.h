/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.h - the file store's inside: file.c is what the pager calls, file_write.c writes in the background with io_uring.
 *
 * Where a slot's content is, and who takes it on:
 *
 *             write               submit                  run_over: written
 *     (none) ──────► QUEUED ────────────────► WRITING ─────────────────────► ON_DISK
 *                      ▲                         │
 *                      └──── run_over: failed ───┘     file_forget leaves from any state
 *
 * Invariants:
 *  1. While it is QUEUED or WRITING the content is in a page of the pager's (slab.h), and reads are served from there. So
 *     nothing is ever read from a place that is still being written.
 *  2. A block belongs to one slot, or to one write that is under way. It is chosen when the write is submitted, for a whole run of
 *     queued pages, so that what is evicted together lies together. Content is never written over a slot's old block.
 *  3. A write that fails (disk full, quota, I/O error) puts its pages back into the queue. They stay in memory and are tried
 *     again; the bound on the buffer does not hold for them, only the store's limit does.
 *  4. The kernel reads a page that is being written until its completion was seen: it is not reused before, whatever became of
 *     its slot.
 */
#ifndef PAGER_STORES_FILE_H
#define PAGER_STORES_FILE_H

#include "pager/slab.h"
#include "pager/store.h"
#include "pager/stores/blocks.h"
#include "pager/stores/disk.h"
#include "pager/stores/slot_table.h"

#include <liburing.h>
#include <sys/uio.h>
#include <xxhash.h>

#define FILE_RUN_MAX 64u /* pages of one write */
#define FILE_RUNS 64u    /* writes under way at most, and pages in them: a killed pager is gone */
#define FILE_UNDER_WAY_MAX 256u /* when the kernel has ended what is under way */
#define FILE_READS_MAX 64u      /* reads under way at once */
#define FILE_BATCH_MIN 32u      /* queued pages that are worth a system call */
#define FILE_BUFFER_MAX 1024u   /* pages queued and being written, while the disk takes them */

enum state { QUEUED, WRITING, ON_DISK };

struct file_record {
	XXH128_hash_t hash;
	uint32_t page; /* of the slab: QUEUED, WRITING */
	union {
		struct {
			uint32_t prev, next; /* QUEUED: neighbours, STORE_NONE at the ends */
		};
		struct {
			uint32_t run, at; /* WRITING */
		};
		uint32_t block; /* ON_DISK */
	};
	uint8_t state;
};

/* A write under way: neighbouring blocks. */
struct file_run {
	struct iovec iov[FILE_RUN_MAX];
	uint32_t slot[FILE_RUN_MAX]; /* STORE_NONE: it was released meanwhile */
	uint32_t page[FILE_RUN_MAX];
	uint32_t block, n; /* n == 0: free */
	bool direct;       /* when it was submitted */
};

struct store {
	struct slab *pages;
	struct slot_table slots;
	struct disk disk;
	struct blocks blocks;
	struct io_uring ring;
	struct file_run run[FILE_RUNS];
	uint32_t runs_under_way, pages_under_way, reads_under_way;
	uint32_t head, tail, queued; /* the queue, oldest first */
	uint32_t buffered;           /* pages in memory: queued, or in a run */
	uint32_t buffer_max, limit_pages;
	uint64_t grow_after_ns, write_after_ns; /* not before, since it failed; 0: it works */
	uint64_t seed;
	int read_result[FILE_READS_MAX]; /* of read_many */
	struct store_stats stats;
};

static inline struct file_record *file_record(const struct store *s, uint32_t slot)
{
	return slot_table_at(&s->slots, slot);
}

/* Where a block is, bytes. */
static inline uint64_t file_offset(const struct store *s, uint32_t block)
{
	return (s->disk.device ? DISK_FIRST_BYTE : 0) + (uint64_t)block * STORE_PAGE;
}

/* The ring of io_uring. 0 or -errno. */
int file_ring_open(struct io_uring *ring);

/* The slot's record has a page and is not queued: it will be written. */
void file_enqueue(struct store *s, uint32_t slot);

/* The content of a slot goes; its number stays. */
void file_forget(struct store *s, uint32_t slot);

/* Starts to write what is queued, as far as the disk has room. 0, or -errno of io_uring itself. */
int file_submit(struct store *s);

/* The buffer has room for one more page afterwards, or the disk takes none. 0, or -errno of io_uring itself. */
int file_make_room(struct store *s);

/* Hands over what is prepared, waits for so many completions and takes all that are there. 0, or -errno of io_uring itself. */
int file_enter(struct store *s, unsigned wait_for);

#endif
