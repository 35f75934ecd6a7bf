/* SPDX-License-Identifier: Apache-2.0 */
/* page_ids.c - see page_ids.h. */
#define HASH_NONFATAL_OOM 1
#include "core/trace/page_ids.h"

#include "core/trace/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#undef uthash_nonfatal_oom
#define uthash_nonfatal_oom(e) ((e)->in_hash = false)

#define SLOTS_MIN 1024u
#define SPACES_MAX (1u << 24)

struct pid_entry {
	uint32_t pid, space;
	bool in_hash;
	UT_hash_handle hh;
};

void page_ids_init(struct page_ids *p)
{
	memset(p, 0, sizeof(*p));
	for (uint32_t i = 0; i < PID_CACHE; i++)
		p->cache[i].space = PAGE_IDS_NONE;
}

void page_ids_destroy(struct page_ids *p)
{
	struct pid_entry *e = p->by_pid, *next;

	HASH_CLEAR(hh, p->by_pid);
	for (; e; e = next) {
		next = e->hh.next;
		free(e);
	}
	free(p->vpns);
	free(p->spaces);
	free(p->slots);
	free(p->pids);
	page_ids_init(p);
}

static void cache_put(struct page_ids *p, uint32_t pid, uint32_t space)
{
	p->cache[pid % PID_CACHE].pid = pid;
	p->cache[pid % PID_CACHE].space = space;
}

int page_ids_space_new(struct page_ids *p, uint32_t pid, uint32_t *space)
{
	struct pid_entry *e;

	if (p->space_count == SPACES_MAX)
		return -E2BIG;
	if (p->space_count == p->space_capacity) {
		uint32_t capacity = p->space_capacity ? 2 * p->space_capacity : 16;
		uint32_t *pids = realloc(p->pids, capacity * sizeof(*pids));

		if (!pids)
			return -ENOMEM;
		p->pids = pids;
		p->space_capacity = capacity;
	}
	HASH_FIND(hh, p->by_pid, &pid, sizeof(pid), e);
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e)
			return -ENOMEM;
		e->pid = pid;
		e->in_hash = true;
		HASH_ADD(hh, p->by_pid, pid, sizeof(e->pid), e);
		if (!e->in_hash) {
			free(e);
			return -ENOMEM;
		}
	}
	e->space = *space = p->space_count;
	p->pids[p->space_count++] = pid;
	cache_put(p, pid, *space);
	return 0;
}

int page_ids_space(struct page_ids *p, uint32_t pid, uint32_t *space)
{
	struct pid_entry *e;

	if (p->cache[pid % PID_CACHE].pid == pid &&
	    p->cache[pid % PID_CACHE].space != PAGE_IDS_NONE) {
		*space = p->cache[pid % PID_CACHE].space;
		return 0;
	}
	HASH_FIND(hh, p->by_pid, &pid, sizeof(pid), e);
	if (!e)
		return page_ids_space_new(p, pid, space);
	*space = e->space;
	cache_put(p, pid, *space);
	return 0;
}

void page_ids_space_close(struct page_ids *p, uint32_t pid)
{
	struct pid_entry *e;

	HASH_FIND(hh, p->by_pid, &pid, sizeof(pid), e);
	if (e) {
		HASH_DEL(p->by_pid, e);
		free(e);
	}
	if (p->cache[pid % PID_CACHE].pid == pid)
		p->cache[pid % PID_CACHE].space = PAGE_IDS_NONE;
}

/* The slot of a page, or the free one where it belongs. */
static struct page_slot *slot_of(const struct page_ids *p, uint32_t space, uint64_t vpn)
{
	uint32_t i = page_ids_hash(space, vpn) & p->mask;

	while (p->slots[i].id != PAGE_IDS_NONE &&
	       (p->slots[i].vpn != vpn || p->slots[i].space != space))
		i = (i + 1) & p->mask;
	return &p->slots[i];
}

static void slot_put(struct page_ids *p, uint32_t id)
{
	struct page_slot *s = slot_of(p, p->spaces[id], p->vpns[id]);

	if (s->id == PAGE_IDS_NONE) /* a file may name a page twice: the first one is found */
		*s = (struct page_slot){ p->vpns[id], p->spaces[id], id };
}

/* Brings every page into the slots, with room for one more. */
static int slots_ready(struct page_ids *p)
{
	uint64_t slots = p->slots ? (uint64_t)p->mask + 1 : 0;

	if (!p->slots || ((uint64_t)p->count + 1) * 4 > slots * 3) {
		struct page_slot *fresh;

		slots = slots ? slots : SLOTS_MIN;
		while (((uint64_t)p->count + 1) * 4 > slots * 3)
			slots *= 2;
		fresh = malloc(slots * sizeof(*fresh));
		if (!fresh)
			return -ENOMEM;
		memset(fresh, 0xff, slots * sizeof(*fresh)); /* id PAGE_IDS_NONE */
		free(p->slots);
		p->slots = fresh;
		p->mask = (uint32_t)(slots - 1);
		p->hashed = 0;
	}
	for (; p->hashed < p->count; p->hashed++)
		slot_put(p, p->hashed);
	return 0;
}

int page_ids_append(struct page_ids *p, uint32_t space, uint64_t vpn)
{
	if (p->count == TRACE_PAGES_MAX - 1)
		return -E2BIG;
	if (p->count == p->capacity) {
		size_t capacity = p->capacity ? 2 * (size_t)p->capacity : 1024;
		uint64_t *vpns = realloc(p->vpns, capacity * sizeof(*vpns));
		uint32_t *spaces;

		if (!vpns)
			return -ENOMEM;
		p->vpns = vpns;
		spaces = realloc(p->spaces, capacity * sizeof(*spaces));
		if (!spaces)
			return -ENOMEM;
		p->spaces = spaces;
		p->capacity = (uint32_t)capacity;
	}
	p->vpns[p->count] = vpn;
	p->spaces[p->count] = space;
	p->count++;
	return 0;
}

int page_ids_get(struct page_ids *p, uint32_t space, uint64_t vpn, uint32_t *id, bool *made)
{
	struct page_slot *s;
	int err = 0;

	if (made)
		*made = false;
	if (p->hashed == p->count && p->slots) {
		s = slot_of(p, space, vpn);
		if (s->id != PAGE_IDS_NONE) {
			*id = s->id;
			return 0;
		}
	}
	err = slots_ready(p);
	if (err)
		return err;
	s = slot_of(p, space, vpn);
	if (s->id == PAGE_IDS_NONE) {
		err = page_ids_append(p, space, vpn);
		if (err)
			return err;
		*s = (struct page_slot){ vpn, space, p->count - 1 };
		p->hashed = p->count;
		if (made)
			*made = true;
	}
	*id = s->id;
	return 0;
}

int page_ids_find(struct page_ids *p, uint32_t space, uint64_t vpn, uint32_t *id)
{
	int err = slots_ready(p);

	if (!err)
		*id = slot_of(p, space, vpn)->id;
	return err;
}
