/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lirs.c - low inter-reference recency set: most frames hold LIR pages, whose last two uses were close together; a few
 * hold HIR pages, which are evicted first.
 *
 * Stack S holds, last used at the head, all LIR pages, HIR pages that were used after the LIR page that was not used for the
 * longest time, and ids of such HIR pages that were evicted (history). Its tail is always a LIR page (pruning). Queue Q holds
 * all resident HIR pages, the next victim at the head. A HIR page that is used while it is in S, resident or not, becomes LIR;
 * when there are too many then, S's tail becomes HIR, out of S and at Q's tail. One that is used while it is in Q only
 * goes to S's head and Q's tail and demotes nobody.
 *
 * A node is a frame, or capacity + an entry of the history. The history is bounded: when S has more nodes than `stack`
 * percent of frames, the evicted page nearest to S's tail is forgotten. (The paper leaves S unbounded.) HIR pages have
 * max(1, hir percent) of the frames. While there are too few LIR pages, and when the cache is not yet full, a new page is LIR.
 * With one frame there is no LIR page and the policy is FIFO with an empty S.
 */
#include "core/ghost.h"
#include "core/policy_common.h"

enum { HIR, STACK };

#define IS_LIR 1u
#define IN_S 2u

struct lirs {
	const struct frame_table *frames;
	struct frame_links s_links, q_links;
	struct frame_list s; /* nodes, last used at the head */
	struct frame_list q; /* frames, next victim at the head */
	uint8_t *flags;      /* by frame: IS_LIR, IN_S */
	uint32_t lir_count, lir_max;
	uint64_t s_max;
	struct ghost ghost; /* evicted pages in S; the same order as in S */
	uint32_t known;     /* the page faulted on, when it was in S */
};

static void lirs_destroy(void *state)
{
	struct lirs *l = state;

	frame_links_destroy(&l->s_links);
	frame_links_destroy(&l->q_links);
	ghost_destroy(&l->ghost);
	free(l->flags);
	free(l);
}

static int lirs_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity;
	struct lirs *l = calloc(1, sizeof(*l));
	uint64_t history;

	if (!l)
		return -ENOMEM;
	l->frames = env->frames;
	l->s = l->q = FRAME_LIST_EMPTY;
	l->lir_max = frames - policy_share(frames, env->values[HIR]);
	l->s_max = (uint64_t)frames * env->values[STACK] / 100;
	l->known = VMM_NONE;
	/* S has at least lir_max resident nodes when it is full; a few more entries do no harm. */
	history = l->s_max + 1;
	l->flags = calloc(frames, sizeof(*l->flags));
	if (frames + history >= VMM_NONE || !l->flags ||
	    frame_links_init(&l->s_links, (uint32_t)(frames + history)) ||
	    frame_links_init(&l->q_links, frames) || ghost_init(&l->ghost, history, env)) {
		lirs_destroy(l);
		return -ENOMEM;
	}
	*state = l;
	return 0;
}

static bool is_history(const struct lirs *l, uint32_t node)
{
	return node >= l->frames->capacity;
}

static void s_leave(struct lirs *l, uint32_t f)
{
	frame_list_remove(&l->s_links, &l->s, f);
	l->flags[f] &= (uint8_t)~IN_S;
}

static void s_enter(struct lirs *l, uint32_t f)
{
	frame_list_push_head(&l->s_links, &l->s, f);
	l->flags[f] |= IN_S;
}

static void s_forget(struct lirs *l, uint32_t entry)
{
	frame_list_remove(&l->s_links, &l->s, l->frames->capacity + entry);
	ghost_remove(&l->ghost, entry);
}

/* Until the tail is a LIR page. */
static void prune(struct lirs *l)
{
	uint32_t n;

	while ((n = l->s.tail) != VMM_NONE) {
		if (is_history(l, n))
			s_forget(l, n - l->frames->capacity);
		else if (l->flags[n] & IS_LIR)
			break;
		else
			s_leave(l, n);
	}
}

static void s_bound(struct lirs *l)
{
	while (l->s.count > l->s_max && l->ghost.count)
		s_forget(l, l->ghost.lists[0].tail);
}

/* Too many LIR pages: the one that was not used for the longest time becomes HIR. */
static void demote(struct lirs *l)
{
	uint32_t f = l->s.tail;

	l->flags[f] &= (uint8_t)~IS_LIR;
	l->lir_count--;
	s_leave(l, f);
	frame_list_push_tail(&l->q_links, &l->q, f);
	prune(l);
}

static void lirs_fault(void *state, uint32_t page)
{
	struct lirs *l = state;
	uint32_t e = ghost_find(&l->ghost, page);

	l->known = VMM_NONE;
	if (e == VMM_NONE)
		return;
	l->known = page;
	s_forget(l, e);
}

/* Without a HIR page that can be taken (pins), the LIR page nearest to S's tail. */
static uint32_t lirs_victim(void *state, uint32_t page)
{
	struct lirs *l = state;
	uint32_t f;

	(void)page;
	for (f = l->q.head; f != VMM_NONE; f = l->q_links.at[f].next)
		if (frame_evictable(l->frames, f))
			return f;
	for (f = l->s.tail; f != VMM_NONE; f = l->s_links.at[f].prev)
		if (!is_history(l, f) && frame_evictable(l->frames, f))
			return f;
	return VMM_NONE;
}

static void become_lir(struct lirs *l, uint32_t f)
{
	l->flags[f] |= IS_LIR;
	l->lir_count++;
	if (l->lir_count > l->lir_max)
		demote(l);
}

static void lirs_touch(void *state, uint32_t f, bool write)
{
	struct lirs *l = state;
	uint8_t flags = l->flags[f];
	bool was_tail = l->s.tail == f;

	(void)write;
	if (flags & IN_S)
		s_leave(l, f);
	if (l->lir_max) /* else S stays empty */
		s_enter(l, f);
	if (flags & IS_LIR) {
		if (was_tail)
			prune(l);
		return;
	}
	frame_list_remove(&l->q_links, &l->q, f);
	if (flags & IN_S) {
		become_lir(l, f);
		return;
	}
	frame_list_push_tail(&l->q_links, &l->q, f);
	prune(l);
	s_bound(l);
}

/* As if it had been used, but it stays what it is. */
static void lirs_reject(void *state, uint32_t f)
{
	struct lirs *l = state;

	if (l->flags[f] & IS_LIR)
		return;
	frame_list_remove(&l->q_links, &l->q, f);
	frame_list_push_tail(&l->q_links, &l->q, f);
}

/* The evicted page's id takes its place in S. */
static void s_replace(struct lirs *l, uint32_t f, uint32_t page)
{
	uint32_t e = ghost_add(&l->ghost, 0, page);

	frame_list_insert(&l->s_links, &l->s, l->frames->capacity + e, f);
}

static void lirs_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct lirs *l = state;
	uint32_t e;

	if (f == VMM_NONE) {
		e = ghost_find(&l->ghost, page);
		if (e != VMM_NONE)
			s_forget(l, e);
		if (l->known == page)
			l->known = VMM_NONE;
		return;
	}
	if (!(l->flags[f] & IS_LIR)) {
		frame_list_remove(&l->q_links, &l->q, f);
		if (l->flags[f] & IN_S && why == REMOVE_EVICT)
			s_replace(l, f, page);
	} else {
		l->lir_count--;
	}
	if (l->flags[f] & IN_S)
		s_leave(l, f);
	l->flags[f] = 0;
	prune(l);
	s_bound(l);
}

static void lirs_insert(void *state, uint32_t f, uint32_t page)
{
	struct lirs *l = state;
	bool known = l->known == page;

	l->known = VMM_NONE;
	l->flags[f] = 0;
	if (l->lir_max)
		s_enter(l, f);
	if (l->lir_max && (known || l->lir_count < l->lir_max)) {
		become_lir(l, f);
	} else {
		frame_list_push_tail(&l->q_links, &l->q, f);
		prune(l);
	}
	s_bound(l);
}

static void lirs_recall(const void *state, uint32_t note)
{
	ghost_prefetch(&((const struct lirs *)state)->ghost, note);
}

static int lirs_check(const void *state)
{
	const struct lirs *l = state;
	const struct frame_table *t = l->frames;
	uint64_t lir = 0, history = 0, n = 0;

	if (frame_list_check(t, &l->q_links, &l->q) || ghost_check(&l->ghost))
		return -EINVAL;
	for (uint32_t f = l->q.head; f != VMM_NONE; f = l->q_links.at[f].next)
		if (l->flags[f] & IS_LIR)
			return -EINVAL;
	for (uint32_t i = l->s.head; i != VMM_NONE; i = l->s_links.at[i].next) {
		if (n++ > l->s.count)
			return -EINVAL;
		if (is_history(l, i)) {
			history++;
			continue;
		}
		if (i >= t->fresh || t->page[i] == VMM_NONE || !(l->flags[i] & IN_S))
			return -EINVAL;
		lir += l->flags[i] & IS_LIR;
	}
	if (n != l->s.count || history != l->ghost.count || lir != l->lir_count ||
	    lir > l->lir_max || lir + l->q.count != (uint64_t)t->used + t->in_transit)
		return -EINVAL;
	if (l->s.count && (is_history(l, l->s.tail) || !(l->flags[l->s.tail] & IS_LIR)))
		return -EINVAL;
	return l->s.count > l->s_max && history ? -EINVAL : 0;
}

static const struct policy_param lirs_params[] = {
	[HIR] = { "hir", 1, 1, 100, "frames for HIR pages, percent, at least 1 (paper: 1)" },
	[STACK] = { "stack", 200, 100, 100000,
		    "most nodes in S, percent of frames: what bounds the history (paper: unbounded)" },
	{ 0 },
};

static const struct policy_ops lirs = {
	.abi = VMM_POLICY_ABI,
	.name = "lirs",
	.summary = "keeps pages whose last two uses were close together",
	.source = "S. Jiang, X. Zhang, LIRS: an efficient low inter-reference recency set "
		  "replacement policy, SIGMETRICS 2002",
	.class = POLICY_T,
	.params = lirs_params,
	.order = 230,
	.create = lirs_create,
	.destroy = lirs_destroy,
	.fault = lirs_fault,
	.victim = lirs_victim,
	.reject = lirs_reject,
	.remove = lirs_remove,
	.insert = lirs_insert,
	.touch = lirs_touch,
	.check = lirs_check,
	.recall = lirs_recall,
};
POLICY_REGISTER(lirs);
