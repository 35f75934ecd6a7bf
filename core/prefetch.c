/* SPDX-License-Identifier: Apache-2.0 */
/* prefetch.c - the detectors of prefetch.h. */
#define HASH_NONFATAL_OOM 1
#include "core/prefetch.h"
#include "core/spec.h"

#include <stdlib.h>
#include <uthash.h>

struct prefetch_space {
	uint32_t space;
	bool seen;     /* there was an event */
	bool has_step; /* there were two */
	bool in_hash;
	uint64_t vpn; /* of the last event */
	int64_t step; /* the last one */
	/* trend */
	int64_t steps[PREFETCH_HISTORY]; /* a ring */
	uint32_t next, n;                /* where the next one goes; how many there are */
	int64_t trend;                   /* found last; 0: none yet */
	uint32_t window, hits;           /* the last one, and hits since */
	UT_hash_handle hh;
};

#undef uthash_nonfatal_oom
#define uthash_nonfatal_oom(e) ((e)->in_hash = false)

int prefetch_parse(const char *spec, struct prefetch_config *c, const char **bad)
{
	static const char *const kinds[] = { "seq", "stride", "trend", NULL }; /* as the enum */
	const char *end = strchrnul(spec, ':');
	int kind = spec_choice(kinds, spec, end);

	*bad = spec;
	if (kind < 0)
		return -EINVAL;
	c->kind = (enum prefetch_kind)kind;
	c->distance = PREFETCH_DEFAULT;
	if (!*end)
		return 0;
	*bad = ++end;
	if (c->kind == PREFETCH_TREND || spec_number(&end, PREFETCH_MAX, &c->distance))
		return -EINVAL;
	return *end ? -EINVAL : 0;
}

void prefetch_init(struct prefetch *p, const struct prefetch_config *c)
{
	*p = (struct prefetch){ .config = *c };
}

void prefetch_destroy(struct prefetch *p)
{
	struct prefetch_space *s, *next;

	HASH_ITER(hh, p->spaces, s, next)
	{
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it loses track inside */
		HASH_DEL(p->spaces, s);
		free(s);
	}
	p->last = NULL;
}

static struct prefetch_space *space_find(struct prefetch *p, uint32_t space)
{
	struct prefetch_space *s = p->last;

	if (s && s->space == space)
		return s;
	HASH_FIND(hh, p->spaces, &space, sizeof(space), s);
	if (s)
		p->last = s;
	return s;
}

static struct prefetch_space *space_make(struct prefetch *p, uint32_t space)
{
	struct prefetch_space *s = space_find(p, space);

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->space = space;
	s->in_hash = true;
	HASH_ADD(hh, p->spaces, space, sizeof(s->space), s);
	if (!s->in_hash) {
		free(s);
		return NULL;
	}
	p->last = s;
	return s;
}

void prefetch_space_exit(struct prefetch *p, uint32_t space)
{
	struct prefetch_space *s = space_find(p, space);

	if (!s)
		return;
	HASH_DEL(p->spaces, s);
	p->last = NULL;
	free(s);
}

/* n pages at this distance from each other, as far as page numbers go. */
static uint32_t line_up(uint64_t vpn, int64_t step, uint32_t n, uint64_t *vpns)
{
	uint32_t i = 0;

	while (i < n) {
		uint64_t next = vpn + (uint64_t)step;

		if (step > 0 ? next < vpn : next > vpn)
			break;
		vpn = vpns[i++] = next;
	}
	return i;
}

/* The step that more than half of the most recent n have; 0: none has. */
static int64_t majority(const struct prefetch_space *s, uint32_t n)
{
	uint32_t votes = 0, found = 0;
	int64_t candidate = 0;

	for (uint32_t i = 1; i <= n; i++) {
		int64_t step = s->steps[(s->next - i) % PREFETCH_HISTORY];

		if (!votes)
			candidate = step;
		votes += step == candidate ? 1 : -1u;
	}
	for (uint32_t i = 1; i <= n; i++)
		found += s->steps[(s->next - i) % PREFETCH_HISTORY] == candidate;
	return found > n / 2 ? candidate : 0;
}

static int64_t trend_find(const struct prefetch_space *s)
{
	for (uint32_t n = PREFETCH_HISTORY / PREFETCH_SPLIT; n <= PREFETCH_HISTORY; n *= 2) {
		int64_t step = majority(s, n < s->n ? n : s->n);

		if (step)
			return step;
	}
	return 0;
}

static uint32_t window_next(struct prefetch_space *s, bool follows)
{
	uint32_t window = follows ? 1 : 0;

	if (s->hits)
		for (window = 1; window <= s->hits && window < PREFETCH_TREND_MAX;)
			window *= 2;
	if (window < s->window / 2)
		window = s->window / 2;
	s->window = window;
	s->hits = 0;
	return window;
}

/* A hit is part of a window that is being used up: it counts, and the next window is due at the next fault. */
static uint32_t trend_event(struct prefetch_space *s, uint64_t vpn, uint32_t hits, uint64_t *vpns)
{
	int64_t trend;

	if (s->has_step) {
		s->steps[s->next] = s->step;
		s->next = (s->next + 1) % PREFETCH_HISTORY;
		s->n += s->n < PREFETCH_HISTORY;
	}
	if (hits) {
		s->hits += hits;
		return 0;
	}
	trend = trend_find(s);
	if (trend)
		s->trend = trend;
	if (!s->trend)
		return 0;
	return line_up(vpn, s->trend, window_next(s, s->step == s->trend), vpns);
}

uint32_t prefetch_event(struct prefetch *p, uint32_t space, uint64_t vpn, uint32_t hits,
			uint64_t vpns[PREFETCH_MAX])
{
	struct prefetch_space *s = space_make(p, space);
	int64_t before;
	bool steady;

	if (!s)
		return 0;
	before = s->step;
	s->has_step = s->seen;
	s->step = s->seen ? (int64_t)(vpn - s->vpn) : 0;
	steady = s->step && s->step == before;
	s->vpn = vpn;
	s->seen = true;
	switch (p->config.kind) {
	case PREFETCH_SEQ:
		return line_up(vpn, 1, p->config.distance, vpns);
	case PREFETCH_STRIDE:
		return steady ? line_up(vpn, s->step, p->config.distance, vpns) : 0;
	default:
		return trend_event(s, vpn, hits, vpns);
	}
}
