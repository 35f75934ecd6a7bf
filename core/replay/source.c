/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - references in an array as a source (source.h). */
#include "core/replay/source.h"
#include "core/replay/replay.h"

#include <string.h>

static int array_read(struct replay_source *s, uint32_t *refs, size_t max, size_t *n)
{
	struct replay_array *a = (struct replay_array *)s;
	size_t k = a->n - a->at < max ? a->n - a->at : max;

	memcpy(refs, a->refs + a->at, k * sizeof(*refs));
	for (size_t i = 0; i < k; i++)
		if ((refs[i] & REPLAY_PAGE) >= s->pages)
			s->pages = (refs[i] & REPLAY_PAGE) + 1;
	a->at += k;
	s->done = a->n ? (double)a->at / (double)a->n : 1;
	*n = k;
	return 0;
}

static int array_rewind(struct replay_source *s)
{
	struct replay_array *a = (struct replay_array *)s;

	a->at = 0;
	s->done = 0;
	return 0;
}

void replay_array_init(struct replay_array *a, const uint32_t *refs, size_t n)
{
	*a = (struct replay_array){
		.source = { .read = array_read, .rewind = array_rewind },
		.refs = refs,
		.n = n,
	};
}
