/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opt.h - Belady's OPT (1966) on a whole trace: misses at chosen numbers of frames, insertion mandatory.
 *
 * *Next use* of reference i is the number of the next reference to the same page, or OPT_NEVER. It is made once, in one
 * backward pass over the references, in memory or in an unlinked temporary file ($TMPDIR or /tmp), and then serves
 * every size.
 */
#ifndef VMM_REPLAY_OPT_H
#define VMM_REPLAY_OPT_H

#include "core/replay/source.h"

#include <stdint.h>

#define OPT_NEVER UINT32_MAX

struct opt_table {
	uint32_t *next;          /* NULL when it is in the file */
	int fd;                  /* -1 when it is in memory */
	uint64_t n;              /* references */
	uint64_t capacity_bytes; /* of next */
	uint64_t file_bytes;
};

/*
 * Reads the source to its end, or `max` references (0: all). A page that goes and comes back is another one: it has no next use
 * when it goes, so OPT takes its frame first, as if it were free. The table is in memory while it is at most `memory_bytes`. 0, -ENOMEM,
 * -EFBIG (2^32 references or more), or what reading or the file gave. opt_table_destroy in every case.
 */
int opt_table_make(struct opt_table *t, struct replay_source *s, uint64_t max,
		   uint64_t memory_bytes);
void opt_table_destroy(struct opt_table *t);

/* Next uses of references first .. first + n, which must be in the table. 0 or what reading the file gave. */
int opt_table_read(const struct opt_table *t, uint64_t first, size_t n, uint32_t *next);

/* Misses among the references from `warmup` on with `frames` > 0 frames. Memory: a bit a reference. */
int opt_misses(const struct opt_table *t, uint32_t frames, uint64_t warmup, uint64_t *misses);

/*
 * The same for n sizes on up to `jobs` threads, this one included. progress, when not NULL, is called by this thread
 * after each of its sizes with the share that was done; anything but 0 ends it with that value.
 */
int opt_curve(const struct opt_table *t, const uint32_t *frames, uint32_t n, uint64_t warmup,
	      uint32_t jobs, int (*progress)(void *arg, double done), void *arg, uint64_t *misses);

#endif
