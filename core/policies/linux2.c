/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux2.c - the two lists of Linux, active and inactive, with refault distances, for anonymous pages under one memory cgroup
 * that has swap. Rules as in Linux 6.1; the kernel reclaims 32 pages at once, here one goes when one is needed.
 *
 *   a new page enters the inactive list at its head                     mm/swap.c folio_add_lru (since 5.9 not active)
 *   scan of the inactive tail (a bit is read and cleared each time):    mm/vmscan.c folio_check_references
 *     bit clear                 the page goes; its mark is cleared
 *     bit set, not marked       marked, to the inactive head
 *     bit set, marked           to the active head, still marked; the nonresident age grows by 1
 *                                                                       mm/vmscan.c move_folios_to_lru
 *   inactive is low, inactive * ratio < active: up to `batch` pages go from the active tail to the inactive head, bits
 *   cleared and not looked at; ratio = 1, or floor(sqrt(10 GB)) from 1 GB on
 *                                                                       mm/vmscan.c inactive_is_low, shrink_active_list;
 *                                                                       SWAP_CLUSTER_MAX = 32
 *   a refault has activated a page since the last scan: one page is deactivated as well (the kernel scans both
 *   lists in proportion then)                                           mm/vmscan.c prepare_scan_count, DEACTIVATE_ANON
 *   an evicted page remembers the nonresident age, which grows by 1     mm/workingset.c workingset_eviction
 *   a refault at a distance (age now - age remembered) of at most the active pages enters the active list at its
 *   head, and the age grows by 1                                        mm/workingset.c workingset_refault
 *
 * A distance is never less than the number of evictions since, so no more ids than frames need be remembered.
 */
#include "core/ghost.h"
#include "core/policy_common.h"

enum { BATCH };

enum { INACTIVE, ACTIVE, LISTS };

#define GB_SHIFT 18u /* pages of 4 KiB */

struct linux2 {
	struct frame_table *frames;
	struct frame_links links;
	struct frame_list list[LISTS];
	uint8_t *where, *marked; /* by frame: list; PG_referenced */
	uint32_t batch;
	bool refaulted; /* a refault has activated a page since the last scan */
	uint64_t age;   /* nonresident age */
	struct ghost ghost;
	uint64_t *ghost_age; /* by entry */
	bool activate;       /* what is to happen to `known` when it is inserted */
	uint32_t known;      /* the page faulted on, when it was remembered */
};

static void linux2_destroy(void *state)
{
	struct linux2 *s = state;

	frame_links_destroy(&s->links);
	ghost_destroy(&s->ghost);
	free(s->where);
	free(s->marked);
	free(s->ghost_age);
	free(s);
}

static int linux2_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity;
	struct linux2 *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->list[INACTIVE] = s->list[ACTIVE] = FRAME_LIST_EMPTY;
	s->batch = (uint32_t)env->values[BATCH];
	s->known = VMM_NONE;
	s->where = calloc(frames, sizeof(*s->where));
	s->marked = calloc(frames, sizeof(*s->marked));
	s->ghost_age = calloc(frames, sizeof(*s->ghost_age));
	if (!s->where || !s->marked || !s->ghost_age || frame_links_init(&s->links, frames) ||
	    ghost_init(&s->ghost, frames, env)) {
		linux2_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static void move(struct linux2 *s, uint32_t f, int to)
{
	frame_list_remove(&s->links, &s->list[s->where[f]], f);
	frame_list_push_head(&s->links, &s->list[to], f);
	s->where[f] = (uint8_t)to;
}

static void linux2_fault(void *state, uint32_t page)
{
	struct linux2 *s = state;
	uint32_t e = ghost_find(&s->ghost, page);

	s->known = VMM_NONE;
	if (e == VMM_NONE)
		return;
	s->known = page;
	s->activate = s->age - s->ghost_age[e] <= s->list[ACTIVE].count;
	ghost_remove(&s->ghost, e);
}

static bool inactive_is_low(const struct linux2 *s)
{
	uint64_t gb = ((uint64_t)s->list[INACTIVE].count + s->list[ACTIVE].count) >> GB_SHIFT;
	uint64_t ratio = 1;

	while (gb && (ratio + 1) * (ratio + 1) <= 10 * gb)
		ratio++;
	return s->list[INACTIVE].count * ratio < s->list[ACTIVE].count;
}

static void deactivate(struct linux2 *s, uint32_t n)
{
	while (n--) {
		uint32_t f = frame_list_victim(s->frames, &s->links, &s->list[ACTIVE]);

		if (f == VMM_NONE)
			return;
		frame_clear_referenced(s->frames, f);
		move(s, f, INACTIVE);
	}
}

/* Every step clears a bit, so it ends. */
static uint32_t scan(struct linux2 *s)
{
	for (;;) {
		uint32_t f = frame_list_victim(s->frames, &s->links, &s->list[INACTIVE]);

		if (f == VMM_NONE || !frame_referenced(s->frames, f)) {
			if (f != VMM_NONE)
				s->marked[f] = 0;
			return f;
		}
		frame_clear_referenced(s->frames, f);
		s->age += s->marked[f];
		move(s, f, s->marked[f] ? ACTIVE : INACTIVE);
		s->marked[f] = 1;
	}
}

static uint32_t linux2_victim(void *state, uint32_t page)
{
	struct linux2 *s = state;
	uint32_t f;

	(void)page;
	if (inactive_is_low(s))
		deactivate(s, s->batch);
	else if (s->refaulted)
		deactivate(s, 1);
	s->refaulted = false;
	f = scan(s);
	if (f != VMM_NONE)
		return f;
	deactivate(s, s->batch);
	return scan(s);
}

/* It begins again at the head of its list. */
static void linux2_reject(void *state, uint32_t f)
{
	struct linux2 *s = state;

	move(s, f, s->where[f]);
}

static void linux2_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct linux2 *s = state;

	if (f == VMM_NONE) {
		ghost_forget(&s->ghost, page);
		if (s->known == page)
			s->known = VMM_NONE;
		return;
	}
	frame_list_remove(&s->links, &s->list[s->where[f]], f);
	if (why == REMOVE_EVICT)
		s->ghost_age[ghost_add(&s->ghost, 0, page)] = s->age++;
}

static void linux2_insert(void *state, uint32_t f, uint32_t page)
{
	struct linux2 *s = state;
	bool active = s->known == page && s->activate;

	s->known = VMM_NONE;
	s->marked[f] = 0;
	s->where[f] = active ? ACTIVE : INACTIVE;
	s->age += active;
	s->refaulted |= active;
	frame_list_push_head(&s->links, &s->list[s->where[f]], f);
}

static int linux2_check(const void *state)
{
	const struct linux2 *s = state;
	const struct frame_table *t = s->frames;

	for (int l = 0; l < LISTS; l++) {
		if (frame_list_check(t, &s->links, &s->list[l]))
			return -EINVAL;
		for (uint32_t f = s->list[l].head; f != VMM_NONE; f = s->links.at[f].next)
			if (s->where[f] != l || ghost_find(&s->ghost, t->page[f]) != VMM_NONE)
				return -EINVAL;
	}
	if (s->list[INACTIVE].count + s->list[ACTIVE].count != t->used + t->in_transit)
		return -EINVAL;
	return ghost_check(&s->ghost);
}

static const struct policy_param linux2_params[] = {
	[BATCH] = { "batch", 32, 1, UINT32_MAX - 1,
		    "most pages deactivated at once (kernel: SWAP_CLUSTER_MAX, 32)" },
	{ 0 },
};

static const struct policy_ops linux2 = {
	.abi = VMM_POLICY_ABI,
	.name = "linux2",
	.alias = "linux-2list,active-inactive",
	.summary = "Linux's active and inactive lists with refault distances",
	.source =
		"Linux 6.1, mm/vmscan.c and mm/workingset.c: anonymous pages of one memory cgroup",
	.class = POLICY_R1,
	.params = linux2_params,
	.order = 120,
	.create = linux2_create,
	.destroy = linux2_destroy,
	.fault = linux2_fault,
	.victim = linux2_victim,
	.reject = linux2_reject,
	.remove = linux2_remove,
	.insert = linux2_insert,
	.check = linux2_check,
};
POLICY_REGISTER(linux2);
