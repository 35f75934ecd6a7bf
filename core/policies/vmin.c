/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmin.c - the optimal policy with variable allocation: after each reference the page stays when it is used again within
 * tau, and is given back at once otherwise. No policy makes fewer faults with as small a mean resident size.
 *
 * It makes the faults of ws with the same tau, in less memory. The frames are a cap: when one is needed, a page that was to be
 * given back and could not (pinned) goes first, the longest waiting; else the page whose next use is farthest away, as
 * opt does. With variable=0 nothing is given back until a frame is needed.
 */
#include "core/frame_heap.h"
#include "core/frame_list.h"
#include "core/policy_common.h"

enum { TAU, VARIABLE };

struct vmin {
	const struct frame_table *frames;
	const uint64_t *now, *next_use;
	uint64_t tau;
	bool variable;
	struct frame_heap keep; /* major: UINT64_MAX - next use */
	struct frame_links links;
	struct frame_list leaving; /* not used again within tau; longest waiting at the tail */
};

static void vmin_destroy(void *state)
{
	struct vmin *s = state;

	frame_heap_destroy(&s->keep);
	frame_links_destroy(&s->links);
	free(s);
}

static int vmin_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity;
	struct vmin *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->now = env->now;
	s->next_use = env->next_use;
	s->tau = env->values[TAU] ? env->values[TAU] : 4 * (uint64_t)frames;
	s->variable = env->values[VARIABLE];
	s->leaving = FRAME_LIST_EMPTY;
	if (frame_heap_init(&s->keep, frames) || frame_links_init(&s->links, frames)) {
		vmin_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static uint32_t vmin_surplus(void *state)
{
	struct vmin *s = state;

	return s->variable ? frame_list_victim(s->frames, &s->links, &s->leaving) : VMM_NONE;
}

static uint32_t vmin_victim(void *state, uint32_t page)
{
	struct vmin *s = state;
	uint32_t f = frame_list_victim(s->frames, &s->links, &s->leaving);

	(void)page;
	return f != VMM_NONE ? f : frame_heap_least(&s->keep, s->frames, NULL, NULL);
}

static void vmin_reject(void *state, uint32_t f)
{
	struct vmin *s = state;

	if (!frame_heap_has(&s->keep, f))
		frame_list_move_head(&s->links, &s->leaving, f);
}

static void vmin_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct vmin *s = state;

	(void)page;
	(void)why;
	if (f == VMM_NONE)
		return;
	if (frame_heap_has(&s->keep, f))
		frame_heap_remove(&s->keep, f);
	else
		frame_list_remove(&s->links, &s->leaving, f);
}

static void vmin_insert(void *state, uint32_t f, uint32_t page)
{
	struct vmin *s = state;

	(void)page;
	if (*s->next_use == UINT64_MAX || *s->next_use - *s->now > s->tau)
		frame_list_push_head(&s->links, &s->leaving, f);
	else
		frame_heap_insert(&s->keep, f, UINT64_MAX - *s->next_use, 0);
}

static void vmin_touch(void *state, uint32_t f, bool write)
{
	(void)write;
	vmin_remove(state, f, VMM_NONE, REMOVE_EVICT);
	vmin_insert(state, f, VMM_NONE);
}

static int vmin_check(const void *state)
{
	const struct vmin *s = state;

	if (s->keep.count + s->leaving.count != s->frames->used + s->frames->in_transit)
		return -EINVAL;
	for (uint32_t f = s->leaving.head; f != VMM_NONE; f = s->links.at[f].next)
		if (frame_heap_has(&s->keep, f))
			return -EINVAL;
	if (frame_heap_check(s->frames, &s->keep))
		return -EINVAL;
	return frame_list_check(s->frames, &s->links, &s->leaving);
}

static const struct policy_param vmin_params[] = {
	[TAU] = { "tau", 0, 0, UINT64_MAX / 2,
		  "references within which a page must be used again to stay; 0: four times as many as "
		  "there are frames (paper: what a fault costs, in references a resident page)" },
	[VARIABLE] = { "variable", 1, 0, 1,
		       "1: what does not stay is given back at once, frames are a cap; 0: when a frame is "
		       "needed" },
	{ 0 },
};

static const struct policy_ops vmin = {
	.abi = VMM_POLICY_ABI,
	.name = "vmin",
	.summary =
		"keeps a page only if it is used again within tau: optimal with variable allocation",
	.source =
		"B. G. Prieve, R. S. Fabry, VMIN: an optimal variable-space page replacement algorithm, "
		"CACM 19(5), 1976",
	.class = POLICY_X,
	.params = vmin_params,
	.order = 290,
	.create = vmin_create,
	.destroy = vmin_destroy,
	.victim = vmin_victim,
	.reject = vmin_reject,
	.remove = vmin_remove,
	.insert = vmin_insert,
	.touch = vmin_touch,
	.check = vmin_check,
	.surplus = vmin_surplus,
};
POLICY_REGISTER(vmin);
