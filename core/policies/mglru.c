/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mglru.c - the multi-generational LRU of Linux for anonymous pages that are used through page tables. Rules as in Linux 6.1,
 * mm/vmscan.c; the kernel reclaims pages by the batch, here one goes when one is needed.
 *
 *   generations have numbers min_seq..max_seq, 2 to 4 of them      include/linux/mmzone.h MIN_NR_GENS 2, MAX_NR_GENS 4
 *   a page that is faulted in enters the youngest, at the head     include/linux/mm_inline.h lru_gen_add_folio (active)
 *   aging: every page whose bit is set loses it and belongs to the youngest generation from now on, then max_seq grows by 1.
 *   It stays in the list that it is in until an eviction finds it  walk_mm, folio_update_gen, inc_max_seq
 *   aging is due when there are only MIN_NR_GENS generations, and with one more when the youngest has more than 1/MIN_NR_GENS
 *   or the oldest less than 1/(MIN_NR_GENS + 2) of the pages       should_run_aging
 *   eviction looks at the oldest list's tail: a page that belongs to a younger generation goes to the head of that list; one
 *   whose bit is set loses it and goes to the youngest; any other is the victim
 *                                                                  sort_folio; evict_folios (rejected folios are active)
 *   an empty oldest list ends its generation while more than MIN_NR_GENS are left
 *                                                                  try_to_inc_min_seq
 *
 * Tiers rank pages used through file descriptors and do not apply to mapped memory. What is left out: looking around a page
 * whose bit is set for neighbours (lru_gen_look_around), which saves the kernel time, and Bloom filters, likewise.
 */
#include "core/frame_list.h"
#include "core/policy_common.h"

#define MIN_NR_GENS 2u
#define MAX_NR_GENS 4u

struct mglru {
	struct frame_table *frames;
	struct frame_links links;
	struct frame_list list[MAX_NR_GENS]; /* by seq modulo MAX_NR_GENS */
	uint8_t *in;                         /* by frame: list */
	uint8_t *gen;                        /* by frame: generation, modulo MAX_NR_GENS */
	uint32_t pages[MAX_NR_GENS];         /* by gen */
	uint64_t min_seq, max_seq;
};

static void mglru_destroy(void *state)
{
	struct mglru *s = state;

	frame_links_destroy(&s->links);
	free(s->in);
	free(s->gen);
	free(s);
}

static int mglru_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity;
	struct mglru *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	for (uint32_t g = 0; g < MAX_NR_GENS; g++)
		s->list[g] = FRAME_LIST_EMPTY;
	s->max_seq = MIN_NR_GENS + 1; /* lru_gen_init_lruvec */
	s->in = calloc(frames, sizeof(*s->in));
	s->gen = calloc(frames, sizeof(*s->gen));
	if (!s->in || !s->gen || frame_links_init(&s->links, frames)) {
		mglru_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static uint32_t slot(uint64_t seq)
{
	return (uint32_t)(seq % MAX_NR_GENS);
}

static void gen_set(struct mglru *s, uint32_t f, uint64_t seq)
{
	s->pages[s->gen[f]]--;
	s->gen[f] = (uint8_t)slot(seq);
	s->pages[s->gen[f]]++;
}

static void move(struct mglru *s, uint32_t f, uint32_t to)
{
	frame_list_remove(&s->links, &s->list[s->in[f]], f);
	frame_list_push_head(&s->links, &s->list[to], f);
	s->in[f] = (uint8_t)to;
}

static bool aging_due(const struct mglru *s)
{
	uint64_t total = s->frames->used + s->frames->in_transit;
	uint64_t young = s->pages[slot(s->max_seq)], old = s->pages[slot(s->min_seq)];

	if (s->min_seq + MIN_NR_GENS > s->max_seq)
		return true;
	if (s->min_seq + MIN_NR_GENS < s->max_seq)
		return false;
	return young * MIN_NR_GENS > total || old * (MIN_NR_GENS + 2) < total;
}

static void age(struct mglru *s)
{
	struct frame_table *t = s->frames;

	for (uint32_t f = 0; f < t->fresh; f++) {
		if (!frame_evictable(t, f) || !frame_referenced(t, f))
			continue;
		frame_clear_referenced(t, f);
		gen_set(s, f, s->max_seq);
	}
	s->max_seq++;
}

static void oldest_end(struct mglru *s)
{
	while (s->min_seq + MIN_NR_GENS <= s->max_seq && !s->list[slot(s->min_seq)].count)
		s->min_seq++;
}

/* Nothing can be taken in the oldest list (pins): from the next. VMM_NONE: in no list. */
static uint32_t nearest(const struct mglru *s)
{
	uint32_t f = VMM_NONE;

	for (uint64_t seq = s->min_seq; seq <= s->max_seq && f == VMM_NONE; seq++)
		f = frame_list_victim(s->frames, &s->links, &s->list[slot(seq)]);
	return f;
}

/* A page moves at most once to where it belongs and once for its bit, so it ends. */
static uint32_t mglru_victim(void *state, uint32_t page)
{
	struct mglru *s = state;

	(void)page;
	for (;;) {
		uint32_t f;

		oldest_end(s);
		if (aging_due(s))
			age(s);
		oldest_end(s);
		f = nearest(s);
		if (f == VMM_NONE)
			return f;
		if (s->gen[f] != s->in[f]) {
			move(s, f, s->gen[f]);
		} else if (frame_referenced(s->frames, f)) {
			frame_clear_referenced(s->frames, f);
			gen_set(s, f, s->max_seq);
			move(s, f, s->gen[f]);
		} else {
			return f;
		}
	}
}

/* It begins again in the youngest generation. */
static void mglru_reject(void *state, uint32_t f)
{
	struct mglru *s = state;

	gen_set(s, f, s->max_seq);
	move(s, f, s->gen[f]);
}

static void mglru_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct mglru *s = state;

	(void)page;
	(void)why;
	if (f == VMM_NONE)
		return;
	frame_list_remove(&s->links, &s->list[s->in[f]], f);
	s->pages[s->gen[f]]--;
}

static void mglru_insert(void *state, uint32_t f, uint32_t page)
{
	struct mglru *s = state;

	(void)page;
	s->gen[f] = s->in[f] = (uint8_t)slot(s->max_seq);
	s->pages[s->gen[f]]++;
	frame_list_push_head(&s->links, &s->list[s->in[f]], f);
}

static int mglru_check(const void *state)
{
	const struct mglru *s = state;
	const struct frame_table *t = s->frames;
	uint32_t pages[MAX_NR_GENS] = { 0 }, total = 0;

	for (uint32_t l = 0; l < MAX_NR_GENS; l++) {
		if (frame_list_check(t, &s->links, &s->list[l]))
			return -EINVAL;
		for (uint32_t f = s->list[l].head; f != VMM_NONE; f = s->links.at[f].next) {
			if (s->in[f] != l)
				return -EINVAL;
			pages[s->gen[f]]++;
			total++;
		}
	}
	for (uint32_t g = 0; g < MAX_NR_GENS; g++)
		if (pages[g] != s->pages[g])
			return -EINVAL;
	if (s->max_seq - s->min_seq + 1 > MAX_NR_GENS || s->max_seq < s->min_seq + 1)
		return -EINVAL;
	return total == t->used + t->in_transit ? 0 : -EINVAL;
}

static const struct policy_ops mglru = {
	.abi = VMM_POLICY_ABI,
	.name = "mglru",
	.alias = "multi-gen-lru",
	.summary = "Linux's generations: page tables are walked when the oldest ones run out",
	.source = "Linux 6.1, mm/vmscan.c, include/linux/mm_inline.h: anonymous pages",
	.class = POLICY_R1,
	.order = 110,
	.create = mglru_create,
	.destroy = mglru_destroy,
	.victim = mglru_victim,
	.reject = mglru_reject,
	.remove = mglru_remove,
	.insert = mglru_insert,
	.check = mglru_check,
};
POLICY_REGISTER(mglru);
