/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock-pro.c - LIRS on a clock: hot pages, resident cold pages and ids of cold pages that were evicted within their test
 * period are in one circle, with three hands. What it distinguishes is how long ago the use before the last was.
 *
 * A page is put at the circle's head, just behind HAND_hot. `cold` is the number of frames meant for cold pages, 1 <= cold <=
 * frames (frames - 1 when there are two or more); the hot ones may have the rest.
 *   HAND_cold  looks for a victim: a resident cold page. Unreferenced: it goes, and in its test period its id stays in its
 *              place. Referenced: its bit is cleared and it goes to the head; in its test period it becomes hot and `cold`
 *              grows by 1; else a test period begins.
 *   HAND_hot   makes a hot page cold when there are too many: a referenced one loses its bit, the first unreferenced one
 *              becomes cold, without a test period, where it is. A cold page that is passed ends its test period, and
 *              one that is not resident leaves the circle. Then the hand goes on, doing this, to the next hot page.
 *   HAND_test  goes round when there are more ids than frames: ends the test period of the cold pages that it passes until
 *              one has left the circle.
 * A test period that ends without a use takes 1 from `cold`. A fault on an id makes the page hot and adds 1 to `cold`. Any other new
 * page is cold and in its test period, except that while there are free frames and too few hot pages it is hot (warm-up).
 *
 * Bits may be cleared in victim() only, so HAND_hot makes room for a page that comes back hot before it is put at the
 * head, not after. Frames that are not evictable are passed over like referenced ones, but keep their bit. When no cold page
 * is evictable HAND_hot supplies one; when no hot one is either (pins) any frame goes.
 *
 * A node is a frame, or capacity + an entry of the history. Hands are VMM_NONE only when the circle is empty.
 */
#include "core/ghost.h"
#include "core/policy_common.h"

enum { COLD_FIRST };

#define IS_HOT 1u
#define IN_TEST 2u

enum { HAND_HOT, HAND_COLD, HAND_TEST, HANDS };

struct clockpro {
	struct frame_table *frames;
	struct frame_links links; /* by node */
	struct frame_list circle;
	uint32_t hand[HANDS];
	uint8_t *flags; /* by frame; an id is always in its test period */
	uint32_t hot_count, cold, cold_max;
	bool full;      /* a victim was asked for: the warm-up is over */
	uint32_t known; /* the page faulted on, when its id was in the circle */
	struct ghost ghost;
};

static void clockpro_destroy(void *state)
{
	struct clockpro *s = state;

	frame_links_destroy(&s->links);
	ghost_destroy(&s->ghost);
	free(s->flags);
	free(s);
}

static int clockpro_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity;
	struct clockpro *s;

	if (frames > VMM_NONE / 2 - 2)
		return -ENOMEM;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->circle = FRAME_LIST_EMPTY;
	for (int h = 0; h < HANDS; h++)
		s->hand[h] = VMM_NONE;
	s->cold_max = frames > 1 ? frames - 1 : 1;
	s->cold = policy_share(frames, env->values[COLD_FIRST]);
	if (s->cold > s->cold_max)
		s->cold = s->cold_max;
	s->known = VMM_NONE;
	s->flags = calloc(frames, sizeof(*s->flags));
	if (!s->flags || frame_links_init(&s->links, 2 * frames + 1) ||
	    ghost_init(&s->ghost, (uint64_t)frames + 1, env)) {
		clockpro_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static bool is_history(const struct clockpro *s, uint32_t node)
{
	return node >= s->frames->capacity;
}

static uint32_t after(const struct clockpro *s, uint32_t node)
{
	uint32_t next = s->links.at[node].next;

	return next == VMM_NONE ? s->circle.head : next;
}

static void head_enter(struct clockpro *s, uint32_t node)
{
	frame_list_insert(&s->links, &s->circle, node, s->hand[HAND_HOT]);
	for (int h = 0; h < HANDS; h++)
		if (s->hand[h] == VMM_NONE)
			s->hand[h] = node;
}

static void leave(struct clockpro *s, uint32_t node)
{
	for (int h = 0; h < HANDS; h++) {
		if (s->hand[h] == node)
			s->hand[h] = after(s, node);
		if (s->hand[h] == node)
			s->hand[h] = VMM_NONE;
	}
	frame_list_remove(&s->links, &s->circle, node);
}

static void history_leave(struct clockpro *s, uint32_t entry)
{
	leave(s, s->frames->capacity + entry);
	ghost_remove(&s->ghost, entry);
}

static void cold_change(struct clockpro *s, int by)
{
	if (by > 0 && s->cold < s->cold_max)
		s->cold++;
	if (by < 0 && s->cold > 1)
		s->cold--;
}

static uint32_t hot_max(const struct clockpro *s)
{
	return s->frames->capacity - s->cold;
}

/* A cold page or an id is passed by HAND_hot or HAND_test: its test period ends, and an id leaves. */
static void test_end(struct clockpro *s, uint32_t node)
{
	if (is_history(s, node)) {
		history_leave(s, node - s->frames->capacity);
		cold_change(s, -1);
	} else if (s->flags[node] & IN_TEST) {
		s->flags[node] &= (uint8_t)~IN_TEST;
		cold_change(s, -1);
	}
}

static bool is_hot(const struct clockpro *s, uint32_t node)
{
	return !is_history(s, node) && s->flags[node] & IS_HOT;
}

/* HAND_hot passes what is under it. */
static void hot_hand_pass(struct clockpro *s)
{
	uint32_t node = s->hand[HAND_HOT];

	s->hand[HAND_HOT] = after(s, node);
	if (!is_hot(s, node))
		test_end(s, node);
}

/* Makes one hot page cold; false when none can be. The second turn finds bits cleared. */
static bool hot_hand(struct clockpro *s)
{
	uint64_t steps = 2 * (uint64_t)s->circle.count;
	bool done = false;

	while (steps-- && s->hot_count && !done) {
		uint32_t node = s->hand[HAND_HOT];

		if (is_hot(s, node) && frame_evictable(s->frames, node)) {
			done = !frame_referenced(s->frames, node);
			frame_clear_referenced(s->frames, node);
		}
		hot_hand_pass(s);
		if (done) {
			s->flags[node] &= (uint8_t) ~(IS_HOT | IN_TEST);
			s->hot_count--;
		}
	}
	for (uint32_t n = s->circle.count; done && n && !is_hot(s, s->hand[HAND_HOT]); n--)
		hot_hand_pass(s);
	return done;
}

static void hot_bound(struct clockpro *s, uint32_t coming)
{
	while ((uint64_t)s->hot_count + coming > hot_max(s) && hot_hand(s))
		;
}

/* Until an id has left the circle. */
static void test_hand(struct clockpro *s)
{
	uint32_t ids = s->ghost.count;

	for (uint32_t n = s->circle.count; n && s->ghost.count == ids; n--) {
		uint32_t node = s->hand[HAND_TEST];

		s->hand[HAND_TEST] = after(s, node);
		if (!is_hot(s, node))
			test_end(s, node);
	}
}

/* A referenced cold page goes to the head. */
static void cold_promote(struct clockpro *s, uint32_t f)
{
	frame_clear_referenced(s->frames, f);
	leave(s, f);
	if (s->flags[f] & IN_TEST) {
		s->flags[f] = IS_HOT;
		s->hot_count++;
		cold_change(s, 1);
	} else {
		s->flags[f] |= IN_TEST;
	}
	head_enter(s, f);
	hot_bound(s, 0);
}

static uint32_t cold_resident(const struct clockpro *s)
{
	return s->circle.count - s->ghost.count - s->hot_count;
}

/* At most twice round the circle as it is when the hand starts: the second time bits are clear. */
static uint32_t cold_hand(struct clockpro *s)
{
	uint64_t steps = 2 * (uint64_t)s->circle.count;

	while (steps-- && cold_resident(s)) {
		uint32_t node = s->hand[HAND_COLD];

		if (is_history(s, node) || is_hot(s, node) || !frame_evictable(s->frames, node)) {
			s->hand[HAND_COLD] = after(s, node);
		} else if (frame_referenced(s->frames, node)) {
			cold_promote(s, node);
		} else {
			s->hand[HAND_COLD] = after(s, node);
			return node;
		}
	}
	return VMM_NONE;
}

static uint32_t clockpro_victim(void *state, uint32_t page)
{
	struct clockpro *s = state;
	uint32_t f, coming = page != VMM_NONE && s->known == page;

	s->full = true;
	do
		f = cold_hand(s);
	while (f == VMM_NONE && hot_hand(s));
	for (uint32_t g = 0; f == VMM_NONE && g < s->frames->fresh; g++)
		if (frame_evictable(s->frames, g))
			f = g;
	if (f != VMM_NONE)
		hot_bound(s, coming);
	return f;
}

static void clockpro_fault(void *state, uint32_t page)
{
	struct clockpro *s = state;
	uint32_t e = ghost_find(&s->ghost, page);

	s->known = VMM_NONE;
	if (e == VMM_NONE)
		return;
	s->known = page;
	history_leave(s, e);
	cold_change(s, 1);
}

/* The id takes the page's place, and the hands that point to it. */
static void become_history(struct clockpro *s, uint32_t f, uint32_t page)
{
	uint32_t node = s->frames->capacity + ghost_add(&s->ghost, 0, page);

	frame_list_insert(&s->links, &s->circle, node, f);
	for (int h = 0; h < HANDS; h++)
		if (s->hand[h] == f)
			s->hand[h] = node;
	leave(s, f);
	if (s->ghost.count > s->frames->capacity)
		test_hand(s);
}

static void clockpro_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct clockpro *s = state;
	uint32_t e;

	if (f == VMM_NONE) {
		e = ghost_find(&s->ghost, page);
		if (e != VMM_NONE)
			history_leave(s, e);
		if (s->known == page)
			s->known = VMM_NONE;
		return;
	}
	s->hot_count -= is_hot(s, f);
	if (why == REMOVE_EVICT && s->flags[f] == IN_TEST)
		become_history(s, f, page);
	else
		leave(s, f);
	s->flags[f] = 0;
}

static void clockpro_insert(void *state, uint32_t f, uint32_t page)
{
	struct clockpro *s = state;
	bool hot = s->known == page || (!s->full && s->hot_count < hot_max(s));

	s->known = VMM_NONE;
	s->flags[f] = hot && s->hot_count < hot_max(s) ? IS_HOT : IN_TEST;
	s->hot_count += s->flags[f] == IS_HOT;
	head_enter(s, f);
}

static int clockpro_check(const void *state)
{
	const struct clockpro *s = state;
	const struct frame_table *t = s->frames;
	uint64_t hot = 0, resident = 0, n = 0;

	for (uint32_t i = s->circle.head; i != VMM_NONE; i = s->links.at[i].next) {
		if (n++ > s->circle.count)
			return -EINVAL;
		if (is_history(s, i))
			continue;
		if (i >= t->fresh || t->page[i] == VMM_NONE || s->flags[i] == (IS_HOT | IN_TEST))
			return -EINVAL;
		resident++;
		hot += s->flags[i] & IS_HOT;
	}
	if (n != s->circle.count || hot != s->hot_count || n != resident + s->ghost.count ||
	    resident != (uint64_t)t->used + t->in_transit || s->cold < 1 || s->cold > s->cold_max)
		return -EINVAL;
	for (int h = 0; h < HANDS; h++)
		if ((s->hand[h] == VMM_NONE) != (n == 0))
			return -EINVAL;
	return s->ghost.count > t->capacity ? -EINVAL : ghost_check(&s->ghost);
}

static const struct policy_param clockpro_params[] = {
	[COLD_FIRST] = { "cold", 1, 1, 100,
			 "frames for cold pages at first, percent, at least 1; then it adapts (paper: 1)" },
	{ 0 },
};

static const struct policy_ops clockpro = {
	.abi = VMM_POLICY_ABI,
	.name = "clock-pro",
	.alias = "clockpro",
	.summary = "LIRS on a clock: hot and cold pages, with a test period for the cold",
	.source = "S. Jiang, F. Chen, X. Zhang, CLOCK-Pro: an effective improvement of the CLOCK "
		  "replacement, USENIX ATC 2005",
	.class = POLICY_R0,
	.params = clockpro_params,
	.order = 100,
	.create = clockpro_create,
	.destroy = clockpro_destroy,
	.fault = clockpro_fault,
	.victim = clockpro_victim,
	.reject = policy_reject_none,
	.remove = clockpro_remove,
	.insert = clockpro_insert,
	.check = clockpro_check,
};
POLICY_REGISTER(clockpro);
