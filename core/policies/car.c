/* SPDX-License-Identifier: Apache-2.0 */
/*
 * car.c - clock with adaptive replacement: ARC whose lists T1 and T2 are clocks, so that a hit only sets a bit. B1 and B2
 * remember what was evicted from them; p, a real number, is how long T1 should be.
 *
 * While |T1| >= max(1, p) the page under T1's hand is looked at: unreferenced it goes, referenced it moves behind T2's hand and
 * loses its bit. Otherwise the page under T2's hand: unreferenced it goes, else it goes once more round T2. A page of B1
 * or B2 that comes back enters T2; then p grows by max(1, |B2|/|B1|), or shrinks by max(1, |B1|/|B2|), with the lengths after the
 * victim has left (unlike ARC) and before the page leaves its list. A page that is in neither enters T1, after the
 * oldest of B1 was dropped if |T1| + |B1| = frames, else the oldest of B2 if all four have 2 frames pages.
 *
 * A clock is a queue: the hand is at the tail, what is behind it is the head.
 */
#include "core/ghost.h"
#include "core/policy_common.h"

enum {
	T1,
	T2,
	LISTS
}; /* and the history of each, B1 and B2, in the ghost list of the same number */

struct car {
	struct frame_table *frames;
	struct frame_links links;
	struct frame_list list[LISTS];
	uint8_t *where; /* by frame: list */
	struct ghost ghost;
	double p;
};

static void car_destroy(void *state)
{
	struct car *s = state;

	frame_links_destroy(&s->links);
	ghost_destroy(&s->ghost);
	free(s->where);
	free(s);
}

static int car_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity;
	struct car *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->list[T1] = s->list[T2] = FRAME_LIST_EMPTY;
	s->where = calloc(frames, sizeof(*s->where));
	if (!s->where || frame_links_init(&s->links, frames) ||
	    ghost_init(&s->ghost, 2 * (uint64_t)frames, env)) {
		car_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static void move(struct car *s, uint32_t f, int to)
{
	frame_list_remove(&s->links, &s->list[s->where[f]], f);
	frame_list_push_head(&s->links, &s->list[to], f);
	s->where[f] = (uint8_t)to;
}

/* The page under the hand that is to move, or under the other when nothing of that clock is evictable. */
static uint32_t under_hand(const struct car *s)
{
	double least = s->p > 1 ? s->p : 1;
	int from = s->list[T1].count >= least ? T1 : T2;
	uint32_t f = frame_list_victim(s->frames, &s->links, &s->list[from]);

	return f != VMM_NONE ? f : frame_list_victim(s->frames, &s->links, &s->list[!from]);
}

/* Every step clears a bit, so it ends. Frames that are not evictable are passed over and keep their place. */
static uint32_t car_victim(void *state, uint32_t page)
{
	struct car *s = state;
	uint32_t f;

	(void)page;
	for (;;) {
		f = under_hand(s);
		if (f == VMM_NONE || !frame_referenced(s->frames, f))
			return f;
		frame_clear_referenced(s->frames, f);
		move(s, f, T2);
	}
}

/* Behind the hand again. */
static void car_reject(void *state, uint32_t f)
{
	struct car *s = state;

	move(s, f, s->where[f]);
}

static void car_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct car *s = state;

	if (f == VMM_NONE) {
		ghost_forget(&s->ghost, page);
		return;
	}
	frame_list_remove(&s->links, &s->list[s->where[f]], f);
	if (why == REMOVE_EVICT)
		ghost_add(&s->ghost, s->where[f], page);
}

static void adapt(struct car *s, int hit)
{
	double ratio = (double)s->ghost.lists[!hit].count / s->ghost.lists[hit].count;
	double frames = s->frames->capacity;

	if (ratio < 1)
		ratio = 1;
	s->p += hit == T1 ? ratio : -ratio;
	s->p = s->p < 0 ? 0 : s->p > frames ? frames : s->p;
}

static void car_insert(void *state, uint32_t f, uint32_t page)
{
	struct car *s = state;
	uint32_t e = ghost_find(&s->ghost, page), frames = s->frames->capacity;

	if (e != VMM_NONE) {
		adapt(s, ghost_list(&s->ghost, e));
		ghost_remove(&s->ghost, e);
	} else if (s->list[T1].count + s->ghost.lists[T1].count >= frames) {
		ghost_drop_oldest(&s->ghost, T1);
	} else if ((uint64_t)s->list[T1].count + s->list[T2].count + s->ghost.count >=
		   2ull * frames) {
		ghost_drop_oldest(&s->ghost, T2);
	}
	s->where[f] = e != VMM_NONE ? T2 : T1;
	frame_list_push_head(&s->links, &s->list[s->where[f]], f);
}

static int car_check(const void *state)
{
	const struct car *s = state;
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

static const struct policy_ops car = {
	.abi = VMM_POLICY_ABI,
	.name = "car",
	.alias = "clock-adaptive-replacement",
	.summary = "ARC with clocks: hits only set a bit",
	.source = "S. Bansal, D. S. Modha, CAR: clock with adaptive replacement, FAST 2004",
	.class = POLICY_R0,
	.order = 90,
	.create = car_create,
	.destroy = car_destroy,
	.victim = car_victim,
	.reject = car_reject,
	.remove = car_remove,
	.insert = car_insert,
	.check = car_check,
};
POLICY_REGISTER(car);
