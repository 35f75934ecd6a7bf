/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sieve.c - a queue in which nothing moves: new pages enter at the head, a hand goes from the tail to the head, clears
 * the bits of visited pages and evicts the first that was not visited.
 *
 * Survivors stay in place and the hand persists (this is what makes it differ from clock). The hand is the next page to
 * look at; VMM_NONE: start at the tail.
 */
#include "core/frame_list.h"
#include "core/policy.h"

struct sieve {
	struct frame_table *frames;
	struct frame_links links;
	struct frame_list queue;
	uint32_t hand;
};

static void sieve_destroy(void *state)
{
	struct sieve *s = state;

	frame_links_destroy(&s->links);
	free(s);
}

static int sieve_create(void **state, const struct policy_env *env)
{
	struct sieve *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->queue = FRAME_LIST_EMPTY;
	s->hand = VMM_NONE;
	if (frame_links_init(&s->links, env->frames->capacity)) {
		free(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

/* The first turn clears what it passes, so a second one finds a victim if there is any. */
static uint32_t sieve_victim(void *state, uint32_t page)
{
	struct sieve *s = state;
	uint64_t steps = 2 * (uint64_t)s->queue.count;

	(void)page;
	while (steps--) {
		uint32_t f = s->hand == VMM_NONE ? s->queue.tail : s->hand;

		s->hand = s->links.at[f].prev;
		if (!frame_evictable(s->frames, f))
			continue;
		if (!frame_referenced(s->frames, f))
			return f;
		frame_clear_referenced(s->frames, f);
	}
	return VMM_NONE;
}

/* The hand has passed it already. */
static void sieve_reject(void *state, uint32_t f)
{
	(void)state;
	(void)f;
}

static void sieve_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct sieve *s = state;

	(void)page;
	(void)why;
	if (f == VMM_NONE)
		return;
	if (s->hand == f)
		s->hand = s->links.at[f].prev;
	frame_list_remove(&s->links, &s->queue, f);
}

static void sieve_insert(void *state, uint32_t f, uint32_t page)
{
	struct sieve *s = state;

	(void)page;
	frame_list_push_head(&s->links, &s->queue, f);
}

static uint32_t sieve_peek(const void *state)
{
	const struct sieve *s = state;

	return s->hand == VMM_NONE ? s->queue.tail : s->hand;
}

static int sieve_check(const void *state)
{
	const struct sieve *s = state;

	if (s->hand != VMM_NONE &&
	    (s->hand >= s->frames->fresh || s->frames->page[s->hand] == VMM_NONE))
		return -EINVAL;
	return frame_list_check_all(s->frames, &s->links, &s->queue);
}

static const struct policy_ops sieve = {
	.abi = VMM_POLICY_ABI,
	.name = "sieve",
	.summary = "visited pages stay where they are; a hand from tail to head evicts the others",
	.source = "Y. Zhang et al., SIEVE is simpler than LRU, NSDI 2024",
	.class = POLICY_R0,
	.order = 80,
	.create = sieve_create,
	.destroy = sieve_destroy,
	.victim = sieve_victim,
	.reject = sieve_reject,
	.remove = sieve_remove,
	.insert = sieve_insert,
	.check = sieve_check,
	.peek = sieve_peek,
};
POLICY_REGISTER(sieve);
