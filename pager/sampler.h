/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler.h - when to take the next of a series of measurements, none of which may cost the program much.
 *
 * Due every interval_ns, which doubles from its first value to its largest; allowed in between, when something is about to be
 * lost. Neither before the pager has done something else for `share` times as long as the last one took.
 */
#ifndef PAGER_SAMPLER_H
#define PAGER_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

struct sampler {
	uint64_t interval_ns;
	uint64_t allowed_ns, due_ns; /* CLOCK_MONOTONIC */
};

/* Something new began at `now`: small intervals again. */
static inline void sampler_start(struct sampler *s, uint64_t now, uint64_t first_ns)
{
	s->interval_ns = first_ns;
	if (s->due_ns > now + first_ns || !s->due_ns)
		s->due_ns = now + first_ns;
}

static inline bool sampler_due(const struct sampler *s, uint64_t now)
{
	return now >= s->due_ns && now >= s->allowed_ns;
}

static inline bool sampler_allowed(const struct sampler *s, uint64_t now)
{
	return now >= s->allowed_ns;
}

static inline void sampler_done(struct sampler *s, uint64_t begin, uint64_t end,
				uint64_t largest_ns, uint32_t share)
{
	s->allowed_ns = end + (end - begin) * share;
	s->due_ns = end + s->interval_ns;
	s->interval_ns = s->interval_ns * 2 < largest_ns ? s->interval_ns * 2 : largest_ns;
}

/* Milliseconds to sleep before the next one, at most `most`. */
static inline int sampler_wait_ms(const struct sampler *s, uint64_t now, int most)
{
	uint64_t next = s->due_ns > s->allowed_ns ? s->due_ns : s->allowed_ns;

	if (next <= now)
		return 0;
	return next - now < (uint64_t)most * 1000000 ? (int)((next - now) / 1000000) + 1 : most;
}

#endif
