/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slru.c - segmented LRU: new pages enter a probationary segment; a touch moves a page to the protected one. Each is an LRU
 * stack; victims are taken from the probationary one.
 *
 * When the protected segment has more pages than its share, its last one goes to the head of the probationary segment.
 * When nothing is probationary the protected segment's last page is evicted. With one frame both have one place.
 */
#include "core/frame_list.h"
#include "core/policy_common.h"

enum { PROTECTED };

enum { PROBATION, PROTECT, SEGMENTS };

struct slru {
	const struct frame_table *frames;
	struct frame_links links;
	struct frame_list segment[SEGMENTS]; /* last used at the head */
	uint8_t *where;                      /* by frame: segment */
	uint32_t protected_max;
};

static void slru_destroy(void *state)
{
	struct slru *s = state;

	frame_links_destroy(&s->links);
	free(s->where);
	free(s);
}

static int slru_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity;
	struct slru *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->segment[PROBATION] = s->segment[PROTECT] = FRAME_LIST_EMPTY;
	s->protected_max = policy_share(frames, env->values[PROTECTED]);
	s->where = calloc(frames, sizeof(*s->where));
	if (!s->where || frame_links_init(&s->links, frames)) {
		slru_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static uint32_t slru_victim(void *state, uint32_t page)
{
	struct slru *s = state;
	uint32_t f = frame_list_victim(s->frames, &s->links, &s->segment[PROBATION]);

	(void)page;
	return f != VMM_NONE ? f : frame_list_victim(s->frames, &s->links, &s->segment[PROTECT]);
}

static void move(struct slru *s, uint32_t f, int to)
{
	frame_list_remove(&s->links, &s->segment[s->where[f]], f);
	frame_list_push_head(&s->links, &s->segment[to], f);
	s->where[f] = (uint8_t)to;
}

static void slru_touch(void *state, uint32_t f, bool write)
{
	struct slru *s = state;

	(void)write;
	move(s, f, PROTECT);
	if (s->segment[PROTECT].count > s->protected_max)
		move(s, s->segment[PROTECT].tail, PROBATION);
}

/* It begins again at the head of its segment. */
static void slru_reject(void *state, uint32_t f)
{
	struct slru *s = state;

	move(s, f, s->where[f]);
}

static void slru_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct slru *s = state;

	(void)page;
	(void)why;
	if (f != VMM_NONE)
		frame_list_remove(&s->links, &s->segment[s->where[f]], f);
}

static void slru_insert(void *state, uint32_t f, uint32_t page)
{
	struct slru *s = state;

	(void)page;
	s->where[f] = PROBATION;
	frame_list_push_head(&s->links, &s->segment[PROBATION], f);
}

static int slru_check(const void *state)
{
	const struct slru *s = state;
	const struct frame_table *t = s->frames;

	for (int i = 0; i < SEGMENTS; i++) {
		if (frame_list_check(t, &s->links, &s->segment[i]))
			return -EINVAL;
		for (uint32_t f = s->segment[i].head; f != VMM_NONE; f = s->links.at[f].next)
			if (s->where[f] != i)
				return -EINVAL;
	}
	if (s->segment[PROTECT].count > s->protected_max)
		return -EINVAL;
	return s->segment[PROBATION].count + s->segment[PROTECT].count == t->used + t->in_transit
		       ? 0
		       : -EINVAL;
}

static const struct policy_param slru_params[] = {
	[PROTECTED] = { "protected", 80, 1, 100,
			"most pages in the protected segment, percent of frames (the paper tunes it)" },
	{ 0 },
};

static const struct policy_ops slru = {
	.abi = VMM_POLICY_ABI,
	.name = "slru",
	.alias = "segmented-lru",
	.summary = "new pages are on probation; a touch moves a page to the protected segment",
	.source = "R. Karedla, J. S. Love, B. G. Wherry, Caching strategies to improve disk system "
		  "performance, IEEE Computer 27(3), 1994",
	.class = POLICY_T,
	.params = slru_params,
	.order = 200,
	.create = slru_create,
	.destroy = slru_destroy,
	.victim = slru_victim,
	.reject = slru_reject,
	.remove = slru_remove,
	.insert = slru_insert,
	.touch = slru_touch,
	.check = slru_check,
};
POLICY_REGISTER(slru);
