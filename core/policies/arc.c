/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arc.c - adaptive replacement cache: T1 holds pages seen once recently, T2 pages seen at least twice, each an LRU stack; B1
 * and B2 remember what was evicted from them; p, a real number, is how long T1 should be.
 *
 * A fault on a page of B1 adds max(1, |B2|/|B1|) to p, one of B2 subtracts max(1, |B1|/|B2|), with the lengths before the page
 * leaves its list; p stays within [0, frames]. The victim is T1's last when |T1| > p, or |T1| = p and the page faulted on is
 * in B2; else T2's last. Bounds after every insertion: |T1| + |B1| <= frames, all four <= 2 frames: what is over is taken from the
 * end of B1, of B2. (The paper trims before REPLACE and never remembers the victim when B1 is empty and T1 has all frames;
 * the result is the same.)
 */
#include "core/ghost.h"
#include "core/policy_common.h"

enum {
	T1,
	T2,
	LISTS
}; /* and the history of each, B1 and B2, in the ghost list of the same number */

struct arc {
	const struct frame_table *frames;
	struct frame_links links;
	struct frame_list list[LISTS]; /* last used at the head */
	uint8_t *where;                /* by frame: list */
	struct ghost ghost;
	double p;
};

static void arc_destroy(void *state)
{
	struct arc *s = state;

	frame_links_destroy(&s->links);
	ghost_destroy(&s->ghost);
	free(s->where);
	free(s);
}

static int arc_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity;
	struct arc *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->list[T1] = s->list[T2] = FRAME_LIST_EMPTY;
	s->where = calloc(frames, sizeof(*s->where));
	if (!s->where || frame_links_init(&s->links, frames) ||
	    ghost_init(&s->ghost, 2 * (uint64_t)frames, env)) {
		arc_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static double step(const struct arc *s, int hit)
{
	double ratio = (double)s->ghost.lists[!hit].count / s->ghost.lists[hit].count;

	return ratio > 1 ? ratio : 1;
}

static void arc_fault(void *state, uint32_t page)
{
	struct arc *s = state;
	uint32_t e = ghost_find(&s->ghost, page);
	double frames = s->frames->capacity;

	if (e == VMM_NONE)
		return;
	if (ghost_list(&s->ghost, e) == T1) {
		s->p += step(s, T1);
		if (s->p > frames)
			s->p = frames;
	} else {
		s->p -= step(s, T2);
		if (s->p < 0)
			s->p = 0;
	}
}

static uint32_t arc_victim(void *state, uint32_t page)
{
	struct arc *s = state;
	uint32_t e = page == VMM_NONE ? VMM_NONE : ghost_find(&s->ghost, page), f;
	bool in_b2 = e != VMM_NONE && ghost_list(&s->ghost, e) == T2;
	double n = s->list[T1].count;
	int from = n >= 1 && (n > s->p || (in_b2 && n == s->p)) ? T1 : T2;

	f = frame_list_victim(s->frames, &s->links, &s->list[from]);
	return f != VMM_NONE ? f : frame_list_victim(s->frames, &s->links, &s->list[!from]);
}

static void arc_touch(void *state, uint32_t f, bool write)
{
	struct arc *s = state;

	(void)write;
	frame_list_remove(&s->links, &s->list[s->where[f]], f);
	frame_list_push_head(&s->links, &s->list[T2], f);
	s->where[f] = T2;
}

/* It begins again at the head of its list. */
static void arc_reject(void *state, uint32_t f)
{
	struct arc *s = state;

	frame_list_move_head(&s->links, &s->list[s->where[f]], f);
}

static void arc_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct arc *s = state;

	if (f == VMM_NONE) {
		ghost_forget(&s->ghost, page);
		return;
	}
	frame_list_remove(&s->links, &s->list[s->where[f]], f);
	if (why == REMOVE_EVICT)
		ghost_add(&s->ghost, s->where[f], page);
}

static void arc_insert(void *state, uint32_t f, uint32_t page)
{
	struct arc *s = state;
	uint32_t frames = s->frames->capacity;

	s->where[f] = ghost_forget(&s->ghost, page) ? T2 : T1;
	frame_list_push_head(&s->links, &s->list[s->where[f]], f);
	if (s->list[T1].count + s->ghost.lists[T1].count > frames)
		ghost_drop_oldest(&s->ghost, T1);
	if ((uint64_t)s->list[T1].count + s->list[T2].count + s->ghost.count > 2ull * frames)
		ghost_drop_oldest(&s->ghost, T2);
}

static uint32_t arc_peek(const void *state)
{
	const struct arc *s = state;

	return s->list[s->list[T1].count > s->p ? T1 : T2].tail;
}

static void arc_recall(const void *state, uint32_t note)
{
	ghost_prefetch(&((const struct arc *)state)->ghost, note);
}

static int arc_check(const void *state)
{
	const struct arc *s = state;
	const struct frame_table *t = s->frames;

	for (int l = 0; l < LISTS; l++) {
		if (frame_list_check(t, &s->links, &s->list[l]))
			return -EINVAL;
		for (uint32_t f = s->list[l].head; f != VMM_NONE; f = s->links.at[f].next)
			if (s->where[f] != l || ghost_find(&s->ghost, t->page[f]) != VMM_NONE)
				return -EINVAL;
	}
	if (s->list[T1].count + s->list[T2].count != t->used + t->in_transit ||
	    (uint64_t)s->list[T1].count + s->ghost.lists[T1].count > t->capacity || s->p < 0 ||
	    s->p > t->capacity)
		return -EINVAL;
	return ghost_check(&s->ghost);
}

static const struct policy_ops arc = {
	.abi = VMM_POLICY_ABI,
	.name = "arc",
	.summary = "balances recency and frequency by what it evicted wrongly",
	.source = "N. Megiddo, D. S. Modha, ARC: a self-tuning, low overhead replacement cache, "
		  "FAST 2003",
	.class = POLICY_T,
	.order = 220,
	.create = arc_create,
	.destroy = arc_destroy,
	.fault = arc_fault,
	.victim = arc_victim,
	.reject = arc_reject,
	.remove = arc_remove,
	.insert = arc_insert,
	.touch = arc_touch,
	.check = arc_check,
	.recall = arc_recall,
	.peek = arc_peek,
};
POLICY_REGISTER(arc);
