/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - what a backing store implements: pages of 4096 bytes in slots that several address spaces may share (fork).
 *
 * When each call is made, and what it returns:
 *   open     once a run. `pages`: the pager's pages in memory, for stores that keep theirs there. 0 or -errno.
 *   write    an evicted page. With *slot == STORE_NONE or a slot that others share, a new slot is taken, else it is overwritten.
 *            0 or -errno (-ENOSPC: the limit is reached); on error the old slot is unchanged.
 *   read     a page comes back, or is compared. 0 or -errno.
 *   map      optional: the slot's content in the pager's memory, valid until the next write or unref; NULL: use read.
 *   take     optional: as write, but of a page of `pages`, which becomes the store's own; on error it stays the caller's.
 *   ref      one more space uses the slot.   unref  one fewer; the last one frees it.
 *   close    at the end of the run.
 */
#ifndef PAGER_STORE_H
#define PAGER_STORE_H

#include <stdint.h>

#define STORE_NONE UINT32_MAX

struct slab;
struct store; /* each implementation's own */

struct store_ops {
	const char *name;
	int (*open)(struct store **store, struct slab *pages, uint64_t limit_bytes);
	int (*write)(struct store *store, uint32_t *slot, const void *page);
	int (*read)(struct store *store, uint32_t slot, void *page);
	const void *(*map)(struct store *store, uint32_t slot);
	int (*take)(struct store *store, uint32_t *slot, uint32_t page);
	void (*ref)(struct store *store, uint32_t slot);
	void (*unref)(struct store *store, uint32_t slot);
	uint64_t (*peak_bytes)(const struct store *store);
	void (*close)(struct store *store);
};

extern const struct store_ops store_mem;

#endif
