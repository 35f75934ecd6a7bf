/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cacheus.c - two experts, SR-LRU (resists scans) and CR-LFU (resists churn), with weights; each eviction follows one of them,
 * drawn by weight. A fault on a page that an expert has evicted takes weight from that expert, at a learning rate that
 * adapts to the hit rate.
 *
 * SR-LRU   Resident pages are in one of two LRU lists: SR, of pages that were used again, and R, of new pages and of those
 *          that SR has *demoted*. A hit in R moves the page to SR. The expert's victim is R's least recently used page.
 *          sr_max + r_max = frames; r_max is `r` percent at first. A hit on a demoted page widens SR by news / demotions, a
 *          fault on a *new* page that SR-LRU has evicted widens R by demotions / news: rounded, at least 1, and each list
 *          keeps room for a page. `demotions` counts the demoted pages in R, `news` the new ones in SR-LRU's history.
 * CR-LFU   The victim has the fewest touches; tie: the page touched last.
 * history  Of each expert, `history` percent of frames pages, with their touches. A page that both experts name is
 *          remembered by neither. A page that comes back from a history enters SR, any other R.
 * weights  w(SR-LRU) + w(CR-LFU) = 1, 1/2 each at first, each within [0.01, 0.99]; a regret multiplies the expert's by
 *          exp(-rate).
 * rate     sqrt(2 ln 2 / frames) at first. Every `frames` references it moves on by its own last change, in the direction
 *          that was right for the hit rate; else, when the hit rate falls, by a random step; it starts again after ten
 *          periods that were for nothing. Changes of rate and of hit rate are looked at in thousandths.
 *
 * The paper has the experts, the weights and the hill climbing; what it leaves open is as in the authors' program (github.com/sylab/
 * cacheus): the counters of periods, the steps of 5/4 and 3/4, a page's touches that do not grow when it comes back,
 * which pages are new (those that met a full memory, also after they were used again) and the pages that
 * fill memory at first (R up to r_max, then new). Here shares of frames are rounded down, and a list that has nothing to
 * give is passed over (one frame; pinned pages): then SR's least recently used page goes.
 *
 * The draws take 53 bits of the seeded generator: SR-LRU below its weight; a random step is upwards below 1/2.
 */
#include "core/frame_heap.h"
#include "core/ghost.h"
#include "core/policy_common.h"

#include <math.h>

enum { RATE, HISTORY, R };

enum { LRU, LFU, EXPERTS };

/* Flags of a frame. */
#define IN_SR 1u
#define DEMOTED 2u /* never with IN_SR */
#define NEW 4u

#define WEIGHT_MAX 0.99
#define RATE_MIN 0.001
#define PERIODS_MAX 10u

/* Hill climbing on the hit rate. */
struct rate {
	double now, before, first; /* in this period; in the last one; after a restart */
	uint64_t period, references, hits;
	int64_t hit_before; /* thousandths */
	uint32_t idle, worse;
};

struct cacheus {
	struct frame_table *frames;
	struct frame_links links;
	struct frame_list sr, r; /* last used at the head */
	struct frame_heap heap;  /* major: touches, minor: UINT64_MAX - number of the last touch */
	uint64_t touches;
	uint32_t sr_max, r_max;
	uint32_t demotions, news;
	double weight_lru;
	struct rate rate;
	uint32_t history_max; /* of each expert */
	struct ghost ghost;   /* a list an expert */
	uint64_t *ghost_touches;
	uint8_t *ghost_new;
	uint8_t *flags, *by; /* by frame; by: who has chosen the victim in it; EXPERTS: both */
	uint32_t known;      /* the page faulted on, when it was remembered */
	uint64_t known_touches;
	bool met_full; /* memory was full at the last fault */
};

static void cacheus_destroy(void *state)
{
	struct cacheus *s = state;

	frame_links_destroy(&s->links);
	frame_heap_destroy(&s->heap);
	ghost_destroy(&s->ghost);
	free(s->ghost_touches);
	free(s->ghost_new);
	free(s->flags);
	free(s->by);
	free(s);
}

static void rate_init(struct rate *r, uint32_t frames, uint64_t thousandths)
{
	r->period = frames;
	r->now = thousandths ? (double)thousandths / 1000 : sqrt(2 * log(2) / frames);
	r->first = r->now > 1 ? 1 : r->now < RATE_MIN ? RATE_MIN : r->now;
}

static int cacheus_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity;
	struct cacheus *s = calloc(1, sizeof(*s));
	uint64_t history;

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->sr = s->r = FRAME_LIST_EMPTY;
	s->weight_lru = 0.5;
	s->known = VMM_NONE;
	s->r_max = policy_share(frames, env->values[R]);
	s->sr_max = frames - s->r_max;
	s->history_max = (uint32_t)((uint64_t)frames * env->values[HISTORY] / 100);
	rate_init(&s->rate, frames, env->values[RATE]);
	history = (uint64_t)s->history_max * EXPERTS;
	s->ghost_touches = calloc(history + 1, sizeof(*s->ghost_touches));
	s->ghost_new = calloc(history + 1, sizeof(*s->ghost_new));
	s->flags = calloc(frames, sizeof(*s->flags));
	s->by = calloc(frames, sizeof(*s->by));
	if (!s->ghost_touches || !s->ghost_new || !s->flags || !s->by ||
	    frame_links_init(&s->links, frames) || frame_heap_init(&s->heap, frames) ||
	    ghost_init(&s->ghost, history, env)) {
		cacheus_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

/* --- the learning rate ------------------------------------------------------------------------------------------- */

static double draw(struct cacheus *s)
{
	return (double)(rng_next(&s->frames->rng) >> 11) * 0x1p-53;
}

/* Upwards below 1/2, unless the rate is at an end of its range. */
static double random_step(struct cacheus *s, double rate)
{
	if (rate >= 1)
		return 0.9;
	if (rate <= RATE_MIN)
		return 0.005;
	if (draw(s) < 0.5)
		return fmin(rate * 1.25, 1);
	return fmax(rate * 0.75, RATE_MIN);
}

/* The rate stood still, or it made no difference. change: of the hit rate, not positive. */
static double stuck(struct cacheus *s, int64_t hit, int64_t change)
{
	struct rate *r = &s->rate;

	r->idle += change < 0 || hit == 0;
	r->worse += change < 0;
	if (r->idle >= PERIODS_MAX) {
		r->idle = 0;
		return r->first;
	}
	if (change == 0)
		return r->now;
	if (r->worse >= PERIODS_MAX) {
		r->worse = 0;
		return r->first;
	}
	return random_step(s, r->now);
}

static void period_end(struct cacheus *s)
{
	struct rate *r = &s->rate;
	int64_t hit = llround(1000.0 * (double)r->hits / (double)r->period);
	int64_t change = hit - r->hit_before;
	int64_t moved = llround(r->now * 1000) - llround(r->before * 1000);
	double step = r->now * (double)llabs(moved) / 1000, next = r->now;

	if (moved && change) {
		r->idle = r->worse = 0;
		next = (moved > 0) == (change > 0) ? fmin(r->now + step, 1)
						   : fmax(r->now - step, RATE_MIN);
	} else if (change <= 0) {
		next = stuck(s, hit, change);
	}
	r->before = r->now;
	r->now = next;
	r->hit_before = hit;
	r->hits = 0;
}

/* Each reference begins with this. */
static void rate_reference(struct cacheus *s)
{
	if (++s->rate.references % s->rate.period == 0)
		period_end(s);
}

/* --- SR-LRU ------------------------------------------------------------------------------------------------------ */

/* a / b to the nearest, at least 1; a divisor of 0 counts as 1. */
static uint32_t ratio(uint64_t a, uint64_t b)
{
	b = b ? b : 1;
	a = (2 * a + b) / (2 * b);
	return a ? (uint32_t)a : 1;
}

/* `wide` takes from the other, which keeps one. */
static void widen(const struct cacheus *s, uint32_t *wide, uint32_t *other, uint32_t by)
{
	uint32_t frames = s->frames->capacity, most = frames - 1;

	*wide = by > most || *wide > most - by ? most : *wide + by;
	*other = frames - *wide;
}

static void demote(struct cacheus *s)
{
	uint32_t f = s->sr.tail;

	frame_list_remove(&s->links, &s->sr, f);
	frame_list_push_head(&s->links, &s->r, f);
	s->flags[f] = (uint8_t)((s->flags[f] & ~IN_SR) | DEMOTED);
	s->demotions++;
}

static void sr_limit(struct cacheus *s)
{
	while (s->sr.count && s->sr.count >= s->sr_max)
		demote(s);
}

static struct frame_list *list_of(struct cacheus *s, uint32_t f)
{
	return s->flags[f] & IN_SR ? &s->sr : &s->r;
}

static void hit_in_r(struct cacheus *s, uint32_t f)
{
	if (s->flags[f] & DEMOTED) {
		widen(s, &s->sr_max, &s->r_max, ratio(s->news, s->demotions));
		s->flags[f] &= (uint8_t)~DEMOTED;
		s->demotions--;
	}
	frame_list_remove(&s->links, &s->r, f);
	if (s->sr.count && s->sr.count >= s->sr_max)
		demote(s);
	frame_list_push_head(&s->links, &s->sr, f);
	s->flags[f] |= IN_SR;
}

/* --- the callbacks ----------------------------------------------------------------------------------------------- */

/* The expert was wrong. */
static void regret(struct cacheus *s, int expert)
{
	double loss = exp(-s->rate.now), lru = s->weight_lru, lfu = 1 - s->weight_lru;

	if (expert == LRU)
		lru *= loss;
	else
		lfu *= loss;
	lru /= lru + lfu;
	s->weight_lru = fmin(fmax(lru, 1 - WEIGHT_MAX), WEIGHT_MAX);
}

static void forget(struct cacheus *s, uint32_t entry)
{
	s->news -= s->ghost_new[entry];
	ghost_remove(&s->ghost, entry);
}

static void cacheus_fault(void *state, uint32_t page)
{
	struct cacheus *s = state;
	uint32_t e = ghost_find(&s->ghost, page);
	bool was_new;

	rate_reference(s);
	s->met_full = s->heap.count == s->frames->capacity;
	s->known = VMM_NONE;
	if (e == VMM_NONE)
		return;
	s->known = page;
	s->known_touches = s->ghost_touches[e];
	was_new = s->ghost_new[e];
	regret(s, ghost_list(&s->ghost, e));
	forget(s, e);
	if (was_new)
		widen(s, &s->r_max, &s->sr_max, ratio(s->demotions, s->news));
}

static uint32_t cacheus_victim(void *state, uint32_t page)
{
	struct cacheus *s = state;
	uint32_t lru = frame_list_victim(s->frames, &s->links, &s->r);
	uint32_t lfu = frame_heap_least(&s->heap, s->frames, NULL, NULL);
	int expert = draw(s) < s->weight_lru ? LRU : LFU;
	uint32_t f;

	(void)page;
	if (lru == VMM_NONE)
		lru = frame_list_victim(s->frames, &s->links, &s->sr);
	f = expert == LRU ? lru : lfu;
	if (f != VMM_NONE)
		s->by[f] = (uint8_t)(lru == lfu ? EXPERTS : expert);
	return f;
}

static void count_touch(struct cacheus *s, uint32_t f)
{
	frame_heap_change(&s->heap, f, frame_heap_item(&s->heap, f)->major + 1,
			  UINT64_MAX - ++s->touches);
}

static void cacheus_touch(void *state, uint32_t f, bool write)
{
	struct cacheus *s = state;

	(void)write;
	rate_reference(s);
	s->rate.hits++;
	count_touch(s, f);
	if (s->flags[f] & IN_SR)
		frame_list_move_head(&s->links, &s->sr, f);
	else
		hit_in_r(s, f);
}

/* As if it had been used once more, where it is. */
static void cacheus_reject(void *state, uint32_t f)
{
	struct cacheus *s = state;

	count_touch(s, f);
	frame_list_move_head(&s->links, list_of(s, f), f);
}

static void remember(struct cacheus *s, uint32_t f, uint32_t page)
{
	int expert = s->by[f];
	uint32_t e;

	if (expert == EXPERTS || !s->history_max)
		return;
	if (s->ghost.lists[expert].count == s->history_max)
		forget(s, s->ghost.lists[expert].tail);
	e = ghost_add(&s->ghost, expert, page);
	s->ghost_touches[e] = frame_heap_item(&s->heap, f)->major;
	s->ghost_new[e] = expert == LRU && s->flags[f] & NEW;
	s->news += s->ghost_new[e];
}

static void cacheus_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct cacheus *s = state;
	uint32_t e;

	if (f == VMM_NONE) {
		e = ghost_find(&s->ghost, page);
		if (e != VMM_NONE)
			forget(s, e);
		if (s->known == page)
			s->known = VMM_NONE;
		return;
	}
	if (why == REMOVE_EVICT)
		remember(s, f, page);
	s->demotions -= !!(s->flags[f] & DEMOTED);
	frame_list_remove(&s->links, list_of(s, f), f);
	frame_heap_remove(&s->heap, f);
}

static void cacheus_insert(void *state, uint32_t f, uint32_t page)
{
	struct cacheus *s = state;
	bool known = s->known == page;
	uint64_t touches = known ? s->known_touches : 1;
	bool filling = !s->met_full && s->r.count < s->r_max;
	uint8_t flags = 0;

	if (known || (!s->met_full && s->r.count == 0 && s->sr.count < s->sr_max))
		flags = IN_SR;
	else if (!filling)
		flags = NEW;
	s->known = VMM_NONE;
	s->met_full = false;
	s->by[f] = EXPERTS;
	s->flags[f] = flags;
	frame_list_push_head(&s->links, list_of(s, f), f);
	frame_heap_insert(&s->heap, f, touches, UINT64_MAX - ++s->touches);
	if (known || flags == NEW)
		sr_limit(s);
}

static int cacheus_check(const void *state)
{
	const struct cacheus *s = state;
	const struct frame_table *t = s->frames;
	uint32_t demotions = 0, news = 0;

	for (uint32_t f = s->sr.head; f != VMM_NONE; f = s->links.at[f].next)
		if (!frame_heap_has(&s->heap, f) || (s->flags[f] & (IN_SR | DEMOTED)) != IN_SR)
			return -EINVAL;
	for (uint32_t f = s->r.head; f != VMM_NONE; f = s->links.at[f].next) {
		if (!frame_heap_has(&s->heap, f) || s->flags[f] & IN_SR)
			return -EINVAL;
		demotions += !!(s->flags[f] & DEMOTED);
	}
	for (int k = 0; k < EXPERTS; k++)
		for (uint32_t e = s->ghost.lists[k].head; e != VMM_NONE;
		     e = s->ghost.links.at[e].next)
			news += s->ghost_new[e];
	if (demotions != s->demotions || news != s->news || s->sr_max + s->r_max != t->capacity ||
	    s->sr.count + s->r.count != s->heap.count || s->heap.count != t->used + t->in_transit ||
	    s->ghost.lists[LRU].count > s->history_max ||
	    s->ghost.lists[LFU].count > s->history_max)
		return -EINVAL;
	if (!(s->weight_lru > 0 && s->weight_lru < 1 && s->rate.now > 0))
		return -EINVAL;
	if (frame_list_check(t, &s->links, &s->sr) || frame_list_check(t, &s->links, &s->r) ||
	    frame_heap_check(t, &s->heap))
		return -EINVAL;
	return ghost_check(&s->ghost);
}

static const struct policy_param cacheus_params[] = {
	[RATE] = { "rate", 0, 0, 1000,
		   "learning rate at first, thousandths; 0: sqrt(2 ln 2 / frames) (authors' program)" },
	[HISTORY] = { "history", 50, 0, 1000,
		      "pages in each expert's history, percent of frames (authors' program: 50)" },
	[R] = { "r", 1, 1, 100,
		"frames for the list R at first, percent, at least 1; then it adapts (authors' "
		"program: 1)" },
	{ 0 },
};

static const struct policy_ops cacheus = {
	.abi = VMM_POLICY_ABI,
	.name = "cacheus",
	.summary =
		"a scan-resistant LRU or a churn-resistant LFU, drawn by weights that learn (seeded)",
	.source = "L. V. Rodriguez et al., Learning cache replacement with CACHEUS, FAST 2021",
	.class = POLICY_T,
	.params = cacheus_params,
	.order = 270,
	.create = cacheus_create,
	.destroy = cacheus_destroy,
	.fault = cacheus_fault,
	.victim = cacheus_victim,
	.reject = cacheus_reject,
	.remove = cacheus_remove,
	.insert = cacheus_insert,
	.touch = cacheus_touch,
	.check = cacheus_check,
};
POLICY_REGISTER(cacheus);
