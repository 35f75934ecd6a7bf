/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_table.h - from (space, virtual page number) to frame, stored as real machines store it: what a table costs in
 * bytes, and what a walk costs in memory accesses.
 *
 * One struct page_table holds the tables of all spaces. Kinds, each a row of page_table.c: single, two (32-bit
 * addresses), three, four, five (39, 48, 57 bits; x86-64 has four and five), hashed, inverted. Words:
 *   entry   a translation (PTE), used when not 0:
 *
 *             63      44 43           12 11  10    9   8  7  6  5  4  3  2  1  0
 *            +----------+---------------+---+----+-----+----+--+--+--+--+--+--+--+
 *            |    -     |     frame     | - |FILE| COW |SIZE| D| A| -| L| -| W| P|
 *            +----------+---------------+---+----+-----+----+--+--+--+--+--+--+--+
 *
 *           P, W, A, D are where x86 has them. L tells an entry of a page from one that leads to another table.
 *   walk    what the memory management unit does when the TLB has no entry. Every entry read is one access.
 *   bytes   the size of the tables on the modelled machine, which each implementation states; not of this program.
 *
 * Sizes: 2M and 1G are 2^9 and 2^18 base pages, which is what their names say when a base page has 4 KiB. The kinds say
 * which they know. A large page's vpn and frame are those of its first base page.
 *
 * Invariants, looked at by page_table_check: every used entry has PTE_LEAF; no two entries of a space overlap; `entries`,
 * `tables` and `bytes` are exact; a table without a used entry does not exist, and neither does a space without one;
 * the walk cache leads only to tables that exist.
 */
#ifndef VMM_PAGE_TABLE_H
#define VMM_PAGE_TABLE_H

#include "core/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t pte_t;

#define PTE_PRESENT                                                                                \
	0x001u /* P: the page is in the frame; else the entry only says that the page exists */
#define PTE_WRITABLE 0x002u /* W */
#define PTE_LEAF 0x008u     /* L: set by page_table_map */
#define PTE_ACCESSED 0x020u /* A: set by a walk */
#define PTE_DIRTY 0x040u    /* D: set by a walk for a write to a writable page */
#define PTE_SIZE 0x180u     /* enum page_size << PTE_SIZE_SHIFT */
#define PTE_COW 0x200u      /* shared until written */
#define PTE_FILE 0x400u     /* backed by a file */
#define PTE_SIZE_SHIFT 7
#define PTE_FRAME_SHIFT 12
#define PTE_FLAGS (PTE_PRESENT | PTE_WRITABLE | PTE_ACCESSED | PTE_DIRTY | PTE_COW | PTE_FILE)

enum page_size { PAGE_4K, PAGE_2M, PAGE_1G, PAGE_SIZES };
#define PAGE_SIZE_BITS 9 /* log2 of how many pages of one size make one of the next */

static inline uint64_t page_size_pages(enum page_size size)
{
	return 1ull << (PAGE_SIZE_BITS * size);
}
static inline uint32_t pte_frame(pte_t e)
{
	return (uint32_t)(e >> PTE_FRAME_SHIFT);
}
static inline enum page_size pte_size(pte_t e)
{
	return (enum page_size)((e & PTE_SIZE) >> PTE_SIZE_SHIFT);
}
/* The entry of a page that still exists but has no frame. */
static inline pte_t pte_absent(pte_t e)
{
	return e & (PTE_LEAF | PTE_SIZE | PTE_WRITABLE | PTE_COW | PTE_FILE);
}
static inline pte_t pte_make(uint32_t frame, enum page_size size, uint32_t flags)
{
	return (pte_t)frame << PTE_FRAME_SHIFT | (pte_t)size << PTE_SIZE_SHIFT | PTE_LEAF | flags;
}

struct page_table_stats {
	uint64_t walks, walk_accesses;
	uint64_t walk_cache_hits; /* walks that did not begin at the root */
	uint64_t entries;         /* used */
	uint64_t tables;          /* nodes; 1 where there is one for all */
	uint64_t bytes, bytes_peak;
};

/* How evenly a hash spreads: hashed and inverted tables. */
struct page_table_chains {
	uint64_t buckets, buckets_used, entries;
	uint64_t collisions; /* entries that are not the first of their chain */
	uint64_t longest;    /* entries */
	uint64_t aliases;    /* inverted: entries of frames that have several */
};

struct page_table {
	const struct page_table_ops *ops;
	uint32_t frames, page_shift;
	uint32_t walk_cache; /* entries per level, 0: none */
	struct page_table_stats stats;
	struct page_table_slots *slots; /* of trees: page_table_slot */
	uint64_t drops; /* while it stays the same no entry has ended: pointers to entries and slots are valid */
	void *state; /* of the implementation */
};

/* Tables of the lowest level that were looked for last: a cache of this program, not of the modelled machine. */
#define PAGE_TABLE_SLOTS 2048u
struct page_table_slots {
	uint64_t drops; /* it is empty when page_table.drops is another */
	struct {
		uint64_t prefix; /* vpn >> slot_bits */
		pte_t *first;    /* NULL: empty */
		uint32_t space;
	} table[PAGE_TABLE_SLOTS];
};

/* fn(arg, vpn, entry): non-zero stops and is returned. The entry may be changed but not its frame, size or PTE_LEAF. */
typedef int (*page_table_fn)(void *arg, uint64_t vpn, pte_t *entry);

/* What an implementation provides. page_table.c has checked ranges, sizes and alignment before it calls. */
struct page_table_ops {
	const char *name, *summary;
	uint32_t vpn_bits; /* width of a page number; 0: any */
	uint32_t sizes;    /* known page sizes: 1 << enum page_size */
	bool by_frame; /* an entry lives where its frame says: it moves with it, and ends with PTE_PRESENT */
	uint32_t levels; /* of a tree: a walk from the root to an entry of size s reads levels - s entries; 0: no tree */
	int (*create)(struct page_table *t); /* 0, -ENOMEM; destroy follows in both cases */
	void (*destroy)(struct page_table *t);
	/* The used entry that covers vpn, or NULL. accesses, unless NULL, is a walk: reads are added to it, caches used. */
	pte_t *(*find)(struct page_table *t, uint32_t space, uint64_t vpn, uint32_t *accesses);
	/* A place for an entry; no entry covers vpn. -EEXIST: smaller pages are in the way. -ENOMEM: nothing changed. The
	 * caller writes a used entry into it at once. */
	int (*make)(struct page_table *t, uint32_t space, uint64_t vpn, enum page_size size,
		    uint32_t frame, pte_t **entry);
	/* Ends the entry of the page that begins at vpn. */
	void (*drop)(struct page_table *t, uint32_t space, uint64_t vpn, enum page_size size);
	void (*drop_space)(struct page_table *t, uint32_t space);
	int (*each)(struct page_table *t, uint32_t space, page_table_fn fn, void *arg);
	/* Of a tree: page_table_slot; else NULL. */
	pte_t *(*slot)(struct page_table *t, uint32_t space, uint64_t vpn);
	uint32_t slot_bits; /* so many bits of vpn tell the slots of one table apart */
	void (*flush)(struct page_table *t); /* empties the walk cache; may be NULL */
	void (*chains)(const struct page_table *t, struct page_table_chains *out); /* may be NULL */
	int (*check)(const struct page_table *t);                                  /* 0, -EINVAL */
};

struct page_table_config {
	const char *kind;
	uint32_t frames;     /* all frame numbers are below it */
	uint32_t page_shift; /* log2 of the base page's bytes: 0 (means 12), 9 to 32 */
	uint32_t walk_cache; /* tables remembered per level; at most PAGE_TABLE_CACHE_MAX */
};
#define PAGE_TABLE_CACHE_MAX 256u
#define PAGE_TABLE_SHIFT_MIN 9u
#define PAGE_TABLE_SHIFT_MAX 32u

/* NULL when there is no such kind. */
const struct page_table_ops *page_table_find_kind(const char *kind);
/* NULL-terminated: trees by their depth, then those that hash. */
const struct page_table_ops *const *page_table_kinds(void);

/* 0; -ENOENT no such kind; -EINVAL; -ENOMEM. After an error nothing is left to destroy. */
int page_table_init(struct page_table *t, const struct page_table_config *c);
void page_table_destroy(struct page_table *t);

/* May the kind have an entry for this page number? 48-bit and similar addresses must be canonical. */
bool page_table_fits(const struct page_table *t, uint64_t vpn);

/*
 * The page vpn of this size is in `frame`, with these PTE_FLAGS. An entry of the same page and size is replaced.
 * 0; -ERANGE the page number or the frame does not fit; -EOPNOTSUPP the kind does not know the size; -EINVAL not aligned,
 * or bad flags; -EEXIST other pages are in the way; -ENOMEM (an entry that was to be replaced may be gone).
 */
int page_table_map(struct page_table *t, uint32_t space, uint64_t vpn, enum page_size size,
		   uint32_t frame, uint32_t flags);

/* The same for a page that no entry covers, which saves looking. *entry: the new one. */
int page_table_make(struct page_table *t, uint32_t space, uint64_t vpn, enum page_size size,
		    uint32_t frame, uint32_t flags, pte_t **entry);

/* The page that covers vpn loses its entry; true when there was one. */
bool page_table_unmap(struct page_table *t, uint32_t space, uint64_t vpn);

/* The page has no frame any more but still exists: its entry stays, not present. In an inverted table it ends. */
void page_table_absent(struct page_table *t, uint32_t space, uint64_t vpn);

void page_table_drop_space(struct page_table *t, uint32_t space);

/*
 * What the MMU does: counts the accesses, sets PTE_ACCESSED, and PTE_DIRTY for a write when the page is writable. The
 * entry then; 0 when the page is not present. *accesses, unless NULL: how many this walk made.
 */
pte_t page_table_walk(struct page_table *t, uint32_t space, uint64_t vpn, bool write,
		      uint32_t *accesses);

/* The entry that covers vpn, or NULL: software looks, nothing is counted. Valid until the next map or unmap. */
pte_t *page_table_find(struct page_table *t, uint32_t space, uint64_t vpn);

/* page_table_slot when place i of the cache does not have it. */
pte_t *page_table_slot_find(struct page_table *t, uint32_t space, uint64_t vpn, uint32_t i);

/*
 * Where a walk for the base page vpn would end in a table of the lowest level, whatever is there now: used, or 0. NULL: there is
 * no such table, or no tree. Valid while t->drops stays the same; brings the slot near.
 */
static inline pte_t *page_table_slot(struct page_table *t, uint32_t space, uint64_t vpn)
{
	struct page_table_slots *c = t->slots;
	uint64_t prefix;
	pte_t *slot;
	uint32_t i;

	if (!c)
		return NULL;
	prefix = vpn >> t->ops->slot_bits;
	i = (uint32_t)(prefix ^ space * 0x9E3779B1u) % PAGE_TABLE_SLOTS;
	if (__builtin_expect(c->table[i].prefix == prefix && c->table[i].space == space &&
				     c->table[i].first && c->drops == t->drops,
			     1))
		slot = &c->table[i].first[vpn & ((1u << t->ops->slot_bits) - 1)];
	else
		slot = page_table_slot_find(t, space, vpn, i);
	__builtin_prefetch(slot, 1);
	return slot;
}

/*
 * The walk of page_table_walk as far as it counts: the entry that it finds, or NULL. `known`, unless NULL, is that entry
 * or its slot: in a tree without a walk cache it is not searched for once more.
 */
static inline pte_t *page_table_walk_to(struct page_table *t, uint32_t space, uint64_t vpn,
					pte_t *known)
{
	uint32_t n = 0;
	pte_t *e;

	t->stats.walks++;
	if (known && t->ops->levels && !t->walk_cache) {
		t->stats.walk_accesses += t->ops->levels - (uint32_t)pte_size(*known);
		return *known ? known : NULL;
	}
	e = page_table_fits(t, vpn) ? t->ops->find(t, space, vpn, &n) : NULL;
	t->stats.walk_accesses += n;
	return e;
}

/* And as far as it sets bits: the entry then, 0 when the page is not present. */
static inline pte_t page_table_reference(pte_t *e, bool write)
{
	if (!e || !(*e & PTE_PRESENT))
		return 0;
	return *e |= write && *e & PTE_WRITABLE ? PTE_ACCESSED | PTE_DIRTY : PTE_ACCESSED;
}

/* Every used entry of the space, in no particular order. fn must not map or unmap. */
int page_table_each(struct page_table *t, uint32_t space, page_table_fn fn, void *arg);

/* The walk cache is emptied, as a switch of address spaces without ASIDs does. */
void page_table_flush_cache(struct page_table *t);

/* -EOPNOTSUPP for tables that have no chains. */
int page_table_chains(const struct page_table *t, struct page_table_chains *out);

int page_table_check(const struct page_table *t); /* 0, -EINVAL */

/* Are page numbers those of sign-extended addresses? Not so when they are narrow, or would not fit 64 bits. */
static inline bool page_table_canonical(const struct page_table *t)
{
	return t->ops->vpn_bits > 20 && t->ops->vpn_bits + t->page_shift <= 64;
}

/* For implementations: is any page of [vpn, vpn + pages of size) covered by an entry? Linear in pages or in entries. */
bool page_table_covered(struct page_table *t, uint32_t space, uint64_t vpn, enum page_size size);

/* For implementations: bytes and tables come and go here, so that the peak is right. */
static inline void page_table_account(struct page_table *t, int64_t tables, int64_t bytes)
{
	t->stats.tables += (uint64_t)tables;
	t->stats.bytes += (uint64_t)bytes;
	if (t->stats.bytes_peak < t->stats.bytes)
		t->stats.bytes_peak = t->stats.bytes;
}

#endif
