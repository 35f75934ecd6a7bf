/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fifo.c - first in, first out: evicts the page that was loaded longest ago.
 *
 * One list, oldest at the head. A victim that could not be taken goes to the tail, as if loaded now.
 */
#include "core/frame_list.h"
#include "core/policy.h"

struct fifo {
	const struct frame_table *frames;
	struct frame_links links;
	struct frame_list queue;
};

static void fifo_destroy(void *state)
{
	struct fifo *s = state;

	frame_links_destroy(&s->links);
	free(s);
}

static int fifo_create(void **state, const struct policy_env *env)
{
	struct fifo *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->queue = FRAME_LIST_EMPTY;
	if (frame_links_init(&s->links, env->frames->capacity)) {
		free(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static uint32_t fifo_victim(void *state, uint32_t page)
{
	struct fifo *s = state;
	uint32_t f = s->queue.head;

	(void)page;
	while (f != VMM_NONE && !frame_evictable(s->frames, f))
		f = s->links.at[f].next;
	return f;
}

static void fifo_reject(void *state, uint32_t f)
{
	struct fifo *s = state;

	frame_list_remove(&s->links, &s->queue, f);
	frame_list_push_tail(&s->links, &s->queue, f);
}

static void fifo_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct fifo *s = state;

	(void)page;
	(void)why;
	if (f != VMM_NONE)
		frame_list_remove(&s->links, &s->queue, f);
}

static void fifo_insert(void *state, uint32_t f, uint32_t page)
{
	struct fifo *s = state;

	(void)page;
	frame_list_push_tail(&s->links, &s->queue, f);
}

static int fifo_check(const void *state)
{
	const struct fifo *s = state;

	return frame_list_check_all(s->frames, &s->links, &s->queue);
}

static const struct policy_ops fifo = {
	.abi = VMM_POLICY_ABI,
	.name = "fifo",
	.summary = "evicts the page that was loaded longest ago",
	.source = "L. A. Belady, A study of replacement algorithms for a virtual-storage computer, "
		  "IBM Systems Journal 5(2), 1966",
	.class = POLICY_F,
	.order = 10,
	.create = fifo_create,
	.destroy = fifo_destroy,
	.victim = fifo_victim,
	.reject = fifo_reject,
	.remove = fifo_remove,
	.insert = fifo_insert,
	.check = fifo_check,
};
POLICY_REGISTER(fifo);
