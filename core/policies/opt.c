/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opt.c - the optimal policy: evicts the page whose next use is farthest away. It must be told the next use of each page
 * that is referenced (policy_env.next_use), so it runs on traces only.
 *
 * A heap by next use, the farthest first: O(log n) a reference. Pages that are never used again tie; the one with the lowest
 * frame number goes. (The choice among them changes no fault, but may change how many victims are dirty.)
 */
#include "core/frame_heap.h"
#include "core/policy_common.h"

struct opt {
	const struct frame_table *frames;
	const uint64_t *next_use;
	struct frame_heap heap; /* major: UINT64_MAX - next use */
};

static void opt_destroy(void *state)
{
	struct opt *s = state;

	frame_heap_destroy(&s->heap);
	free(s);
}

static int opt_create(void **state, const struct policy_env *env)
{
	struct opt *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->next_use = env->next_use;
	if (frame_heap_init(&s->heap, env->frames->capacity)) {
		free(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static uint32_t opt_victim(void *state, uint32_t page)
{
	struct opt *s = state;

	(void)page;
	return frame_heap_least(&s->heap, s->frames, NULL, NULL);
}

static void opt_touch(void *state, uint32_t f, bool write)
{
	struct opt *s = state;

	(void)write;
	frame_heap_change(&s->heap, f, UINT64_MAX - *s->next_use, 0);
}

static void opt_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct opt *s = state;

	(void)page;
	(void)why;
	if (f != VMM_NONE)
		frame_heap_remove(&s->heap, f);
}

static void opt_insert(void *state, uint32_t f, uint32_t page)
{
	struct opt *s = state;

	(void)page;
	frame_heap_insert(&s->heap, f, UINT64_MAX - *s->next_use, 0);
}

static int opt_check(const void *state)
{
	const struct opt *s = state;

	if (s->heap.count != s->frames->used + s->frames->in_transit)
		return -EINVAL;
	return frame_heap_check(s->frames, &s->heap);
}

static const struct policy_ops opt = {
	.abi = VMM_POLICY_ABI,
	.name = "opt",
	.alias = "belady,min",
	.summary = "evicts the page whose next use is farthest away: the fewest faults possible",
	.source = "L. A. Belady, A study of replacement algorithms for a virtual-storage computer, "
		  "IBM Systems Journal 5(2), 1966",
	.class = POLICY_X,
	.order = 280,
	.create = opt_create,
	.destroy = opt_destroy,
	.victim = opt_victim,
	.reject = policy_reject_none,
	.remove = opt_remove,
	.insert = opt_insert,
	.touch = opt_touch,
	.check = opt_check,
};
POLICY_REGISTER(opt);
