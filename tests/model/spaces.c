/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spaces.c - see spaces.h. Every question is answered by looking at everything.
 *
 * Rules:
 *   content     is reached through addresses; anonymous content that no address leads to is gone. Content of an object
 *               stays until no address of any process is mapped to the object, unless the object was created to stay.
 *   write       through a private address to content that others reach too (since a fork), or that belongs to an object:
 *               the address gets new content of its own, copied. With nobody else left it is written in place, one fault.
 *   copying     the frame copied from is not evicted for the copy, unless it is the only one
 *   file        content is clean when it comes; dirty content is written to the file when it is evicted, when its last address is
 *               unmapped or discarded, by sync, and when the object ends
 *   eviction    takes the content from every address: none is present
 *   clock       as in model.c; a bit that is clear makes the next use a soft fault, unless that is another fault anyway
 */
#include "tests/model/spaces.h"

#include <assert.h>
#include <string.h>

void spaces_init(struct spaces *m, enum spaces_policy policy, int frames, bool track_dirty)
{
	memset(m, 0, sizeof(*m));
	m->policy = policy;
	m->frames = frames;
	m->track_dirty = track_dirty;
	for (int p = 0; p < SPACES; p++)
		for (int i = 0; i < SPACES_PAGES; i++)
			m->at[p][i].content = -1;
	for (int o = 0; o < SPACES_OBJECTS; o++)
		for (int i = 0; i < SPACES_OBJECT_PAGES; i++)
			m->object_content[o][i] = -1;
}

/* How many addresses lead to the content; only those that are present. */
static int addresses(const struct spaces *m, int content, bool present)
{
	int n = 0;

	for (int p = 0; p < SPACES; p++)
		for (int i = 0; i < SPACES_PAGES; i++)
			n += m->at[p][i].content == content && (!present || m->at[p][i].present);
	return n;
}

static int content_new(struct spaces *m)
{
	int c = 0;

	while (m->contents[c].used)
		c++;
	assert(c < SPACES_CONTENTS);
	m->contents[c] = (struct content){ .used = true };
	return c;
}

/* --- the policy --------------------------------------------------------------------------------------------------- */

static void line_remove(struct spaces *m, int content)
{
	int at = 0;

	while (m->line[at] != content)
		at++;
	m->line_count--;
	memmove(&m->line[at], &m->line[at + 1], (size_t)(m->line_count - at) * sizeof(int));
	if (at < m->hand)
		m->hand--;
	m->contents[content].resident = false;
}

static void line_add(struct spaces *m, int content)
{
	int at = m->policy == SPACES_CLOCK ? m->hand++ : m->line_count;

	memmove(&m->line[at + 1], &m->line[at], (size_t)(m->line_count - at) * sizeof(int));
	m->line[at] = content;
	m->line_count++;
	m->contents[content].resident = true;
	m->contents[content].referenced = true;
}

static int victim(struct spaces *m, int pinned)
{
	if (m->line_count == 1)
		return m->line[0];
	if (m->policy != SPACES_CLOCK)
		return m->line[m->line[0] == pinned];
	for (;; m->hand++) {
		struct content *c;

		if (m->hand >= m->line_count)
			m->hand = 0;
		c = &m->contents[m->line[m->hand]];
		if (m->line[m->hand] == pinned)
			continue;
		if (!c->referenced)
			return m->line[m->hand];
		c->referenced = false;
	}
}

static void make_room(struct spaces *m, int pinned)
{
	struct content *c;
	int out;

	if (m->line_count < m->frames)
		return;
	out = victim(m, pinned);
	c = &m->contents[out];
	line_remove(m, out);
	m->n.evictions++;
	m->n.dirty += c->written;
	if (c->is_file) {
		m->n.file_dirty += c->written;
		m->n.file_clean += !c->written;
		m->n.file_writes += c->written;
	} else {
		m->n.store_writes += c->written;
		c->stored |= c->written;
	}
	c->written = false;
	for (int p = 0; p < SPACES; p++)
		for (int i = 0; i < SPACES_PAGES; i++)
			if (m->at[p][i].content == out)
				m->at[p][i].present = false;
}

/* --- peaks -------------------------------------------------------------------------------------------------------- */

static void note_saved(struct spaces *m)
{
	uint64_t cow = 0, shared = 0;

	for (int c = 0; c < SPACES_CONTENTS; c++) {
		int n = m->contents[c].used ? addresses(m, c, true) : 0;

		if (n > 1)
			*(m->contents[c].in_object ? &shared : &cow) += (uint64_t)n - 1;
	}
	if (m->n.cow_saved < cow)
		m->n.cow_saved = cow;
	if (m->n.shared_saved < shared)
		m->n.shared_saved = shared;
}

static void note_footprint(struct spaces *m)
{
	uint64_t n = 0;

	for (int c = 0; c < SPACES_CONTENTS; c++)
		n += m->contents[c].used && (m->contents[c].resident || m->contents[c].stored);
	if (m->n.footprint < n)
		m->n.footprint = n;
}

/* --- references --------------------------------------------------------------------------------------------------- */

/* The content of an address that was never used. */
static void first_use(struct spaces *m, struct address *a)
{
	int *known = a->mapped && a->backing != SPACES_ANON
			     ? &m->object_content[a->object][a->object_page]
			     : NULL;

	a->present = false;
	a->is_private = !a->mapped || a->backing == SPACES_ANON ||
			a->backing == SPACES_FILE_PRIVATE;
	if (known && *known >= 0) {
		a->content = *known;
		return;
	}
	a->content = content_new(m);
	if (!known)
		return;
	*known = a->content;
	m->contents[a->content].in_object = true;
	m->contents[a->content].is_file = m->object_is_file[a->object];
	m->contents[a->content].stored = m->object_is_file[a->object];
}

static void frame_found(struct spaces *m, int process, bool for_file)
{
	m->n.faults++;
	m->n.file_faults += for_file;
	m->faults_of[process]++;
	note_footprint(m);
}

static int copy(struct spaces *m, int process, struct address *a)
{
	int old = a->content, new;

	make_room(m, m->contents[old].resident ? old : -1);
	new = content_new(m);
	line_add(m, new);
	m->contents[new].written = true;
	m->n.cow++;
	m->n.cow_alloc++;
	if (m->contents[old].resident)
		m->n.copies++;
	else if (m->contents[old].is_file)
		m->n.file_reads++;
	else if (m->contents[old].stored)
		m->n.store_reads++;
	a->content = new;
	a->present = true;
	a->is_private = true;
	frame_found(m, process, m->contents[old].is_file);
	return 1;
}

static int bring_in(struct spaces *m, int process, struct address *a, bool write)
{
	struct content *c = &m->contents[a->content];

	make_room(m, -1);
	line_add(m, a->content);
	c->written = write;
	a->present = true;
	if (c->is_file) {
		m->n.file++;
		m->n.file_reads++;
	} else if (c->stored) {
		m->n.major++;
		m->n.store_reads++;
	} else {
		m->n.zero++;
	}
	if (write && a->is_private)
		c->protected = false;
	frame_found(m, process, c->is_file);
	return 1;
}

static int use_resident(struct spaces *m, struct address *a, bool write, bool takes_over)
{
	struct content *c = &m->contents[a->content];
	bool present = a->present, referenced = c->referenced || m->policy != SPACES_CLOCK;
	bool first_write = m->track_dirty && write && !c->written;

	c->referenced = true;
	c->written |= write;
	a->present = true;
	if (m->policy == SPACES_LRU) {
		line_remove(m, a->content);
		line_add(m, a->content);
	}
	if (takes_over) {
		m->n.cow++;
		c->protected = false;
	} else if (!present) {
		m->n.minor++;
	} else if (!referenced) {
		m->n.soft++;
	} else if (first_write) {
		m->n.writes++;
	} else {
		return 0;
	}
	return 2;
}

int spaces_access(struct spaces *m, int process, int page, bool write)
{
	struct address *a = &m->at[process][page];
	struct content *c;
	bool others, protected;
	int result;

	m->exists[process] = true;
	if (write && a->mapped && a->read_only)
		return -1;
	if (a->content < 0)
		first_use(m, a);
	c = &m->contents[a->content];
	others = addresses(m, a->content, false) > 1;
	protected = write && a->is_private && (c->in_object || c->protected);
	if (protected && (c->in_object || others))
		result = copy(m, process, a);
	else if (!c->resident)
		result = bring_in(m, process, a, write);
	else
		result = use_resident(m, a, write, protected);
	note_saved(m);
	return result;
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static void write_back(struct spaces *m, int content)
{
	struct content *c = &m->contents[content];

	if (c->is_file && c->resident && c->written) {
		c->written = false;
		m->n.file_writes++;
	}
}

static void content_end(struct spaces *m, int content)
{
	write_back(m, content);
	if (m->contents[content].resident)
		line_remove(m, content);
	m->contents[content].used = false;
}

static void leave(struct spaces *m, struct address *a, bool count)
{
	int c = a->content;

	a->content = -1;
	a->present = false;
	if (c < 0 || addresses(m, c, false))
		return;
	if (m->contents[c].in_object) {
		write_back(m, c);
		return;
	}
	m->n.unmapped += count && (m->contents[c].resident || m->contents[c].stored);
	content_end(m, c);
}

/* Objects that nobody maps any more. */
static void objects_end(struct spaces *m)
{
	for (int o = 0; o < SPACES_OBJECTS; o++) {
		bool mapped = m->object_stays[o];

		for (int p = 0; p < SPACES; p++)
			for (int i = 0; i < SPACES_PAGES; i++)
				mapped |= m->at[p][i].mapped &&
					  m->at[p][i].backing != SPACES_ANON &&
					  m->at[p][i].object == o;
		for (int i = 0; i < SPACES_OBJECT_PAGES && !mapped; i++)
			if (m->object_content[o][i] >= 0) {
				content_end(m, m->object_content[o][i]);
				m->object_content[o][i] = -1;
			}
	}
}

static void unmap(struct spaces *m, int process, int page, int n, bool count)
{
	for (int i = page; i < page + n; i++) {
		leave(m, &m->at[process][i], count);
		m->at[process][i].mapped = false;
	}
}

void spaces_unmap(struct spaces *m, int process, int page, int n)
{
	unmap(m, process, page, n, true);
	objects_end(m);
}

void spaces_map(struct spaces *m, int process, int page, int n, enum spaces_backing backing,
		int object, int object_page, bool read_only)
{
	m->exists[process] = true;
	unmap(m, process, page, n, true);
	for (int i = 0; i < n; i++)
		m->at[process][page + i] = (struct address){ .mapped = true,
							     .read_only = read_only,
							     .backing = backing,
							     .object = object,
							     .object_page = object_page + i,
							     .content = -1 };
	objects_end(m);
}

void spaces_discard(struct spaces *m, int process, int page, int n)
{
	for (int i = page; i < page + n; i++)
		leave(m, &m->at[process][i], true);
}

void spaces_sync(struct spaces *m, int process, int page, int n)
{
	for (int i = page; i < page + n; i++) {
		const struct address *a = &m->at[process][i];
		uint64_t before = m->n.file_writes;

		if (a->content >= 0 && !a->is_private)
			write_back(m, a->content);
		m->n.synced += m->n.file_writes - before;
	}
}

int spaces_fork(struct spaces *m, int parent, int child)
{
	m->exists[parent] = true;
	for (int i = 0; i < SPACES_PAGES; i++) {
		const struct address *a = &m->at[child][i];
		bool special = a->mapped && (a->backing != SPACES_ANON || a->read_only);

		if (special || (a->content >= 0 && (m->contents[a->content].resident ||
						    m->contents[a->content].stored)))
			return -1;
	}
	unmap(m, child, 0, SPACES_PAGES, false);
	m->exists[child] = true;
	for (int i = 0; i < SPACES_PAGES; i++) {
		struct content *c;

		m->at[child][i] = m->at[parent][i];
		if (m->at[child][i].content < 0)
			continue;
		c = &m->contents[m->at[child][i].content];
		if (!c->resident && !c->stored)
			m->at[child][i].content = -1;
		else if (!c->in_object)
			c->protected = true;
	}
	note_saved(m);
	return 0;
}

int spaces_exit(struct spaces *m, int process)
{
	if (!m->exists[process])
		return -1;
	m->exists[process] = false;
	unmap(m, process, 0, SPACES_PAGES, false);
	objects_end(m);
	return 0;
}
