/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmops.c - random changes of the address space, checked against a model of what each page must hold.
 *
 *   vmops [-n OPERATIONS] [-t THREADS] [-s SEED] [-o NAME,NAME...]     names: the table at the bottom; default all
 *
 * Each thread owns SLOTS address ranges of SLOT_PAGES pages, far from all other mappings. The model, in
 * shared memory, knows of each page whether it is unmapped, inaccessible, read-only or writable (perhaps
 * executable), and the value that its two marked words hold (0 after every kind of zero fill). An operation
 * changes a random range and the model alike; pages are compared at random all the time and all of them now
 * and then. What must fault is checked through SIGSEGV. The same seed gives the same output. Exit status 1:
 * the page differs from the model.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ul
#define SLOTS 4
#define SLOT_PAGES 512
#define PAGES (SLOTS * SLOT_PAGES)
#define RANGE_MAX 96
#define BASE 0x300000000000ul
#define THREADS_MAX 16

enum { UNMAPPED, NONE, RO, RW, RWX, STATES };
static const int prot_of[STATES] = { 0, PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				     PROT_READ | PROT_WRITE | PROT_EXEC };

struct worker {
	unsigned number;
	uint64_t rng, operations;
	char *base;
	uint8_t *state;  /* [PAGES] */
	uint64_t *value; /* [PAGES] */
	uint64_t done;
};

static __thread sigjmp_buf segv_jump;
static __thread volatile sig_atomic_t segv_expected;

static uint64_t rng(struct worker *w)
{
	uint64_t z = (w->rng += 0x9E3779B97F4A7C15ull);

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
	return z ^ (z >> 31);
}

static size_t below(struct worker *w, size_t n)
{
	return (size_t)(((unsigned __int128)rng(w) * n) >> 64);
}

static char *address(struct worker *w, size_t page)
{
	return w->base + page * PAGE;
}

static void fail(struct worker *w, size_t page, const char *what)
{
	fprintf(stderr, "vmops: thread %u, operation %llu, page %zu: %s: %s\n", w->number,
		(unsigned long long)w->done, page, what, strerror(errno));
	exit(1);
}

/* The two words of a page that carry its value. */
static volatile uint64_t *mark(struct worker *w, size_t page, int second)
{
	return (volatile uint64_t *)(address(w, page) + (second ? 8 * (256 + page % 256) : 0));
}

static void check(struct worker *w, size_t page)
{
	if (w->state[page] < RO)
		return;
	if (*mark(w, page, 0) != w->value[page] || *mark(w, page, 1) != w->value[page]) {
		errno = 0;
		fprintf(stderr, "vmops: holds %llx and %llx, expected %llx\n",
			(unsigned long long)*mark(w, page, 0),
			(unsigned long long)*mark(w, page, 1), (unsigned long long)w->value[page]);
		fail(w, page, "wrong content");
	}
}

static void put(struct worker *w, size_t page)
{
	if (w->state[page] < RW)
		return;
	w->value[page] = rng(w);
	*mark(w, page, 0) = w->value[page];
	*mark(w, page, 1) = w->value[page];
}

/* A random range inside one slot. */
static size_t range(struct worker *w, size_t *count)
{
	size_t slot = below(w, SLOTS), first = below(w, SLOT_PAGES), most = SLOT_PAGES - first;

	*count = 1 + below(w, most < RANGE_MAX ? most : RANGE_MAX);
	return slot * SLOT_PAGES + first;
}

/*
 * The longest run from `first` whose pages are all mapped with the same protection; 0 if the first is unmapped.
 */
static size_t run(struct worker *w, size_t first, size_t count)
{
	size_t n = 0;

	while (n < count && w->state[first] != UNMAPPED && w->state[first + n] == w->state[first])
		n++;
	return n;
}

static void set(struct worker *w, size_t first, size_t n, uint8_t state, int zero)
{
	for (size_t i = first; i < first + n; i++) {
		w->state[i] = state;
		if (zero)
			w->value[i] = 0;
	}
}

static void op_map(struct worker *w)
{
	size_t n, first = range(w, &n);

	if (mmap(address(w, first), n * PAGE, prot_of[RW], MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) == MAP_FAILED)
		fail(w, first, "mmap");
	set(w, first, n, RW, 1);
}

static void op_unmap(struct worker *w)
{
	size_t n, first = range(w, &n);

	n = (n + 3) / 4;
	if (munmap(address(w, first), n * PAGE))
		fail(w, first, "munmap");
	set(w, first, n, UNMAPPED, 1);
}

static void op_touch(struct worker *w)
{
	size_t n, first = range(w, &n);

	for (size_t i = first; i < first + n; i++) {
		check(w, i);
		if (below(w, 2))
			put(w, i);
	}
}

static void op_dontneed(struct worker *w)
{
	size_t n, first = range(w, &n);

	for (size_t done = 0, part; done < n; done += part) {
		part = run(w, first + done, n - done);
		if (part && madvise(address(w, first + done), part * PAGE, MADV_DONTNEED))
			fail(w, first, "MADV_DONTNEED");
		if (part)
			set(w, first + done, part, w->state[first + done], 1);
		else
			part = 1;
	}
}

/* A freed page holds either its old content or zeros until it is written. */
static void op_free(struct worker *w)
{
	size_t n, first = range(w, &n), part = run(w, first, n);

	if (!part || w->state[first] < RW)
		return;
	if (madvise(address(w, first), part * PAGE, MADV_FREE))
		fail(w, first, "MADV_FREE");
	for (size_t i = first; i < first + part; i++) {
		uint64_t is = *mark(w, i, 0);

		if (is && is != w->value[i])
			fail(w, i, "neither old nor zero after MADV_FREE");
		put(w, i);
	}
}

static void op_hint(struct worker *w)
{
	static const int hints[] = { MADV_WILLNEED, MADV_COLD,   MADV_PAGEOUT,   MADV_NOHUGEPAGE,
				     MADV_RANDOM,   MADV_NORMAL, MADV_SEQUENTIAL };
	size_t n, first = range(w, &n), part = run(w, first, n);

	if (part)
		madvise(address(w, first), part * PAGE,
			hints[below(w, sizeof(hints) / sizeof(hints[0]))]);
}

static void op_protect(struct worker *w)
{
	static const uint8_t states[] = { NONE, RO, RO, RW, RW, RW, RWX };
	size_t n, first = range(w, &n);
	uint8_t state = states[below(w, sizeof(states))];

	for (size_t done = 0, part; done < n; done += part) {
		part = run(w, first + done, n - done);
		if (part && mprotect(address(w, first + done), part * PAGE, prot_of[state]))
			fail(w, first, "mprotect");
		if (part)
			set(w, first + done, part, state, 0);
		else
			part = 1;
	}
}

/* Moves a run, in one call where it is one mapping, else page by page. */
static void move(struct worker *w, int flags)
{
	size_t n, from = range(w, &n), to = below(w, SLOTS) * SLOT_PAGES, part = run(w, from, n);

	if (!part)
		return;
	to += below(w, SLOT_PAGES - part + 1);
	if (to < from + part && from < to + part)
		return; /* would overlap */
	flags |= MREMAP_MAYMOVE | MREMAP_FIXED;
	if (mremap(address(w, from), part * PAGE, part * PAGE, flags, address(w, to)) ==
	    MAP_FAILED) {
		if (errno != EFAULT)
			fail(w, from, "mremap");
		for (size_t i = 0; i < part; i++)
			if (mremap(address(w, from + i), PAGE, PAGE, flags, address(w, to + i)) ==
			    MAP_FAILED)
				fail(w, from + i, "mremap of a page");
	}
	for (size_t i = 0; i < part; i++) {
		w->state[to + i] = w->state[from + i];
		w->value[to + i] = w->value[from + i];
		/* marks lie by page number: a moved page is known by its first word, then marked anew */
		if (w->state[to + i] >= RO && *mark(w, to + i, 0) != w->value[to + i])
			fail(w, to + i, "wrong content after mremap");
		if (w->state[to + i] < RW && mprotect(address(w, to + i), PAGE, prot_of[RW]))
			fail(w, to + i, "mprotect");
		w->state[to + i] = RW;
		if (*mark(w, to + i, 0) != w->value[to + i])
			fail(w, to + i, "wrong content after mremap");
		*mark(w, to + i, 1) = 0;
		put(w, to + i);
	}
	set(w, from, part, flags & MREMAP_DONTUNMAP ? w->state[from] : UNMAPPED, 1);
}

static void op_move(struct worker *w)
{
	move(w, 0);
}

static void op_dontunmap(struct worker *w)
{
	move(w, MREMAP_DONTUNMAP);
}

static void op_grow(struct worker *w)
{
	size_t n, first = range(w, &n), slot_end = (first / SLOT_PAGES + 1) * SLOT_PAGES, more = 0;

	while (first < slot_end && w->state[first] == UNMAPPED)
		first++;
	while (first + 1 < slot_end && w->state[first + 1] != UNMAPPED)
		first++;
	while (first + more + 1 < slot_end && more < n && w->state[first + more + 1] == UNMAPPED)
		more++;
	if (first >= slot_end || !more)
		return;
	if (mremap(address(w, first), PAGE, (more + 1) * PAGE, 0) == MAP_FAILED)
		fail(w, first, "growing mremap");
	set(w, first + 1, more, w->state[first], 1);
}

static void op_shrink(struct worker *w)
{
	size_t n, first = range(w, &n), part = run(w, first, n), keep = (part + 1) / 2;

	if (part < 2)
		return;
	if (mremap(address(w, first), part * PAGE, keep * PAGE, 0) == MAP_FAILED) {
		if (errno != EFAULT)
			fail(w, first, "shrinking mremap");
		munmap(address(w, first + keep), (part - keep) * PAGE);
	}
	set(w, first + keep, part - keep, UNMAPPED, 1);
}

/* Only the first thread: the heap grows, is written, shrinks and grows again as zeros. */
static void op_brk(struct worker *w)
{
	size_t n = 1 + below(w, RANGE_MAX), keep = below(w, n);
	volatile uint64_t *heap;

	if (w->number)
		return;
	heap = sbrk((intptr_t)(n * PAGE));
	if (heap == (void *)-1)
		fail(w, 0, "sbrk");
	for (size_t i = 0; i < n; i++) {
		if (heap[i * PAGE / 8])
			fail(w, i, "new heap page is not zero");
		heap[i * PAGE / 8] = w->done + i + 1;
	}
	sbrk(-(intptr_t)((n - keep) * PAGE));
	sbrk((intptr_t)((n - keep) * PAGE));
	for (size_t i = 0; i < n; i++)
		if (heap[i * PAGE / 8] != (i < keep ? w->done + i + 1 : 0))
			fail(w, i, "wrong heap page after brk");
	sbrk(-(intptr_t)(n * PAGE));
}

static void on_segv(int signal)
{
	if (!segv_expected) {
		static const char text[] = "vmops: SIGSEGV that was not expected\n";

		if (write(2, text, sizeof(text) - 1) < 0)
			_exit(2);
		_exit(1);
	}
	segv_expected = 0;
	siglongjmp(segv_jump, signal);
}

static void op_segv(struct worker *w)
{
	size_t n, page = range(w, &n);
	int is_write = (int)below(w, 2), must = w->state[page] < (is_write ? RW : RO);

	if (!must)
		return;
	if (!sigsetjmp(segv_jump, 1)) {
		segv_expected = 1;
		if (is_write)
			*mark(w, page, 0) = 1;
		else
			(void)*mark(w, page, 0);
		errno = 0;
		fail(w, page, "no SIGSEGV");
	}
}

/* Code written to an executable page and called at once, as a JIT does: mov $value, %eax; ret */
static void op_jit(struct worker *w)
{
#ifdef __x86_64__
	size_t n, page = range(w, &n);
	unsigned char *code = (unsigned char *)address(w, page) + 1024;
	uint32_t number = (uint32_t)rng(w);

	if (w->state[page] != RWX)
		return;
	code[0] = 0xb8;
	memcpy(code + 1, &number, 4);
	code[5] = 0xc3;
	if (((uint32_t(*)(void))(uintptr_t)code)() != number)
		fail(w, page, "wrong code ran");
#else
	(void)w;
#endif
}

static const struct {
	const char *name;
	void (*run)(struct worker *);
	unsigned weight;
} operations[] = {
	{ "map", op_map, 3 },
	{ "unmap", op_unmap, 2 },
	{ "touch", op_touch, 10 },
	{ "dontneed", op_dontneed, 2 },
	{ "free", op_free, 2 },
	{ "hint", op_hint, 2 },
	{ "protect", op_protect, 4 },
	{ "move", op_move, 3 },
	{ "dontunmap", op_dontunmap, 1 },
	{ "grow", op_grow, 2 },
	{ "shrink", op_shrink, 1 },
	{ "brk", op_brk, 1 },
	{ "segv", op_segv, 2 },
	{ "jit", op_jit, 2 },
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))
static unsigned char wheel[128];
static size_t wheel_size;

static void *work(void *arg)
{
	struct worker *w = arg;

	for (w->done = 0; w->done < w->operations; w->done++) {
		operations[wheel[below(w, wheel_size)]].run(w);
		for (int i = 0; i < 4; i++)
			check(w, below(w, PAGES));
		for (size_t page = 0; page < PAGES && w->done % 200 == 199; page++)
			check(w, page);
	}
	for (size_t page = 0; page < PAGES; page++)
		check(w, page);
	return NULL;
}

static int chosen(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (!strncmp(p, name, n) && (!p[n] || p[n] == ','))
			return 1;
	return !list || !strcmp(name, "touch");
}

int main(int argc, char **argv)
{
	static struct worker worker[THREADS_MAX];
	struct sigaction action = { .sa_handler = on_segv };
	pthread_t id[THREADS_MAX];
	uint64_t count = 3000, seed = 1;
	unsigned threads = 1;
	const char *list = NULL;
	int opt;

	while ((opt = getopt(argc, argv, "n:t:s:o:")) != -1) {
		switch (opt) {
		case 'n':
			count = strtoull(optarg, NULL, 0);
			break;
		case 't':
			threads = (unsigned)atoi(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'o':
			list = optarg;
			break;
		default:
			threads = 0;
		}
	}
	if (!threads || threads > THREADS_MAX)
		return fprintf(stderr,
			       "usage: vmops [-n OPERATIONS] [-t THREADS<=16] [-s SEED] [-o NAME,...]\n"),
		       2;
	for (size_t i = 0; i < OPERATIONS; i++)
		for (unsigned k = 0; k < operations[i].weight && chosen(list, operations[i].name);
		     k++)
			wheel[wheel_size++] = (unsigned char)i;
	sigaction(SIGSEGV, &action, NULL);
	sbrk((intptr_t)(-(uintptr_t)sbrk(0) & (PAGE - 1)));
	for (unsigned t = 0; t < threads; t++) {
		struct worker *w = &worker[t];
		size_t bytes = PAGES * (sizeof(*w->state) + sizeof(*w->value));

		*w = (struct worker){ .number = t, .rng = seed * 1000 + t, .operations = count };
		w->base = mmap((void *)(BASE + t * 2 * PAGES * PAGE), PAGES * PAGE, prot_of[RW],
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		w->value = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
				0);
		if (w->base == MAP_FAILED || w->value == MAP_FAILED)
			return perror("vmops: mmap"), 2;
		w->state = (uint8_t *)(w->value + PAGES);
		set(w, 0, PAGES, RW, 1);
	}
	for (unsigned t = 1; t < threads; t++)
		if (pthread_create(&id[t], NULL, work, &worker[t]))
			return perror("vmops: pthread_create"), 2;
	work(&worker[0]);
	for (unsigned t = 0; t < threads; t++) {
		uint64_t sum = 0;

		if (t)
			pthread_join(id[t], NULL);
		for (size_t page = 0; page < PAGES; page++)
			sum = (sum ^ worker[t].value[page] ^ worker[t].state[page]) *
			      0x100000001B3ull;
		printf("vmops: thread %u: %llu operations, checksum %016llx\n", t,
		       (unsigned long long)worker[t].done, (unsigned long long)sum);
	}
	return 0;
}
