/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws.c - working set: a page that was not used within the last tau units of virtual time is out of the set and goes.
 *
 * The time of last use of a page is when it was loaded, or the last moment before a sample that found its bit set. A sample
 * is due every `sample` units and is taken when a victim is chosen, or at once with variable allocation: it notes
 * the time for each referenced page and clears the bit. A page whose bit is set now is in the set, and its age is 0.
 *
 * Victims, from the page used longest ago on (order of loading, frame number within one sample):
 *   1  out of the set (age > tau) and clean, or its write was scheduled before; for the dirty ones that are passed a
 *      write is scheduled now: one of them can go at the next choice
 *   2  all in the set or being written: the oldest clean page in the set, whose bit is clear; else the oldest whose bit
 *      is clear; else the oldest
 *
 * Allocation is variable in the simulator: after each reference pages as in 1 are given back without need, and the frames
 * are a cap. With sample=1 the faults are those of Denning's definition: a page is in the set after a reference when one of
 * the last tau references was to it. With variable=0, and live, pages go only when a frame is needed.
 */
#include "core/frame_list.h"
#include "core/policy_common.h"

enum { TAU, SAMPLE, VARIABLE };

struct ws {
	struct frame_table *frames;
	const uint64_t *now;
	uint64_t tau, sample, last_sample; /* virtual time */
	bool variable;
	struct frame_links links;
	struct frame_list by_use; /* used longest ago at the head */
	uint64_t *used;           /* by frame: time of last use */
	uint8_t *scheduled;       /* by frame: 1 when a write was scheduled */
};

static void ws_destroy(void *state)
{
	struct ws *s = state;

	frame_links_destroy(&s->links);
	free(s->used);
	free(s->scheduled);
	free(s);
}

static int ws_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity;
	struct ws *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->now = env->now;
	s->tau = env->values[TAU] ? env->values[TAU] : 4 * (uint64_t)frames;
	s->sample = env->values[SAMPLE] ? env->values[SAMPLE] : (s->tau + 3) / 4;
	s->variable = env->values[VARIABLE];
	s->by_use = FRAME_LIST_EMPTY;
	s->used = calloc(frames, sizeof(*s->used));
	s->scheduled = calloc(frames, sizeof(*s->scheduled));
	if (!s->used || !s->scheduled || frame_links_init(&s->links, frames)) {
		ws_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static void use(struct ws *s, uint32_t f, uint64_t time)
{
	s->used[f] = time;
	frame_list_push_tail(&s->links, &s->by_use, f);
}

static void take_sample(struct ws *s)
{
	struct frame_table *t = s->frames;
	uint64_t last_reference = *s->now ? *s->now - 1 : 0;

	if (*s->now - s->last_sample < s->sample)
		return;
	s->last_sample = *s->now;
	for (uint32_t f = 0; f < t->fresh; f++) {
		if (!frame_evictable(t, f) || !frame_referenced(t, f))
			continue;
		frame_list_remove(&s->links, &s->by_use, f);
		use(s, f, last_reference);
		s->scheduled[f] = 0;
		frame_clear_referenced(t, f);
	}
}

static bool clean(const struct ws *s, uint32_t f)
{
	return !frame_dirty(s->frames, f) || s->scheduled[f];
}

static uint32_t out_of_set(struct ws *s)
{
	for (uint32_t f = s->by_use.head; f != VMM_NONE; f = s->links.at[f].next) {
		if (*s->now - s->used[f] <= s->tau)
			break;
		if (!frame_evictable(s->frames, f) || frame_referenced(s->frames, f))
			continue;
		if (clean(s, f))
			return f;
		s->scheduled[f] = 1;
	}
	return VMM_NONE;
}

static uint32_t ws_victim(void *state, uint32_t page)
{
	struct ws *s = state;
	uint32_t unreferenced = VMM_NONE, any = VMM_NONE, f;

	(void)page;
	take_sample(s);
	f = out_of_set(s);
	if (f != VMM_NONE)
		return f;
	for (f = s->by_use.head; f != VMM_NONE; f = s->links.at[f].next) {
		if (!frame_evictable(s->frames, f))
			continue;
		if (any == VMM_NONE)
			any = f;
		if (frame_referenced(s->frames, f))
			continue;
		if (unreferenced == VMM_NONE)
			unreferenced = f;
		if (!frame_dirty(s->frames, f))
			return f;
	}
	return unreferenced != VMM_NONE ? unreferenced : any;
}

static uint32_t ws_surplus(void *state)
{
	struct ws *s = state;

	if (!s->variable)
		return VMM_NONE;
	take_sample(s);
	return out_of_set(s);
}

static void ws_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct ws *s = state;

	(void)page;
	(void)why;
	if (f != VMM_NONE)
		frame_list_remove(&s->links, &s->by_use, f);
}

static void ws_insert(void *state, uint32_t f, uint32_t page)
{
	struct ws *s = state;

	(void)page;
	s->scheduled[f] = 0;
	use(s, f, *s->now);
}

static int ws_check(const void *state)
{
	const struct ws *s = state;
	uint64_t before = 0;

	for (uint32_t f = s->by_use.head; f != VMM_NONE; f = s->links.at[f].next) {
		if (s->used[f] + 1 < before || s->used[f] > *s->now)
			return -EINVAL;
		before = s->used[f];
	}
	return frame_list_check_all(s->frames, &s->links, &s->by_use);
}

static const struct policy_param ws_params[] = {
	[TAU] = { "tau", 0, 0, UINT64_MAX / 2,
		  "the set's window, references (sim) or faults (run); 0: four times as many as there "
		  "are frames (the paper leaves it open)" },
	[SAMPLE] = { "sample", 0, 0, UINT64_MAX,
		     "virtual time between samples of the reference bits; 0: a quarter of tau" },
	[VARIABLE] = { "variable", 1, 0, 1,
		       "1: pages out of the set are given back at once, frames are a cap (sim only); 0: when "
		       "a frame is needed" },
	{ 0 },
};

static const struct policy_ops ws = {
	.abi = VMM_POLICY_ABI,
	.name = "ws",
	.alias = "working-set",
	.summary = "evicts a clean page that was not used for tau; schedules writes of dirty ones",
	.source =
		"P. J. Denning, The working set model for program behavior, CACM 11(5), 1968; with "
		"bits as in A. S. Tanenbaum, Modern Operating Systems",
	.class = POLICY_R1,
	.flags = POLICY_NEEDS_DIRTY,
	.params = ws_params,
	.order = 65,
	.create = ws_create,
	.destroy = ws_destroy,
	.victim = ws_victim,
	.reject = policy_reject_none,
	.remove = ws_remove,
	.insert = ws_insert,
	.check = ws_check,
	.surplus = ws_surplus,
};
POLICY_REGISTER(ws);
