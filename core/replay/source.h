/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - where references come from: a stream of blocks that can be read again from its beginning.
 *
 * Page ids are dense, in order of first appearance, and the same in every pass (replay.h says what a reference is).
 */
#ifndef VMM_REPLAY_SOURCE_H
#define VMM_REPLAY_SOURCE_H

#include <stddef.h>
#include <stdint.h>

struct replay_source {
	/* Up to `max` references; *n == 0 at the end. 0 or -errno. */
	int (*read)(struct replay_source *s, uint32_t *refs, size_t max, size_t *n);
	/* Back to the beginning. 0 or -errno (-ESPIPE: it can be read once only). */
	int (*rewind)(struct replay_source *s);
	uint32_t pages; /* ids that were read so far in any pass are below this */
	double done;    /* share of the source that was read in this pass, 0 to 1; < 0: unknown */
};

/* References in an array that somebody else owns. */
struct replay_array {
	struct replay_source source;
	const uint32_t *refs;
	size_t n, at;
};

void replay_array_init(struct replay_array *a, const uint32_t *refs, size_t n);

#endif
