/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skeleton.c - copy this file to write a policy: say here what it evicts, and what holds between calls.
 *
 * It compiles and works: a last-in-first-out stack, the simplest thing that shows every callback. The order of calls
 * and the rules are in core/policy.h. Rename everything, choose a class, and remove these comments. Nothing else has to
 * be changed: POLICY_REGISTER at the bottom puts the policy into the list.
 *
 * Example of an invariant: the stack holds every frame that holds a page, the page loaded last at the head.
 */
#include "core/frame_list.h"
#include "core/policy.h"

/* All state. Arrays by frame number (capacity entries) and history by page id with a bound you can name. */
struct skeleton {
	struct frame_table *frames;
	struct frame_links links;
	struct frame_list stack;
	uint64_t depth; /* the parameter */
};

static void skeleton_destroy(void *state)
{
	struct skeleton *s = state;

	frame_links_destroy(&s->links);
	free(s);
}

/* The only place that allocates. Use calloc: capacity may be millions and memory should be touched lazily. */
static int skeleton_create(void **state, const struct policy_env *env)
{
	struct skeleton *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->depth = env->values[0]; /* in the order of the table of parameters */
	s->stack = FRAME_LIST_EMPTY;
	if (frame_links_init(&s->links, env->frames->capacity)) {
		free(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

/* A page needs a frame; before any victim is chosen. For policies that learn from history; NULL otherwise. */
static void skeleton_fault(void *state, uint32_t page)
{
	(void)state;
	(void)page;
}

/*
 * Returns a frame for which frame_evictable() holds, VMM_NONE when there is none. Must end when everything is pinned.
 * Here, and nowhere else, reference bits may be cleared with frame_clear_referenced():
 * live that unmaps the page, so clear no more than the policy asks for. Never change bits in any other way.
 */
static uint32_t skeleton_victim(void *state, uint32_t page)
{
	struct skeleton *s = state;
	uint32_t best = VMM_NONE;
	uint64_t seen = 0;

	(void)page; /* the page that needs the frame; VMM_NONE when room is made for none yet */
	for (uint32_t f = s->stack.head; f != VMM_NONE; f = s->links.at[f].next) {
		if (!frame_evictable(s->frames, f))
			continue;
		best = f;
		if (seen++ == s->depth)
			break;
	}
	return best;
}

/* The victim could not be taken (a device has it pinned). Put it where it is not the next choice again. */
static void skeleton_reject(void *state, uint32_t frame)
{
	struct skeleton *s = state;

	frame_list_remove(&s->links, &s->stack, frame);
	frame_list_push_tail(&s->links, &s->stack, frame);
}

/*
 * The page left the frame. Only REMOVE_EVICT may leave history. frame is VMM_NONE for a page that goes without being
 * resident: forget its history, because its id will name another page.
 */
static void skeleton_remove(void *state, uint32_t frame, uint32_t page, enum remove_why why)
{
	struct skeleton *s = state;

	(void)page;
	(void)why;
	if (frame != VMM_NONE)
		frame_list_remove(&s->links, &s->stack, frame);
}

/* The page is in the frame now. */
static void skeleton_insert(void *state, uint32_t frame, uint32_t page)
{
	struct skeleton *s = state;

	(void)page;
	frame_list_push_head(&s->links, &s->stack, frame);
}

/* 0, or -EINVAL when the policy's own state is broken. Runs after every step in debug builds and fuzzing. */
static int skeleton_check(const void *state)
{
	const struct skeleton *s = state;

	return frame_list_check_all(s->frames, &s->links, &s->stack);
}

/* Name, default, least, most, help with the unit and what the source says of it. */
static const struct policy_param skeleton_params[] = {
	{ "depth", 0, 0, UINT64_MAX, "evictable pages to pass over from the top of the stack" },
	{ 0 },
};

static const struct policy_ops skeleton = {
	.abi = VMM_POLICY_ABI,
	.name = "skeleton",
	.summary = "template for new policies: last in, first out",
	.source = "none",
	.class = POLICY_F, /* what the policy must see: see policy.h */
	.flags = POLICY_HIDDEN,
	.params = skeleton_params,
	.order = 1010,
	.create = skeleton_create,
	.destroy = skeleton_destroy,
	.fault = skeleton_fault,
	.victim = skeleton_victim,
	.reject = skeleton_reject,
	.remove = skeleton_remove,
	.insert = skeleton_insert,
	/* .touch: class T only */
	.check = skeleton_check,
};
POLICY_REGISTER(skeleton);
