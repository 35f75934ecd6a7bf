/* SPDX-License-Identifier: Apache-2.0 */
/* slot_table.c - see slot_table.h. */
#include "pager/stores/slot_table.h"

#include <stdlib.h>

#define CAP_FIRST 256u

static int grow(struct slot_table *s)
{
	uint64_t cap = s->cap ? (uint64_t)s->cap * 2 : CAP_FIRST;
	void *p;

	if (cap > UINT32_MAX)
		return -1;
	if (!(p = realloc(s->refs, cap * sizeof(*s->refs))))
		return -1;
	s->refs = p;
	if (!(p = realloc(s->freed, cap * sizeof(*s->freed))))
		return -1;
	s->freed = p;
	if (!(p = realloc(s->record, cap * s->record_bytes)))
		return -1;
	s->record = p;
	s->cap = (uint32_t)cap;
	return 0;
}

uint32_t slot_table_new(struct slot_table *s)
{
	uint32_t slot;

	if (s->n < s->len) {
		slot = s->freed[s->len - s->n - 1];
	} else {
		if (s->len == s->cap && grow(s) < 0)
			return UINT32_MAX;
		slot = s->len++;
	}
	s->n++;
	s->refs[slot] = 1;
	return slot;
}

void slot_table_free(struct slot_table *s, uint32_t slot)
{
	s->refs[slot] = 0;
	s->n--;
	s->freed[s->len - s->n - 1] = slot;
}

uint64_t slot_table_bytes(const struct slot_table *s)
{
	return (uint64_t)s->cap * (s->record_bytes + sizeof(*s->refs) + sizeof(*s->freed));
}

void slot_table_destroy(struct slot_table *s)
{
	free(s->refs);
	free(s->freed);
	free(s->record);
}
