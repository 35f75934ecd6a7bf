/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_ids.h - from (pid, vpn) to the dense ids of spaces and pages, in order of first appearance, and back.
 *
 * core/page_map.h is a tree: cheap where pages are neighbours, but 2 KiB for a page that is alone. A trace may scatter two
 * million pages over 64 bits, so here each page costs 12 bytes for the way back, and the hash 16 bytes a slot (open
 * addressing, at most 3/4 full). The hash is made when it is first asked: who only reads .vmt without events has none.
 *
 * Invariants: pages and spaces are never removed. A pid's exit makes its space closed; the next record of that pid opens
 * another one. Ids are below TRACE_PAGES_MAX.
 */
#ifndef VMM_TRACE_PAGE_IDS_H
#define VMM_TRACE_PAGE_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_IDS_NONE UINT32_MAX
#define PID_CACHE 256u

struct page_slot {
	uint64_t vpn;
	uint32_t space;
	uint32_t id; /* PAGE_IDS_NONE: free */
};

struct pid_entry;

struct page_ids {
	uint64_t *vpns;
	uint32_t *spaces;
	uint32_t count, capacity;
	struct page_slot *slots;
	uint32_t mask, hashed; /* pages with id < hashed are in the slots */

	uint32_t *pids; /* by space */
	uint32_t space_count, space_capacity;
	struct pid_entry *by_pid; /* uthash: the open space of each pid */
	struct {
		uint32_t pid, space;
	} cache[PID_CACHE]; /* by pid's low bits; space PAGE_IDS_NONE: empty */
};

void page_ids_init(struct page_ids *p);
void page_ids_destroy(struct page_ids *p);

/* The open space of pid, made when there is none: 0, -ENOMEM, -E2BIG. */
int page_ids_space(struct page_ids *p, uint32_t pid, uint32_t *space);
/* Another space for pid, whether it has one or not. */
int page_ids_space_new(struct page_ids *p, uint32_t pid, uint32_t *space);
void page_ids_space_close(struct page_ids *p, uint32_t pid);

/* The id of a page, made when it is new (*made, may be NULL): 0, -ENOMEM, -E2BIG. */
int page_ids_get(struct page_ids *p, uint32_t space, uint64_t vpn, uint32_t *id, bool *made);
/* PAGE_IDS_NONE when it was never seen; -ENOMEM if the hash cannot be made. */
int page_ids_find(struct page_ids *p, uint32_t space, uint64_t vpn, uint32_t *id);
/* A page that is known to be new: its id is p->count before the call. */
int page_ids_append(struct page_ids *p, uint32_t space, uint64_t vpn);

static inline uint32_t page_ids_hash(uint32_t space, uint64_t vpn)
{
	uint64_t h = (vpn + space * 0xD6E8FEB86659FD93ull) * 0x9E3779B97F4A7C15ull;

	return (uint32_t)(h >> 32) ^ (uint32_t)(h >> 47);
}

/* Fetches the slot of a page that will be asked for soon. */
static inline void page_ids_prefetch(const struct page_ids *p, uint32_t space, uint64_t vpn)
{
	if (p->slots)
		__builtin_prefetch(&p->slots[page_ids_hash(space, vpn) & p->mask]);
}

#endif
