/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3-fifo.c - three FIFO queues: a small one for new pages, a main one for pages that were used again, a ghost of ids.
 *
 * A page starts in the small queue with a count of 0, in the main queue when the ghost knows it. A touch adds 1 to the
 * count, up to 2^bits - 1. The tail of the small queue goes to the main queue when its count has reached `promote` (its
 * count starts again at 0) and is evicted into the ghost otherwise. The tail of the main queue is put back at its head, with
 * its count less 1, until one with a count of 0 is found; that one is evicted and not remembered. The main queue loses
 * a page when it is longer than frames - small, or the small one is empty; else the small queue does.
 *
 * With bits=1,promote=1 the count is the reference bit, so that the policy is of class R0. A page leaves the ghost when it is
 * faulted on, before a victim is chosen. While the cache fills for the first time new pages enter the small queue, whatever
 * its length (fill-main=0), or the main one once the small one is full (fill-main=1, the reference code since 2024).
 * With one frame the small queue has one place and the main one none.
 */
#include "core/ghost.h"
#include "core/policy_common.h"

enum { SMALL, GHOST, PROMOTE, BITS, FILL_MAIN };

enum { IN_SMALL, IN_MAIN, QUEUES };

struct s3fifo {
	struct frame_table *frames;
	struct frame_links links;
	struct frame_list queue[QUEUES]; /* newest at the head */
	uint8_t *where;                  /* by frame: queue */
	uint8_t *count;                  /* by frame; unused when bits are read */
	uint32_t small_max, main_max;
	uint32_t promote, count_max;
	bool use_bits, fill_main, evicted;
	struct ghost ghost;
	uint32_t known; /* the page faulted on, when the ghost knew it */
};

static void s3fifo_destroy(void *state)
{
	struct s3fifo *s = state;

	frame_links_destroy(&s->links);
	ghost_destroy(&s->ghost);
	free(s->where);
	free(s->count);
	free(s);
}

static int s3fifo_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity;
	struct s3fifo *s;

	if (env->values[PROMOTE] >= 1ull << env->values[BITS])
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->queue[IN_SMALL] = s->queue[IN_MAIN] = FRAME_LIST_EMPTY;
	s->small_max = policy_share(frames, env->values[SMALL]);
	s->main_max = frames - s->small_max;
	s->promote = (uint32_t)env->values[PROMOTE];
	s->count_max = (1u << env->values[BITS]) - 1;
	s->use_bits = env->values[BITS] == 1;
	s->fill_main = env->values[FILL_MAIN];
	s->known = VMM_NONE;
	s->where = calloc(frames, sizeof(*s->where));
	s->count = calloc(frames, sizeof(*s->count));
	if (!s->where || !s->count || frame_links_init(&s->links, frames) ||
	    ghost_init(&s->ghost, policy_share(frames, env->values[GHOST]), env)) {
		s3fifo_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static void s3fifo_fault(void *state, uint32_t page)
{
	struct s3fifo *s = state;

	s->known = ghost_forget(&s->ghost, page) ? page : VMM_NONE;
}

static uint32_t count_of(const struct s3fifo *s, uint32_t f)
{
	return s->use_bits ? frame_referenced(s->frames, f) : s->count[f];
}

static void count_set(struct s3fifo *s, uint32_t f, uint32_t count)
{
	if (!s->use_bits)
		s->count[f] = (uint8_t)count;
	else if (!count)
		frame_clear_referenced(s->frames, f);
}

static void move(struct s3fifo *s, uint32_t f, int to)
{
	frame_list_remove(&s->links, &s->queue[s->where[f]], f);
	frame_list_push_head(&s->links, &s->queue[to], f);
	s->where[f] = (uint8_t)to;
}

/* Promotes from the tail on until one has too small a count. VMM_NONE: none has. */
static uint32_t victim_small(struct s3fifo *s)
{
	uint32_t f = s->queue[IN_SMALL].tail, newer;

	for (; f != VMM_NONE; f = newer) {
		newer = s->links.at[f].prev;
		if (!frame_evictable(s->frames, f))
			continue;
		if (count_of(s, f) < s->promote)
			return f;
		count_set(s, f, 0);
		move(s, f, IN_MAIN);
	}
	return VMM_NONE;
}

/* Each turn takes 1 from every count, so one more turn than there are counts finds a victim if there is any. */
static uint32_t victim_main(struct s3fifo *s)
{
	for (uint32_t turn = 0; turn <= s->count_max; turn++) {
		uint32_t f = s->queue[IN_MAIN].tail, last = s->queue[IN_MAIN].head, newer;

		for (; f != VMM_NONE; f = newer) {
			bool end = f == last;

			newer = end ? VMM_NONE : s->links.at[f].prev;
			if (!frame_evictable(s->frames, f))
				continue;
			if (!count_of(s, f))
				return f;
			count_set(s, f, count_of(s, f) - 1);
			move(s, f, IN_MAIN);
		}
	}
	return VMM_NONE;
}

static uint32_t s3fifo_victim(void *state, uint32_t page)
{
	struct s3fifo *s = state;
	uint32_t f = VMM_NONE;

	(void)page;
	s->evicted = true;
	if (s->queue[IN_MAIN].count <= s->main_max)
		f = victim_small(s);
	if (f == VMM_NONE)
		f = victim_main(s);
	return f != VMM_NONE ? f : victim_small(s);
}

static void s3fifo_touch(void *state, uint32_t f, bool write)
{
	struct s3fifo *s = state;

	(void)write;
	if (s->count[f] < s->count_max)
		s->count[f]++;
}

/* It begins again at the head of its queue. */
static void s3fifo_reject(void *state, uint32_t f)
{
	struct s3fifo *s = state;

	move(s, f, s->where[f]);
}

static void s3fifo_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct s3fifo *s = state;

	if (f == VMM_NONE) {
		ghost_forget(&s->ghost, page);
		if (s->known == page)
			s->known = VMM_NONE;
		return;
	}
	frame_list_remove(&s->links, &s->queue[s->where[f]], f);
	if (why == REMOVE_EVICT && s->where[f] == IN_SMALL)
		ghost_add(&s->ghost, 0, page);
}

static void s3fifo_insert(void *state, uint32_t f, uint32_t page)
{
	struct s3fifo *s = state;
	bool small = s->known != page;

	if (small && s->fill_main && !s->evicted && s->queue[IN_SMALL].count >= s->small_max)
		small = false;
	s->known = VMM_NONE;
	s->count[f] = 0;
	s->where[f] = small ? IN_SMALL : IN_MAIN;
	frame_list_push_head(&s->links, &s->queue[s->where[f]], f);
}

static void s3fifo_recall(const void *state, uint32_t note)
{
	ghost_prefetch(&((const struct s3fifo *)state)->ghost, note);
}

static int s3fifo_check(const void *state)
{
	const struct s3fifo *s = state;
	const struct frame_table *t = s->frames;

	for (int q = 0; q < QUEUES; q++) {
		if (frame_list_check(t, &s->links, &s->queue[q]))
			return -EINVAL;
		for (uint32_t f = s->queue[q].head; f != VMM_NONE; f = s->links.at[f].next)
			if (s->where[f] != q || s->count[f] > s->count_max ||
			    ghost_find(&s->ghost, t->page[f]) != VMM_NONE)
				return -EINVAL;
	}
	if (s->queue[IN_SMALL].count + s->queue[IN_MAIN].count != t->used + t->in_transit)
		return -EINVAL;
	return ghost_check(&s->ghost);
}

static const struct policy_param s3fifo_params[] = {
	[SMALL] = { "small", 10, 1, 100,
		    "places of the small queue, percent of frames (paper: 10)" },
	[GHOST] = { "ghost", 90, 1, 1000,
		    "ids in the ghost, percent of frames (paper: as many as the main queue has places)" },
	[PROMOTE] = { "promote", 2, 1, 127,
		      "least count that moves a page from the small to the main queue; less than 2^bits "
		      "(paper: more than 1)" },
	[BITS] = { "bits", 2, 1, 7,
		   "width of the count (paper: 2); 1 with promote=1: the reference bit, class R0" },
	[FILL_MAIN] = { "fill-main", 0, 0, 1,
			"before the first eviction a new page enters 0: the small queue; 1: the main "
			"one when the small one is full (reference code since 2024)" },
	{ 0 },
};

static enum policy_class s3fifo_class(const uint64_t values[POLICY_PARAMS_MAX])
{
	return values[BITS] == 1 ? POLICY_R0 : POLICY_T;
}

static const struct policy_ops s3fifo = {
	.abi = VMM_POLICY_ABI,
	.name = "s3-fifo",
	.alias = "s3fifo",
	.summary = "new pages pass a small FIFO; those used again move to a main FIFO",
	.source = "J. Yang et al., FIFO queues are all you need for cache eviction, SOSP 2023",
	.class = POLICY_T,
	.class_of = s3fifo_class,
	.params = s3fifo_params,
	.order = 240,
	.create = s3fifo_create,
	.destroy = s3fifo_destroy,
	.fault = s3fifo_fault,
	.victim = s3fifo_victim,
	.reject = s3fifo_reject,
	.remove = s3fifo_remove,
	.insert = s3fifo_insert,
	.touch = s3fifo_touch,
	.check = s3fifo_check,
	.recall = s3fifo_recall,
};
POLICY_REGISTER(s3fifo);
