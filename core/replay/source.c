/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - references in an array as a source, and the list of what goes (source.h). */
#include "core/replay/source.h"
#include "core/replay/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more element. 0, -ENOMEM. */
static int grow(void **array, uint32_t n, uint32_t *capacity, size_t size)
{
	uint64_t want = *capacity ? 2 * (uint64_t)*capacity : 64;
	void *p;

	if (n < *capacity)
		return 0;
	if (want > UINT32_MAX)
		return -ENOMEM;
	p = realloc(*array, want * size);
	if (!p)
		return -ENOMEM;
	*array = p;
	*capacity = (uint32_t)want;
	return 0;
}

int replay_events_add(struct replay_events *e, size_t at, uint32_t id, enum remove_why why)
{
	struct replay_gone *last;

	if (grow((void **)&e->ids, e->n_ids, &e->ids_capacity, sizeof(*e->ids)))
		return -ENOMEM;
	if (!e->n || e->list[e->n - 1].at != at || e->list[e->n - 1].why != why) {
		if (grow((void **)&e->list, e->n, &e->capacity, sizeof(*e->list)))
			return -ENOMEM;
		e->list[e->n++] = (struct replay_gone){ .at = at, .first = e->n_ids, .why = why };
	}
	last = &e->list[e->n - 1];
	e->ids[e->n_ids++] = id;
	last->count++;
	return 0;
}

void replay_events_destroy(struct replay_events *e)
{
	free(e->list);
	free(e->ids);
	*e = (struct replay_events){ .n = 0 };
}

static int array_read(struct replay_source *s, uint32_t *refs, size_t max, size_t *n)
{
	struct replay_array *a = (struct replay_array *)s;
	size_t k = a->n - a->at < max ? a->n - a->at : max;

	if (s->events)
		s->events->n = s->events->n_ids = 0;
	if (s->leaves)
		s->leaves->n = s->leaves->n_ids = 0;
	memcpy(refs, a->refs + a->at, k * sizeof(*refs));
	for (size_t i = 0; i < k; i++)
		if ((refs[i] & REPLAY_PAGE) >= s->distinct)
			s->distinct = (refs[i] & REPLAY_PAGE) + 1;
	if (s->pages < s->distinct)
		s->pages = s->distinct;
	s->appeared = s->distinct;
	a->at += k;
	s->done = a->n ? (double)a->at / (double)a->n : 1;
	*n = k;
	return 0;
}

static int array_rewind(struct replay_source *s)
{
	struct replay_array *a = (struct replay_array *)s;

	a->at = 0;
	s->appeared = s->distinct = 0;
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
