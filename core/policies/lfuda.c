/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lfuda.c - LFU with dynamic aging: a page's key is its touches since it was loaded plus the cache's age at its last touch; the
 * lowest key goes, and the age becomes that key. Tie: the page touched longest ago.
 *
 * Loading is the first touch. An evicted page's touches are forgotten (in-cache counts, as in Squid). The age changes when
 * the victim leaves; a page that is unmapped does not change it.
 */
#include "core/frame_heap.h"
#include "core/policy_common.h"

struct lfuda {
	const struct frame_table *frames;
	struct frame_heap heap; /* major: key, minor: time of the last touch */
	uint64_t *touches;      /* by frame */
	uint64_t age, time;     /* time counts touches */
};

static void lfuda_destroy(void *state)
{
	struct lfuda *s = state;

	frame_heap_destroy(&s->heap);
	free(s->touches);
	free(s);
}

static int lfuda_create(void **state, const struct policy_env *env)
{
	struct lfuda *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->touches = calloc(env->frames->capacity, sizeof(*s->touches));
	if (!s->touches || frame_heap_init(&s->heap, env->frames->capacity)) {
		lfuda_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static uint32_t lfuda_victim(void *state, uint32_t page)
{
	struct lfuda *s = state;

	(void)page;
	return frame_heap_least(&s->heap, s->frames, NULL, NULL);
}

static void lfuda_touch(void *state, uint32_t f, bool write)
{
	struct lfuda *s = state;

	(void)write;
	frame_heap_change(&s->heap, f, s->age + ++s->touches[f], ++s->time);
}

/* The last of those with its key. */
static void lfuda_reject(void *state, uint32_t f)
{
	struct lfuda *s = state;

	frame_heap_change(&s->heap, f, frame_heap_item(&s->heap, f)->major, ++s->time);
}

static void lfuda_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct lfuda *s = state;

	(void)page;
	if (f == VMM_NONE)
		return;
	if (why == REMOVE_EVICT && frame_heap_item(&s->heap, f)->major > s->age)
		s->age = frame_heap_item(&s->heap, f)->major;
	frame_heap_remove(&s->heap, f);
}

static void lfuda_insert(void *state, uint32_t f, uint32_t page)
{
	struct lfuda *s = state;

	(void)page;
	s->touches[f] = 1;
	frame_heap_insert(&s->heap, f, s->age + 1, ++s->time);
}

static int lfuda_check(const void *state)
{
	const struct lfuda *s = state;

	if (s->heap.count != s->frames->used + s->frames->in_transit)
		return -EINVAL;
	return frame_heap_check(s->frames, &s->heap);
}

static const struct policy_ops lfuda = {
	.abi = VMM_POLICY_ABI,
	.name = "lfuda",
	.alias = "lfu-da",
	.summary = "LFU whose counts age: the fewest touches plus the age at the last one",
	.source =
		"M. Arlitt et al., Evaluating content management techniques for Web proxy caches, "
		"ACM SIGMETRICS Performance Evaluation Review 27(4), 2000",
	.class = POLICY_T,
	.order = 180,
	.create = lfuda_create,
	.destroy = lfuda_destroy,
	.victim = lfuda_victim,
	.reject = lfuda_reject,
	.remove = lfuda_remove,
	.insert = lfuda_insert,
	.touch = lfuda_touch,
	.check = lfuda_check,
};
POLICY_REGISTER(lfuda);
