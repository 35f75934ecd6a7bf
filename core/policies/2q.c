/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 2q.c - the full version of 2Q: new pages pass a FIFO (A1in), ids of those evicted from it are kept (A1out), and a page that
 * comes back while its id is there enters an LRU stack (Am).
 *
 * Hits in A1in do nothing. A page is taken from A1in when that is longer than Kin, or Am is empty; else from Am, and then
 * it is not remembered. A page leaves A1out when it is faulted on, before a victim is chosen. With few frames Kin and Kout
 * are at least 1; nothing bounds Am but the frames.
 */
#include "core/ghost.h"
#include "core/policy_common.h"

enum { KIN, KOUT };

enum { A1IN, AM, LISTS };

struct twoq {
	const struct frame_table *frames;
	struct frame_links links;
	struct frame_list list[LISTS]; /* newest, or last used, at the head */
	uint8_t *where;                /* by frame: list */
	uint32_t kin;
	struct ghost a1out;
	uint32_t known; /* the page faulted on, when A1out knew it */
};

static void twoq_destroy(void *state)
{
	struct twoq *s = state;

	frame_links_destroy(&s->links);
	ghost_destroy(&s->a1out);
	free(s->where);
	free(s);
}

static int twoq_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity;
	struct twoq *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->list[A1IN] = s->list[AM] = FRAME_LIST_EMPTY;
	s->kin = policy_share(frames, env->values[KIN]);
	s->known = VMM_NONE;
	s->where = calloc(frames, sizeof(*s->where));
	if (!s->where || frame_links_init(&s->links, frames) ||
	    ghost_init(&s->a1out, policy_share(frames, env->values[KOUT]), env)) {
		twoq_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static void twoq_fault(void *state, uint32_t page)
{
	struct twoq *s = state;

	s->known = ghost_forget(&s->a1out, page) ? page : VMM_NONE;
}

static uint32_t twoq_victim(void *state, uint32_t page)
{
	struct twoq *s = state;
	int from = s->list[A1IN].count > s->kin || !s->list[AM].count ? A1IN : AM;
	uint32_t f = frame_list_victim(s->frames, &s->links, &s->list[from]);

	(void)page;
	return f != VMM_NONE ? f : frame_list_victim(s->frames, &s->links, &s->list[!from]);
}

static void twoq_touch(void *state, uint32_t f, bool write)
{
	struct twoq *s = state;

	(void)write;
	if (s->where[f] == AM)
		frame_list_move_head(&s->links, &s->list[AM], f);
}

/* It begins again at the head of its list. */
static void twoq_reject(void *state, uint32_t f)
{
	struct twoq *s = state;

	frame_list_move_head(&s->links, &s->list[s->where[f]], f);
}

static void twoq_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct twoq *s = state;

	if (f == VMM_NONE) {
		ghost_forget(&s->a1out, page);
		if (s->known == page)
			s->known = VMM_NONE;
		return;
	}
	frame_list_remove(&s->links, &s->list[s->where[f]], f);
	if (why == REMOVE_EVICT && s->where[f] == A1IN)
		ghost_add(&s->a1out, 0, page);
}

static void twoq_insert(void *state, uint32_t f, uint32_t page)
{
	struct twoq *s = state;

	s->where[f] = s->known == page ? AM : A1IN;
	s->known = VMM_NONE;
	frame_list_push_head(&s->links, &s->list[s->where[f]], f);
}

static void twoq_recall(const void *state, uint32_t note)
{
	ghost_prefetch(&((const struct twoq *)state)->a1out, note);
}

static int twoq_check(const void *state)
{
	const struct twoq *s = state;
	const struct frame_table *t = s->frames;

	for (int l = 0; l < LISTS; l++) {
		if (frame_list_check(t, &s->links, &s->list[l]))
			return -EINVAL;
		for (uint32_t f = s->list[l].head; f != VMM_NONE; f = s->links.at[f].next)
			if (s->where[f] != l || ghost_find(&s->a1out, t->page[f]) != VMM_NONE)
				return -EINVAL;
	}
	if (s->list[A1IN].count + s->list[AM].count != t->used + t->in_transit)
		return -EINVAL;
	return ghost_check(&s->a1out);
}

static const struct policy_param twoq_params[] = {
	[KIN] = { "kin", 25, 1, 100, "length of A1in, percent of frames (paper: 25)" },
	[KOUT] = { "kout", 50, 1, 1000, "ids in A1out, percent of frames (paper: 50)" },
	{ 0 },
};

static const struct policy_ops twoq = {
	.abi = VMM_POLICY_ABI,
	.name = "2q",
	.alias = "twoq",
	.summary = "new pages pass a FIFO; those that come back soon after it enter an LRU stack",
	.source = "T. Johnson, D. Shasha, 2Q: a low overhead high performance buffer management "
		  "replacement algorithm, VLDB 1994 (full version)",
	.class = POLICY_T,
	.params = twoq_params,
	.order = 210,
	.create = twoq_create,
	.destroy = twoq_destroy,
	.fault = twoq_fault,
	.victim = twoq_victim,
	.reject = twoq_reject,
	.remove = twoq_remove,
	.insert = twoq_insert,
	.touch = twoq_touch,
	.check = twoq_check,
	.recall = twoq_recall,
};
POLICY_REGISTER(twoq);
