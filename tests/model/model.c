/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.c - see model.h. Plain arrays, shifted by hand; nothing is clever.
 *
 * Rules, each stated as its source has it:
 *   fifo    the page that came first goes (Belady 1966)
 *   random  draw frame numbers below the number of frames until one is occupied
 *   clock   a circle of pages; the hand clears set bits and takes the first page whose bit is clear; the new page takes
 *           the place just behind the hand; bits are set by loading and by every use (Corbato 1968)
 *   nru     after `reset` faults clear all bits; the victim is a random page of the lowest class (referenced, written),
 *           counted in frame order (Tanenbaum)
 *   sieve   new pages at the head; the hand goes from tail to head, clears set bits, takes the first clear one, and stays
 *           between that one's neighbours (Zhang et al. 2024). Loading does not set the bit.
 *
 * Where the hardware has no reference bit, a page whose bit is clear is unmapped, and its next use is a soft fault that
 * sets the bit. Probation: a sieve page stays mapped after loading, so that its uses are not seen, until the next fault
 * of any kind of the same process. A page that was only read is mapped read-only: its first write is a fault as well.
 *
 * Holding: each thread holds the pages of its last faults of any kind: d of them, d = frames / 2 / threads, at least 1
 * and at most 8, and 1 when there is one thread. Only threads that have faulted count. For the time of its own fault
 * a thread holds d - 1, the page that it faults on left out. A page that is held is passed over: it does not leave,
 * its bit is not cleared, its probation does not end.
 *
 * Frames: never used ones from 0 on, then the frame freed last. Contents: a page that leaves unwritten and was never
 * stored is forgotten; it comes back as zeros.
 *
 * Compiled with -DMODEL_MAIN it is a program:
 *   model POLICY FRAMES[,FRAMES...] [seed=N] [reset=N] [page=BYTES] < log
 * where the log has lines "<pid> <R|W> <0xaddr>"; prints one JSON object a line.
 */
#include "tests/model/model.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOBODY UINT32_MAX
#define HOLD_MOST 8

struct mpage {
	uint32_t pid;
	uint64_t number;
	uint32_t frame; /* NOBODY: not resident */
	bool stored, written, referenced, on_probation;
	uint32_t holders;
};

/* Of a process; kept at its first page. */
struct mthread {
	bool known;
	uint32_t held[HOLD_MOST], held_count; /* the oldest first */
};

struct model {
	const struct model_config *c;
	struct model_counts *n;
	struct mpage *pages;
	uint32_t page_count;
	uint32_t *in_frame;   /* page by frame, NOBODY */
	uint32_t *free_stack; /* all frames, lowest on top at first */
	uint32_t free_count;
	uint32_t *line; /* pages in the policy's order */
	uint32_t line_count;
	uint32_t hand;
	uint64_t last_reset, prng;
	uint32_t *owner; /* first page of the process, by page */
	struct mthread *threads;
	uint32_t thread_count;
};

static const char *const names[MODEL_POLICIES] = { "fifo", "random", "clock", "nru", "sieve" };

int model_policy_by_name(const char *name)
{
	for (int i = 0; i < MODEL_POLICIES; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

/* A random number below n: splitmix64, scaled by multiplication. */
static uint32_t draw(struct model *m, uint32_t n)
{
	uint64_t z;

	m->prng += 0x9E3779B97F4A7C15u;
	z = m->prng;
	z ^= z >> 30;
	z *= 0xBF58476D1CE4E5B9u;
	z ^= z >> 27;
	z *= 0x94D049BB133111EBu;
	z ^= z >> 31;
	return (uint32_t)((unsigned __int128)z * n >> 64);
}

static void line_insert(struct model *m, uint32_t at, uint32_t page)
{
	memmove(&m->line[at + 1], &m->line[at], (m->line_count - at) * sizeof(m->line[0]));
	m->line[at] = page;
	m->line_count++;
}

static uint32_t line_take(struct model *m, uint32_t at)
{
	uint32_t page = m->line[at];

	m->line_count--;
	memmove(&m->line[at], &m->line[at + 1], (m->line_count - at) * sizeof(m->line[0]));
	return page;
}

/* line[hand] is the page under the hand; past the end means the start. */
static uint32_t clock_victim(struct model *m)
{
	for (;;) {
		struct mpage *p;

		if (m->hand == m->line_count)
			m->hand = 0;
		p = &m->pages[m->line[m->hand]];
		if (!p->referenced && !p->holders)
			return line_take(m, m->hand);
		if (!p->holders)
			p->referenced = false;
		m->hand++;
	}
}

/* line[0] is the tail. The hand is an index into it, past the end means back to the tail. */
static uint32_t sieve_victim(struct model *m)
{
	for (;;) {
		struct mpage *p;

		if (m->hand >= m->line_count)
			m->hand = 0;
		p = &m->pages[m->line[m->hand]];
		if (!p->referenced && !p->holders)
			break;
		if (!p->holders)
			p->referenced = false;
		m->hand++;
	}
	/* The hand goes on to the next page towards the head; from the head, back to the tail. */
	if (m->hand == m->line_count - 1) {
		uint32_t at = m->hand;

		m->hand = 0;
		return line_take(m, at);
	}
	return line_take(m, m->hand);
}

/* The k-th page of a class in frame order, from 0. NOBODY, and their number in *size, when there are no more than k. */
static uint32_t nth_of_class(const struct model *m, int class, uint32_t k, uint32_t *size)
{
	*size = 0;
	for (uint32_t f = 0; f < m->c->frames; f++) {
		uint32_t id = m->in_frame[f];

		if (id == NOBODY || m->pages[id].holders ||
		    m->pages[id].referenced * 2 + m->pages[id].written != class)
			continue;
		if ((*size)++ == k)
			return id;
	}
	return NOBODY;
}

static uint32_t nru_victim(struct model *m)
{
	uint64_t reset = m->c->reset ? m->c->reset : m->c->frames;
	uint32_t size = 0;

	if (m->n->faults - m->last_reset >= reset) {
		m->last_reset = m->n->faults;
		for (uint32_t p = 0; p < m->page_count; p++)
			m->pages[p].referenced &= m->pages[p].holders != 0;
	}
	for (int class = 0; class < 4; class ++) {
		nth_of_class(m, class, NOBODY, &size);
		if (size)
			return nth_of_class(m, class, draw(m, size), &size);
	}
	return NOBODY;
}

static uint32_t random_victim(struct model *m)
{
	uint32_t f;

	do
		f = draw(m, m->c->frames);
	while (m->in_frame[f] == NOBODY || m->pages[m->in_frame[f]].holders);
	return m->in_frame[f];
}

static uint32_t fifo_victim(struct model *m)
{
	uint32_t at = 0;

	while (m->pages[m->line[at]].holders)
		at++;
	return line_take(m, at);
}

static uint32_t choose(struct model *m)
{
	switch (m->c->policy) {
	case MODEL_FIFO:
		return fifo_victim(m);
	case MODEL_RANDOM:
		return random_victim(m);
	case MODEL_CLOCK:
		return clock_victim(m);
	case MODEL_NRU:
		return nru_victim(m);
	default:
		return sieve_victim(m);
	}
}

static void evict(struct model *m)
{
	struct mpage *p = &m->pages[choose(m)];

	m->n->evictions++;
	if (p->written) {
		m->n->evictions_dirty++;
		p->stored = true;
	}
	m->in_frame[p->frame] = NOBODY;
	m->free_stack[m->free_count++] = p->frame;
	p->frame = NOBODY;
	p->written = p->referenced = p->on_probation = false;
}

static void load(struct model *m, uint32_t id, bool write)
{
	struct mpage *p = &m->pages[id];

	if (m->free_count == 0)
		evict(m);
	p->frame = m->free_stack[--m->free_count];
	m->in_frame[p->frame] = id;
	p->written = write;
	m->n->faults++;
	if (!p->stored)
		m->n->faults_zero++;
	p->referenced = m->c->policy == MODEL_CLOCK || m->c->policy == MODEL_NRU;
	if (m->c->policy == MODEL_FIFO || m->c->policy == MODEL_SIEVE)
		line_insert(m, m->line_count, id);
	if (m->c->policy == MODEL_CLOCK)
		line_insert(m, m->hand++, id);
	p->on_probation = m->c->policy == MODEL_SIEVE;
}

/* --- what threads hold -------------------------------------------------------------------------------------------- */

static void let_go(struct model *m, struct mthread *t, uint32_t at)
{
	m->pages[t->held[at]].holders--;
	t->held_count--;
	memmove(&t->held[at], &t->held[at + 1], (t->held_count - at) * sizeof(t->held[0]));
}

static uint32_t held_most(const struct model *m)
{
	uint32_t most = m->c->frames / 2 / m->thread_count;

	if (m->thread_count == 1 || most < 1)
		return 1;
	return most < HOLD_MOST ? most : HOLD_MOST;
}

/* The process of page `id` faults on it. */
static void thread_goes_on(struct model *m, uint32_t id)
{
	struct mthread *t = &m->threads[m->owner[id]];

	if (!t->known) {
		t->known = true;
		m->thread_count++;
		for (uint32_t i = 0; i < m->page_count; i++)
			while (m->threads[i].held_count > held_most(m))
				let_go(m, &m->threads[i], 0);
	}
	for (uint32_t i = 0; i < t->held_count; i++)
		if (t->held[i] == id)
			let_go(m, t, i);
	while (t->held_count >= held_most(m))
		let_go(m, t, 0);
	for (uint32_t f = 0; m->c->policy == MODEL_SIEVE && f < m->c->frames; f++) {
		uint32_t other = m->in_frame[f];

		if (other != NOBODY && other != id && m->owner[other] == m->owner[id] &&
		    !m->pages[other].holders)
			m->pages[other].on_probation = false;
	}
}

static void thread_holds(struct model *m, uint32_t id)
{
	struct mthread *t = &m->threads[m->owner[id]];

	if (!m->c->hold)
		return;
	t->held[t->held_count++] = id;
	m->pages[id].holders++;
}

static void touch(struct model *m, uint32_t id, bool write)
{
	struct mpage *p = &m->pages[id];
	bool bits = m->c->policy != MODEL_FIFO && m->c->policy != MODEL_RANDOM;
	bool resident = p->frame != NOBODY;
	bool unmapped = resident && bits && !p->referenced && !p->on_probation;
	bool first_write = resident && write && !p->written;

	if (resident && !unmapped && !first_write)
		return;
	/* A fault of some kind: the process has got past the accesses that loaded its pages. */
	thread_goes_on(m, id);
	if (!resident) {
		load(m, id, write);
	} else if (unmapped) {
		p->referenced = true;
		m->n->soft++;
	} else {
		m->n->writes++;
	}
	p->written |= write;
	thread_holds(m, id);
}

/* --- numbering pages ---------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct mpage *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* The distinct pages, sorted. */
static void number_pages(struct model *m, const struct model_access *a, size_t n)
{
	uint32_t k = 0;

	for (size_t i = 0; i < n; i++)
		m->pages[i] =
			(struct mpage){ .pid = a[i].pid, .number = a[i].page, .frame = NOBODY };
	qsort(m->pages, n, sizeof(m->pages[0]), by_name);
	for (size_t i = 0; i < n; i++)
		if (k == 0 || by_name(&m->pages[k - 1], &m->pages[i]))
			m->pages[k++] = m->pages[i];
	m->page_count = k;
	for (uint32_t i = 0; i < k; i++) {
		m->owner[i] = i && m->pages[i - 1].pid == m->pages[i].pid ? m->owner[i - 1] : i;
	}
}

static uint32_t page_of(const struct model *m, const struct model_access *a)
{
	struct mpage key = { .pid = a->pid, .number = a->page };
	const struct mpage *p = bsearch(&key, m->pages, m->page_count, sizeof(key), by_name);

	return (uint32_t)(p - m->pages);
}

int model_run(const struct model_config *c, const struct model_access *a, size_t n,
	      struct model_counts *counts)
{
	struct model m = { .c = c, .n = counts, .prng = c->seed, .free_count = c->frames };
	int err = -ENOMEM;

	memset(counts, 0, sizeof(*counts));
	if (n == 0 || c->frames == 0)
		return n ? -EINVAL : 0;
	m.pages = malloc(n * sizeof(*m.pages));
	m.threads = calloc(n, sizeof(*m.threads));
	m.owner = malloc(n * sizeof(*m.owner));
	m.in_frame = malloc(c->frames * sizeof(*m.in_frame));
	m.free_stack = malloc(c->frames * sizeof(*m.free_stack));
	m.line = malloc((c->frames + 1) * sizeof(*m.line));
	if (!m.pages || !m.threads || !m.owner || !m.in_frame || !m.free_stack || !m.line)
		goto out;
	number_pages(&m, a, n);
	for (uint32_t f = 0; f < c->frames; f++) {
		m.in_frame[f] = NOBODY;
		m.free_stack[f] = c->frames - 1 - f;
	}
	for (size_t i = 0; i < n; i++)
		touch(&m, page_of(&m, &a[i]), a[i].write);
	err = 0;
out:
	free(m.pages);
	free(m.threads);
	free(m.owner);
	free(m.in_frame);
	free(m.free_stack);
	free(m.line);
	return err;
}

#ifdef MODEL_MAIN

static struct model_access *read_log(FILE *in, uint64_t page_size, size_t *n)
{
	struct model_access *a = NULL, *more;
	size_t room = 0;
	unsigned pid;
	unsigned long long addr;
	char kind, line[256];

	for (*n = 0; fgets(line, sizeof(line), in);) {
		if (sscanf(line, "%u %c %lli", &pid, &kind, (long long *)&addr) != 3)
			continue;
		if (*n == room) {
			room = room ? room * 2 : 1 << 16;
			more = realloc(a, room * sizeof(*a));
			if (!more) {
				free(a);
				return NULL;
			}
			a = more;
		}
		a[(*n)++] =
			(struct model_access){ pid, kind == 'W' || kind == 'w', addr / page_size };
	}
	return a;
}

static int usage(void)
{
	fputs("usage: model fifo|random|clock|nru|sieve FRAMES[,FRAMES...] [seed=N] [reset=N] [page=BYTES] <LOG\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct model_config c = { 0 };
	struct model_counts r;
	struct model_access *a;
	uint64_t page_size = 4096;
	size_t n;
	int policy = argc > 2 ? model_policy_by_name(argv[1]) : -1;

	for (int i = 3; i < argc; i++) {
		if (strncmp(argv[i], "seed=", 5) == 0)
			c.seed = strtoull(argv[i] + 5, NULL, 0);
		else if (strncmp(argv[i], "reset=", 6) == 0)
			c.reset = strtoull(argv[i] + 6, NULL, 0);
		else if (strncmp(argv[i], "page=", 5) == 0)
			page_size = strtoull(argv[i] + 5, NULL, 0);
		else
			return usage();
	}
	if (policy < 0 || page_size == 0)
		return usage();
	c.policy = (enum model_policy)policy;
	a = read_log(stdin, page_size, &n);
	for (char *s = strtok(argv[2], ","); s; s = strtok(NULL, ",")) {
		c.frames = (uint32_t)strtoul(s, NULL, 0);
		if (model_run(&c, a, n, &r)) {
			fprintf(stderr, "model: %s frames: cannot run\n", s);
			return 1;
		}
		printf("{\"policy\":\"%s\",\"frames\":%u,\"faults\":%llu,\"faults_zero\":%llu,"
		       "\"evictions\":%llu,\"evictions_dirty\":%llu,\"faults_soft\":%llu,\"faults_write\":%llu}\n",
		       argv[1], c.frames, (unsigned long long)r.faults,
		       (unsigned long long)r.faults_zero, (unsigned long long)r.evictions,
		       (unsigned long long)r.evictions_dirty, (unsigned long long)r.soft,
		       (unsigned long long)r.writes);
	}
	free(a);
	return 0;
}

#endif
