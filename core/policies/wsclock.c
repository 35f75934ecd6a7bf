/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wsclock.c - a clock that keeps the working set: the hand evicts the first clean page that was not used within the last tau
 * units of virtual time.
 *
 * The hand, at each page: referenced: note the time as that of its last use, clear the bit, go on; age <= tau: in the set,
 * go on; older and dirty: schedule its write-back, unless too many are under way, and go on; older and clean: evict. A page becomes
 * clean when its write is complete.
 * After one turn without a victim and with old pages whose writes are under way, the fault waits for the first of those that the hand
 * comes to. Without: the clean page used longest ago goes, the oldest when none is clean; the first under the hand of
 * those with the same time. The hand then stays where it is.
 */
#include "core/frame_circle.h"
#include "core/policy_common.h"

enum { TAU, WRITES };

struct wsclock {
	struct frame_table *frames;
	const uint64_t *now;
	uint64_t tau; /* virtual time */
	uint32_t writes_max;
	bool (*clean)(void *arg, uint32_t frame, uint32_t limit);
	void *clean_arg;
	struct frame_circle circle;
	uint64_t *used; /* by frame: time of last use that the hand has seen, or of loading */
};

static void wsclock_destroy(void *state)
{
	struct wsclock *s = state;

	frame_circle_destroy(&s->circle);
	free(s->used);
	free(s);
}

static int wsclock_create(void **state, const struct policy_env *env)
{
	uint32_t frames = env->frames->capacity;
	struct wsclock *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->frames = env->frames;
	s->now = env->now;
	s->tau = env->values[TAU] ? env->values[TAU] : frames;
	s->writes_max = (uint32_t)env->values[WRITES];
	s->clean = env->clean;
	s->clean_arg = env->clean_arg;
	s->used = calloc(frames, sizeof(*s->used));
	if (!s->used || frame_circle_init(&s->circle, frames)) {
		wsclock_destroy(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

/* The page in f is old. May it leave at once? If not its write is scheduled, if that can be. */
static bool old_leaves(struct wsclock *s, uint32_t f)
{
	if (frame_clean(s->frames, f))
		return true;
	s->clean(s->clean_arg, f, s->writes_max);
	return false;
}

/* One turn of the hand. *waiting: old pages that it has passed, or scheduled. `waits` takes the first of those. */
static uint32_t turn(struct wsclock *s, bool waits, uint32_t *waiting)
{
	*waiting = 0;
	for (uint32_t n = s->circle.list.count; n; n--) {
		uint32_t f = frame_circle_step(&s->circle);

		if (!frame_evictable(s->frames, f))
			continue;
		if (frame_referenced(s->frames, f)) {
			frame_clear_referenced(s->frames, f);
			s->used[f] = *s->now;
		} else if (*s->now - s->used[f] > s->tau) {
			if (old_leaves(s, f) || (waits && frame_cleaning(s->frames, f)))
				return f;
			*waiting += frame_cleaning(s->frames, f);
		}
	}
	return VMM_NONE;
}

/* The turn has cleared the bits. */
static uint32_t oldest(const struct wsclock *s)
{
	uint32_t clean = VMM_NONE, any = VMM_NONE, f = s->circle.hand;

	for (uint32_t n = s->circle.list.count; n; n--, f = frame_circle_after(&s->circle, f)) {
		if (!frame_evictable(s->frames, f))
			continue;
		if (any == VMM_NONE || s->used[f] < s->used[any])
			any = f;
		if (frame_clean(s->frames, f) && (clean == VMM_NONE || s->used[f] < s->used[clean]))
			clean = f;
	}
	return clean != VMM_NONE ? clean : any;
}

static uint32_t wsclock_victim(void *state, uint32_t page)
{
	struct wsclock *s = state;
	uint32_t waiting, f = turn(s, false, &waiting);

	(void)page;
	if (f == VMM_NONE && waiting)
		f = turn(s, true, &waiting);
	return f != VMM_NONE ? f : oldest(s);
}

static void wsclock_remove(void *state, uint32_t f, uint32_t page, enum remove_why why)
{
	struct wsclock *s = state;

	(void)page;
	(void)why;
	if (f != VMM_NONE)
		frame_circle_remove(&s->circle, f);
}

static void wsclock_insert(void *state, uint32_t f, uint32_t page)
{
	struct wsclock *s = state;

	(void)page;
	s->used[f] = *s->now;
	frame_circle_insert(&s->circle, f);
}

static int wsclock_check(const void *state)
{
	const struct wsclock *s = state;
	const struct frame_circle *c = &s->circle;

	for (uint32_t f = c->list.head; f != VMM_NONE; f = c->links.at[f].next)
		if (s->used[f] > *s->now)
			return -EINVAL;
	return frame_circle_check(s->frames, c);
}

static const struct policy_param wsclock_params[] = {
	[TAU] = { "tau", 0, 0, UINT64_MAX / 2,
		  "the set's window, references (sim) or faults (run); 0: as many as there are frames "
		  "(the paper leaves it open)" },
	[WRITES] = { "writes", 32, 1, UINT32_MAX - 1,
		     "most write-backs under way at a time (the paper leaves it open)" },
	{ 0 },
};

static const struct policy_ops wsclock = {
	.abi = VMM_POLICY_ABI,
	.name = "wsclock",
	.summary =
		"a hand evicts the first clean page not used for tau; has dirty ones written behind",
	.source =
		"R. W. Carr, J. L. Hennessy, WSClock: a simple and effective algorithm for virtual "
		"memory management, SOSP 1981",
	.class = POLICY_R1,
	.flags = POLICY_NEEDS_DIRTY | POLICY_CLEANS,
	.params = wsclock_params,
	.order = 70,
	.create = wsclock_create,
	.destroy = wsclock_destroy,
	.victim = wsclock_victim,
	.reject = policy_reject_none,
	.remove = wsclock_remove,
	.insert = wsclock_insert,
	.check = wsclock_check,
};
POLICY_REGISTER(wsclock);
