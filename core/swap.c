/* SPDX-License-Identifier: Apache-2.0 */
/* swap.c - handing out slots and taking them back. */
#include "core/swap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 256u
#define SLOTS_MAX (UINT32_MAX - 1)

void swap_init(struct swap *s, uint32_t capacity)
{
	memset(s, 0, sizeof(*s));
	s->capacity = capacity ? capacity : SLOTS_MAX;
}

void swap_destroy(struct swap *s)
{
	free(s->refs);
	free(s->free_stack);
	memset(s, 0, sizeof(*s));
}

static int grow(struct swap *s)
{
	uint64_t n = s->allocated ? (uint64_t)s->allocated * 2 : SLOTS_FIRST;
	uint32_t *array;

	if (n > s->capacity)
		n = s->capacity;
	array = realloc(s->refs, n * sizeof(*array));
	if (!array)
		return -ENOMEM;
	s->refs = array;
	array = realloc(s->free_stack, n * sizeof(*array));
	if (!array)
		return -ENOMEM;
	s->free_stack = array;
	s->allocated = (uint32_t)n;
	return 0;
}

int swap_take(struct swap *s, uint32_t *slot)
{
	if (s->free_count) {
		*slot = s->free_stack[--s->free_count];
	} else if (s->fresh == s->capacity) {
		return -ENOSPC;
	} else {
		if (s->fresh == s->allocated && grow(s))
			return -ENOMEM;
		*slot = s->fresh++;
	}
	s->refs[*slot] = 1;
	if (++s->used > s->peak)
		s->peak = s->used;
	return 0;
}

uint32_t swap_inc_ref(struct swap *s, uint32_t slot)
{
	return ++s->refs[slot];
}

uint32_t swap_dec_ref(struct swap *s, uint32_t slot)
{
	if (--s->refs[slot])
		return s->refs[slot];
	s->free_stack[s->free_count++] = slot;
	s->used--;
	return 0;
}

int swap_check(const struct swap *s)
{
	uint32_t used = 0;

	if (s->fresh > s->capacity || s->fresh > s->allocated || s->used > s->peak)
		return -EINVAL;
	for (uint32_t slot = 0; slot < s->fresh; slot++)
		used += s->refs[slot] != 0;
	for (uint32_t i = 0; i < s->free_count; i++)
		if (s->free_stack[i] >= s->fresh || s->refs[s->free_stack[i]])
			return -EINVAL;
	return used == s->used && used + s->free_count == s->fresh ? 0 : -EINVAL;
}
