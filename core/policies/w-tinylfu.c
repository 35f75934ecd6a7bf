/* SPDX-License-Identifier: Apache-2.0 */
/*
 * w-tinylfu.c - new pages enter a small LRU window; what falls out of it stays only if a sketch of past references says that it is
 * used more often than the main region's victim. The main region is a segmented LRU.
 *
 * Sketch: a count-min sketch of 4 rows of counters up to 15, with as many columns as the next power of two from frames on. Every
 * reference (hit or fault) adds 1 to those of the page's counters that are lowest; after `sample` times frames additions
 * all counters are halved (aging). A page's frequency is its lowest counter. There is no doorkeeper.
 *
 * When a frame is needed: while the window has a place left, the main region's victim goes. Else the window's last
 * page and the main region's victim compete: the main one goes, and the window's last enters the main region's probationary segment,
 * when the window's is strictly more frequent; else the window's last goes. The main region's victim is the last of
 * the probationary segment, or of the protected one when nothing is probationary. A touch on a probationary page
 * makes it protected, and the last protected one probationary when there are too many. While frames are free what
 * falls out of the window enters the main region. With one frame there is only the window.
 */
#include "core/frame_list.h"
#include "core/policy_common.h"

enum { WINDOW, PROTECTED, SAMPLE };

enum { IN_WINDOW, PROBATION, PROTECT, LISTS };

#define ROWS 4
#define COUNTER_MAX 15

static const uint64_t row_factor[ROWS] = { 0x9E3779B97F4A7C15u, 0xC2B2AE3D27D4EB4Fu,
					   0x165667B19E3779F9u, 0xD6E8FEB86659FD93u };

struct wtinylfu {
	const struct frame_table *frames;
	struct frame_links links;
	struct frame_list list[LISTS]; /* last used at the head */
	uint8_t *where;                /* by frame: list */
	uint32_t window_max, protected_max;
	uint8_t *sketch; /* ROWS times columns */
	uint32_t shift;  /* 64 - log2(columns) */
	uint64_t additions, additions_max;
};

static void wtinylfu_destroy(void *state)
{
	struct wtinylfu *s = state;

	frame_links_destroy(&s->links);
	free(s->where);
	free(s->sketch);
	free(s);
}

static int wtinylfu_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity, bits = 1;
	struct wtinylfu *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	while (1ull << bits < frames)
		bits++;
	s->frames = env->frames;
	for (int l = 0; l < LISTS; l++)
		s->list[l] = FRAME_LIST_EMPTY;
	s->window_max = policy_share(frames, env->values[WINDOW]);
	s->protected_max = policy_share(frames - s->window_max, env->values[PROTECTED]);
	s->shift = 64 - bits;
	s->additions_max = frames * env->values[SAMPLE];
	s->where = calloc(frames, sizeof(*s->where));
	s->sketch = calloc(ROWS, 1ull << bits);
	if (!s->where || !s->sketch || frame_links_init(&s->links, frames)) {
		wtinylfu_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

static uint8_t *counter(const struct wtinylfu *s, uint32_t page, int row)
{
	uint64_t column = (page + 1) * row_factor[row] >> s->shift;

	return &s->sketch[((uint64_t)row << (64 - s->shift)) + column];
}

static uint32_t frequency(const struct wtinylfu *s, uint32_t page)
{
	uint32_t least = COUNTER_MAX;

	for (int row = 0; row < ROWS; row++)
		if (*counter(s, page, row) < least)
			least = *counter(s, page, row);
	return least;
}

static void count(struct wtinylfu *s, uint32_t page)
{
	uint32_t least = frequency(s, page);
	uint64_t all = ROWS * (1ull << (64 - s->shift));

	for (int row = 0; row < ROWS && least < COUNTER_MAX; row++)
		if (*counter(s, page, row) == least)
			++*counter(s, page, row);
	if (++s->additions < s->additions_max)
		return;
	for (uint64_t i = 0; i < all; i++)
		s->sketch[i] /= 2;
	s->additions /= 2;
}

static void wtinylfu_fault(void *state, uint32_t page)
{
	count(state, page);
}

static void move(struct wtinylfu *s, uint32_t f, int to)
{
	frame_list_remove(&s->links, &s->list[s->where[f]], f);
	frame_list_push_head(&s->links, &s->list[to], f);
	s->where[f] = (uint8_t)to;
}

static uint32_t last_of(const struct wtinylfu *s, int list)
{
	return frame_list_victim(s->frames, &s->links, &s->list[list]);
}

static uint32_t wtinylfu_victim(void *state, uint32_t page)
{
	struct wtinylfu *s = state;
	const uint32_t *page_in = s->frames->page;
	uint32_t window = last_of(s, IN_WINDOW), in_main = last_of(s, PROBATION);

	(void)page;
	if (in_main == VMM_NONE)
		in_main = last_of(s, PROTECT);
	if (window == VMM_NONE || in_main == VMM_NONE)
		return window == VMM_NONE ? in_main : window;
	if (s->list[IN_WINDOW].count < s->window_max)
		return in_main;
	if (frequency(s, page_in[window]) <= frequency(s, page_in[in_main]))
		return window;
	move(s, window, PROBATION);
	return in_main;
}

static void wtinylfu_touch(void *state, uint32_t f, bool write)
{
	struct wtinylfu *s = state;

	(void)write;
	count(s, s->frames->page[f]);
	move(s, f, s->where[f] == IN_WINDOW ? IN_WINDOW : PROTECT);
	if (s->list[PROTECT].count > s->protected_max)
		move(s, s->list[PROTECT].tail, PROBATION);
}

/* It begins again at the head of its list. */
static void wtinylfu_reject(void *state, uint32_t f)
{
	struct wtinylfu *s = state;

	move(s, f, s->where[f]);
}

/* The sketch cannot forget one page: an id that is used again starts with what the sketch has of it. */
static void wtinylfu_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct wtinylfu *s = state;

	(void)page;
	(void)why;
	if (f != VMM_NONE)
		frame_list_remove(&s->links, &s->list[s->where[f]], f);
}

static void wtinylfu_insert(void *state, uint32_t f, uint32_t page)
{
	struct wtinylfu *s = state;

	(void)page;
	s->where[f] = IN_WINDOW;
	frame_list_push_head(&s->links, &s->list[IN_WINDOW], f);
	if (s->list[IN_WINDOW].count > s->window_max)
		move(s, s->list[IN_WINDOW].tail, PROBATION);
}

static int wtinylfu_check(const void *state)
{
	const struct wtinylfu *s = state;
	const struct frame_table *t = s->frames;
	uint64_t total = 0;

	for (int l = 0; l < LISTS; l++) {
		if (frame_list_check(t, &s->links, &s->list[l]))
			return -EINVAL;
		for (uint32_t f = s->list[l].head; f != VMM_NONE; f = s->links.at[f].next)
			if (s->where[f] != l)
				return -EINVAL;
		total += s->list[l].count;
	}
	if (s->list[IN_WINDOW].count > s->window_max || s->list[PROTECT].count > s->protected_max)
		return -EINVAL;
	return total == (uint64_t)t->used + t->in_transit ? 0 : -EINVAL;
}

static const struct policy_param wtinylfu_params[] = {
	[WINDOW] = { "window", 1, 1, 100, "places of the window, percent of frames (paper: 1)" },
	[PROTECTED] = { "protected", 80, 1, 100,
			"most protected pages, percent of the main region (paper: 80)" },
	[SAMPLE] = { "sample", 10, 1, 1000,
		     "additions to the sketch between halvings, times frames (the paper leaves it open; its "
		     "program: 10)" },
	{ 0 },
};

static const struct policy_ops wtinylfu = {
	.abi = VMM_POLICY_ABI,
	.name = "w-tinylfu",
	.alias = "wtinylfu,tinylfu",
	.summary = "a window, then admission to a segmented LRU by a sketch of frequencies",
	.source =
		"G. Einziger, R. Friedman, B. Manes, TinyLFU: a highly efficient cache admission policy, "
		"ACM Transactions on Storage 13(4), 2017",
	.class = POLICY_T,
	.params = wtinylfu_params,
	.order = 250,
	.create = wtinylfu_create,
	.destroy = wtinylfu_destroy,
	.fault = wtinylfu_fault,
	.victim = wtinylfu_victim,
	.reject = wtinylfu_reject,
	.remove = wtinylfu_remove,
	.insert = wtinylfu_insert,
	.touch = wtinylfu_touch,
	.check = wtinylfu_check,
};
POLICY_REGISTER(wtinylfu);
