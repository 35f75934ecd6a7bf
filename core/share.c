/* SPDX-License-Identifier: Apache-2.0 */
/* share.c - see share.h: mappers and rows. Their faults are in share_fault.c. */
#include "core/share.h"
#include "core/core_internal.h"
#include "core/object.h"

#include <errno.h>
#include <stdlib.h>

#define MAPPERS_FIRST 64u

static void mapping_set(const struct vmm *v, struct mapping *m, uint32_t mapper)
{
	const struct mapper *x = &v->share.mappers[mapper];

	*m = (struct mapping){
		.vpn = x->vpn, .space = x->space, .mapper = mapper, .flags = x->flags
	};
}

bool mapping_first(const struct vmm *v, uint32_t id, struct mapping *m)
{
	const struct page *p = &v->pages[id];

	if (p->sharing & PAGE_MAPPERS) {
		uint32_t first = v->share.rows[id].first;

		if (first != VMM_NONE)
			mapping_set(v, m, first);
		return first != VMM_NONE;
	}
	*m = (struct mapping){
		.vpn = p->vpn, .space = p->space, .mapper = VMM_NONE, .flags = MAPPER_PRESENT
	};
	return true;
}

bool mapping_next(const struct vmm *v, uint32_t id, struct mapping *m)
{
	uint32_t next;

	if (m->mapper == VMM_NONE)
		return false;
	next = v->share.mappers[m->mapper].next;
	if (next == v->share.rows[id].first)
		return false;
	mapping_set(v, m, next);
	return true;
}

void mapping_at(const struct vmm *v, uint32_t space, uint64_t vpn, uint32_t id, struct mapping *m)
{
	uint32_t value = VMM_NONE;

	if (v->pages[id].sharing & PAGE_MAPPERS)
		value = page_map_get((struct page_map *)&v->map, space, vpn);
	if (value == VMM_NONE)
		mapping_first(v, id, m);
	else
		mapping_set(v, m, value & ~MAPPER_BIT);
}

void share_init(struct share_table *s)
{
	*s = (struct share_table){ .free = VMM_NONE };
}

void share_destroy(struct share_table *s)
{
	free(s->mappers);
	free(s->rows);
	share_init(s);
}

int share_rows_grow(struct vmm *v, uint64_t pages)
{
	struct page_share *rows = realloc(v->share.rows, pages * sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	v->share.rows = rows;
	return 0;
}

int share_reserve(struct vmm *v, uint64_t n)
{
	struct share_table *s = &v->share;
	uint64_t room = s->capacity ? s->capacity : MAPPERS_FIRST;
	struct mapper *more;

	if (!s->rows && share_rows_grow(v, v->page_capacity ? v->page_capacity : 1))
		return -ENOMEM;
	if (n <= s->free_count + (uint64_t)(s->capacity - s->made))
		return 0;
	if (n > MAPPERS_MAX - s->made)
		return -ENOMEM;
	while (room < s->made + n)
		room *= 2;
	if (room > MAPPERS_MAX)
		room = MAPPERS_MAX;
	more = realloc(s->mappers, room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->mappers = more;
	s->capacity = (uint32_t)room;
	return 0;
}

/* The row's mappers that are present change by `by`: so do the frames that sharing saves. */
static void present_add(struct vmm *v, uint32_t page, int by)
{
	struct page_share *row = &v->share.rows[page];
	uint32_t before = row->present, after = before + (uint32_t)by;
	enum share_kind kind = v->pages[page].sharing & PAGE_OBJECT ? SHARE_OBJECT : SHARE_COW;
	uint64_t *saved = &v->share.saved[kind];
	uint64_t *peak = kind == SHARE_COW ? &v->stats.cow_pages_saved
					   : &v->stats.shared_pages_saved;

	row->present = after;
	*saved += (after > 1 ? after - 1 : 0);
	*saved -= (before > 1 ? before - 1 : 0);
	if (*peak < *saved)
		*peak = *saved;
}

void mapper_set_present(struct vmm *v, uint32_t mapper, bool present)
{
	struct mapper *m = &v->share.mappers[mapper];

	if (!(m->flags & MAPPER_PRESENT) == !present)
		return;
	m->flags ^= MAPPER_PRESENT;
	present_add(v, m->page, present ? 1 : -1);
}

void share_absent(struct vmm *v, uint32_t page)
{
	struct mapping m;

	if (!(v->pages[page].sharing & PAGE_MAPPERS) || !v->share.rows[page].present)
		return;
	for (bool more = mapping_first(v, page, &m); more; more = mapping_next(v, page, &m))
		mapper_set_present(v, m.mapper, false);
}

void share_row_make(struct vmm *v, uint32_t page, uint32_t object, uint64_t object_page)
{
	v->share.rows[page] = (struct page_share){ .object_page = object_page,
						   .object = object,
						   .first = VMM_NONE };
	v->pages[page].sharing |= PAGE_MAPPERS;
}

uint32_t mapper_add(struct vmm *v, uint32_t page, uint32_t space, uint64_t vpn, uint8_t flags)
{
	struct share_table *s = &v->share;
	struct page_share *row = &s->rows[page];
	uint32_t at = s->free != VMM_NONE ? s->free : s->made;
	struct mapper *m = &s->mappers[at];

	if (at == s->made) {
		s->made++;
	} else {
		s->free = m->next;
		s->free_count--;
	}
	*m = (struct mapper){ .vpn = vpn,
			      .space = space,
			      .page = page,
			      .next = at,
			      .prev = at,
			      .flags = flags & (uint8_t)~MAPPER_PRESENT };
	if (row->first != VMM_NONE) {
		struct mapper *first = &s->mappers[row->first];

		m->next = row->first;
		m->prev = first->prev;
		s->mappers[first->prev].next = at;
		first->prev = at;
	} else {
		row->first = at;
		v->pages[page].space = space;
		v->pages[page].vpn = vpn;
	}
	row->count++;
	page_map_set(&v->map, space, vpn, at | MAPPER_BIT);
	mapper_set_present(v, at, flags & MAPPER_PRESENT);
	return at;
}

void mapper_remove(struct vmm *v, uint32_t mapper)
{
	struct share_table *s = &v->share;
	struct mapper *m = &s->mappers[mapper];
	struct page_share *row = &s->rows[m->page];

	mapper_set_present(v, mapper, false);
	s->mappers[m->prev].next = m->next;
	s->mappers[m->next].prev = m->prev;
	if (row->first == mapper)
		row->first = m->next == mapper ? VMM_NONE : m->next;
	row->count--;
	if (row->first != VMM_NONE) {
		v->pages[m->page].space = s->mappers[row->first].space;
		v->pages[m->page].vpn = s->mappers[row->first].vpn;
	}
	m->page = VMM_NONE;
	m->next = s->free;
	s->free = mapper;
	s->free_count++;
}

bool share_hits(const struct vmm *v, uint32_t value, bool write)
{
	const struct mapper *m = &v->share.mappers[value & ~MAPPER_BIT];

	if (!(m->flags & MAPPER_PRESENT))
		return false;
	return !write ||
	       (!(m->flags & MAPPER_READ_ONLY) && share_may_write(&v->pages[m->page], m->flags));
}

/* --- the check ---------------------------------------------------------------------------------------------------- */

static bool row_ok(const struct vmm *v, uint32_t id, uint64_t *mappers)
{
	const struct page_share *row = &v->share.rows[id];
	const struct page *p = &v->pages[id];
	bool taken = page_resident(p) || p->state == PAGE_EVICTING;
	uint32_t count = 0, present = 0;
	struct mapping m;

	for (bool more = mapping_first(v, id, &m); more; more = mapping_next(v, id, &m)) {
		const struct mapper *x = &v->share.mappers[m.mapper];

		if (++count > row->count || x->page != id ||
		    v->share.mappers[x->next].prev != m.mapper ||
		    page_map_get((struct page_map *)&v->map, x->space, x->vpn) !=
			    (m.mapper | MAPPER_BIT))
			return false;
		present += x->flags & MAPPER_PRESENT;
	}
	*mappers += count;
	if (count != row->count || present != row->present || (present && !taken))
		return false;
	if (p->sharing & PAGE_OBJECT)
		return !(p->sharing & PAGE_COW) && object_page_at(v, row) == id;
	return count > 0 && !(p->sharing & PAGE_FILE);
}

bool share_check(const struct vmm *v)
{
	const struct share_table *s = &v->share;
	uint64_t mappers = 0, saved[SHARE_KINDS] = { 0 };
	uint32_t unused = 0;

	for (uint32_t id = 0; id < v->page_count; id++) {
		uint8_t sharing = v->pages[id].sharing;

		if (v->pages[id].flags & PAGE_GONE)
			continue;
		if (!(sharing & PAGE_MAPPERS)) {
			if (sharing)
				return false;
			continue;
		}
		if (!row_ok(v, id, &mappers))
			return false;
		if (s->rows[id].present)
			saved[sharing & PAGE_OBJECT ? SHARE_OBJECT : SHARE_COW] +=
				s->rows[id].present - 1;
	}
	for (uint32_t at = s->free; at != VMM_NONE; at = s->mappers[at].next)
		if (at >= s->made || s->mappers[at].page != VMM_NONE || unused++ >= s->made)
			return false;
	return unused == s->free_count && mappers + unused == s->made &&
	       saved[SHARE_COW] == s->saved[SHARE_COW] &&
	       saved[SHARE_OBJECT] == s->saved[SHARE_OBJECT];
}
