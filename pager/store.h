/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - what a backing store implements: pages of 4096 bytes in slots that several address spaces may share (fork).
 *
 * When each call is made, and what it returns. Pages given to a store are aligned to 4096.
 *   probe    before a run, optional: could the store be opened? 0 or -errno with the reason in words; nothing is left behind.
 *   open     once a run. 0 or -errno. NULL: vmm was built without the library.
 *   write    an evicted page. With *slot == STORE_NONE or a slot that others share, a new slot is taken, else its content is
 *            replaced. 0 or -errno (-ENOSPC: the limit is reached); on error the old slot is unchanged.
 *   read     a page comes back. 0 or -errno.
 *   read_many   optional: several at once, all under way together. The first error.
 *   same     has the slot this content? It need not read the slot for that.
 *   map      optional, for stores where reading costs nothing: the content in the pager's memory, valid until this slot is
 *            written or released. NULL: use read.
 *   take     optional: as write, but of a page of `pages`, which becomes the store's own; on error it stays the caller's.
 *   ref      one more space uses the slot.   unref  one fewer; the last one frees it.
 *   flush    optional: every page is where it will stay. 0, or -errno when some cannot get there; they can be read all the same.
 *   stats    what the store held and did so far.
 *   close    at the end of the run.
 *
 * Stores stack: one that delays or fails (timed, faulty) calls another, and is called like it.
 */
#ifndef PAGER_STORE_H
#define PAGER_STORE_H

#include "pager/run.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_NONE UINT32_MAX
#define STORE_PAGE 4096u

struct slab;
struct store; /* each implementation's own */

struct store_setup {
	struct slab *pages;   /* the pager's pages in memory, for stores that keep some there */
	uint64_t limit_bytes; /* most memory of the pager that the store may take */
	uint64_t latency_ns;  /* least time of a read and of a write */
	const char *argument; /* what follows the name and a colon: a path; NULL: nothing */
};

struct store_ops {
	const char *name;
	bool takes_argument;
	int (*probe)(const char *argument, char *why, size_t why_bytes);
	int (*open)(struct store **store, const struct store_setup *setup);
	int (*write)(struct store *store, uint32_t *slot, const void *page);
	int (*read)(struct store *store, uint32_t slot, void *page);
	int (*read_many)(struct store *store, uint32_t n, const uint32_t *slots,
			 void *const *pages);
	bool (*same)(struct store *store, uint32_t slot, const void *page);
	const void *(*map)(struct store *store, uint32_t slot);
	int (*take)(struct store *store, uint32_t *slot, uint32_t page);
	void (*ref)(struct store *store, uint32_t slot);
	void (*unref)(struct store *store, uint32_t slot);
	int (*flush)(struct store *store);
	void (*stats)(const struct store *store, struct store_stats *stats);
	void (*close)(struct store *store);
};

extern const struct store_ops store_mem, store_lz4, store_file, store_faulty;

/* The store that "NAME" or "NAME:ARGUMENT" names, and its argument (NULL without a colon). NULL: there is none. */
const struct store_ops *store_find(const char *spec, const char **argument);

/* Opens a store with a clock around it (timed.c). setup->argument is the store's own. 0 or -errno. */
int store_open(const char *spec, const struct store_setup *setup, const struct store_ops **ops,
	       struct store **store);

/* timed.c: a store that keeps the time of another's calls, and makes them take at least setup->latency_ns. */
int store_open_timed(const struct store_ops *inner, const struct store_setup *setup,
		     const struct store_ops **ops, struct store **store);

/* read_many of any store: one after the other where it has none. */
int store_read_many(const struct store_ops *ops, struct store *store, uint32_t n,
		    const uint32_t *slots, void *const *pages);

#endif
