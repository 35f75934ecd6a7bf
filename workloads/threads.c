/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threads.c - threads that come and go while the memory they stand on is paged out.
 *
 *   threads [-b BALLAST_PAGES] [-r ROUNDS] [KIND...]     kinds: see the table at the bottom; default all
 *
 * The ballast is private memory; walking through it pushes everything else out of a small memory: stacks, thread
 * descriptors (with the words that the kernel clears when a thread ends), mutexes, thread-local storage.
 * Afterwards each thread must find what it left, and pthread_join, robust mutexes and condition variables
 * must work. The same output in every run. Exit status 1: a wrong byte. The last thing it does is
 * pthread_exit in the main thread.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ul
#define CROWD 24
#define STACK_BYTES (256 * 1024ul)

static size_t ballast_pages = 2048;
static unsigned rounds = 20;
static volatile uint64_t *ballast;
static uint64_t generation;
static __thread unsigned char tls[32768];

static void *memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("threads: mmap");
		exit(2);
	}
	return p;
}

/* Writes and checks every page of the ballast. Main thread only. */
static int push_out(void)
{
	int bad = 0;

	for (size_t i = 0; i < ballast_pages; i++) {
		bad |= ballast[i * PAGE / 8] != (generation ? generation + i : 0);
		ballast[i * PAGE / 8] = generation + 1 + i;
	}
	generation++;
	return bad;
}

static unsigned char byte_of(unsigned seed, size_t i)
{
	return (unsigned char)((seed * 2654435761u + i * 40503u) >> 7);
}

static void write_bytes(volatile unsigned char *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i += 64)
		p[i] = byte_of(seed, i);
}

static int check_bytes(const volatile unsigned char *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i += 64)
		if (p[i] != byte_of(seed, i))
			return 1;
	return 0;
}

static void *user_of_stack(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	unsigned char local[64 * 1024];

	write_bytes(local, sizeof(local), seed);
	write_bytes(tls, sizeof(tls), seed + 1);
	return (void *)(uintptr_t)(check_bytes(local, sizeof(local), seed) |
				   check_bytes(tls, sizeof(tls), seed + 1));
}

static int kind_churn(void)
{
	int bad = 0;

	for (unsigned r = 0; r < rounds; r++) {
		pthread_t id[4];
		void *result;

		for (unsigned t = 0; t < 4; t++)
			bad |= pthread_create(&id[t], NULL, user_of_stack,
					      (void *)(uintptr_t)(r * 4 + t));
		for (unsigned t = 0; t < 4; t++) {
			pthread_join(id[t], &result);
			bad |= result != NULL;
		}
		if (r % 8 == 0)
			bad |= push_out();
	}
	return bad;
}

/* A page of its own for what threads share, so that it can be out of memory when it is needed. */
struct shared {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned waiting, go, value, taken;
};
static struct shared *shared;

static void shared_reset(void)
{
	memset(shared, 0, sizeof(*shared));
	pthread_mutex_init(&shared->lock, NULL);
	pthread_cond_init(&shared->changed, NULL);
}

static void *sleeper(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	unsigned char local[32 * 1024];

	write_bytes(local, sizeof(local), seed);
	write_bytes(tls, sizeof(tls), seed + 7);
	pthread_mutex_lock(&shared->lock);
	shared->waiting++;
	pthread_cond_broadcast(&shared->changed);
	while (!shared->go)
		pthread_cond_wait(&shared->changed, &shared->lock);
	pthread_mutex_unlock(&shared->lock);
	if (seed % 3 == 0)
		return NULL; /* ends at once, from evicted memory */
	return (void *)(uintptr_t)(check_bytes(local, sizeof(local), seed) |
				   check_bytes(tls, sizeof(tls), seed + 7));
}

/*
 * Threads sleep, on stacks of glibc's or of ours, while everything is pushed out; then all of them end at once.
 */
static int crowd(int own_stacks)
{
	pthread_t id[CROWD];
	pthread_attr_t attr;
	char *stacks = memory(CROWD * STACK_BYTES);
	int bad = 0;

	shared_reset();
	for (unsigned t = 0; t < CROWD; t++) {
		pthread_attr_init(&attr);
		if (own_stacks)
			pthread_attr_setstack(&attr, stacks + t * STACK_BYTES, STACK_BYTES);
		bad |= pthread_create(&id[t], &attr, sleeper, (void *)(uintptr_t)t);
		pthread_attr_destroy(&attr);
	}
	pthread_mutex_lock(&shared->lock);
	while (shared->waiting < CROWD)
		pthread_cond_wait(&shared->changed, &shared->lock);
	pthread_mutex_unlock(&shared->lock);
	bad |= push_out() | push_out();
	pthread_mutex_lock(&shared->lock);
	shared->go = 1;
	pthread_cond_broadcast(&shared->changed);
	pthread_mutex_unlock(&shared->lock);
	for (unsigned t = 0; t < CROWD; t++) {
		void *result;

		if (t % 4 == 0)
			bad |= push_out();
		pthread_join(id[t], &result);
		bad |= result != NULL;
	}
	munmap(stacks, CROWD * STACK_BYTES);
	return bad;
}

static int kind_sleepers(void)
{
	return crowd(0);
}

static int kind_stacks(void)
{
	return crowd(1);
}

static void *die_with_lock(void *mutex)
{
	pthread_mutex_lock(mutex);
	pthread_mutex_lock(&shared->lock);
	shared->waiting++;
	pthread_cond_broadcast(&shared->changed);
	while (!shared->go)
		pthread_cond_wait(&shared->changed, &shared->lock);
	pthread_mutex_unlock(&shared->lock);
	return NULL;
}

/* The kernel finds the dead owner's robust list, mutex and all, in memory that is out. */
static int kind_robust(void)
{
	pthread_mutexattr_t attr;
	int bad = 0;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	for (unsigned r = 0; r < rounds / 4 + 1; r++) {
		pthread_mutex_t *mutex = memory(PAGE);
		pthread_t id;

		shared_reset();
		pthread_mutex_init(mutex, &attr);
		bad |= pthread_create(&id, NULL, die_with_lock, mutex);
		pthread_mutex_lock(&shared->lock);
		while (!shared->waiting)
			pthread_cond_wait(&shared->changed, &shared->lock);
		pthread_mutex_unlock(&shared->lock);
		bad |= push_out();
		pthread_mutex_lock(&shared->lock);
		shared->go = 1;
		pthread_cond_broadcast(&shared->changed);
		pthread_mutex_unlock(&shared->lock);
		if (r & 1)
			pthread_join(id, NULL);
		bad |= pthread_mutex_lock(mutex) != EOWNERDEAD;
		bad |= pthread_mutex_consistent(mutex) != 0;
		pthread_mutex_unlock(mutex);
		if (!(r & 1))
			pthread_join(id, NULL);
		munmap(mutex, PAGE);
	}
	return bad;
}

#define ITEMS 400
static unsigned char *items; /* ITEMS pages */

static void *producer(void *arg)
{
	for (unsigned i = 0; i < ITEMS; i++) {
		write_bytes(items + i * PAGE, PAGE, i);
		pthread_mutex_lock(&shared->lock);
		shared->value++;
		pthread_cond_broadcast(&shared->changed);
		pthread_mutex_unlock(&shared->lock);
	}
	return arg;
}

static void *consumer(void *arg)
{
	int *bad = arg;

	for (;;) {
		unsigned mine;

		pthread_mutex_lock(&shared->lock);
		while (shared->taken == shared->value && shared->taken < ITEMS)
			pthread_cond_wait(&shared->changed, &shared->lock);
		mine = shared->taken < ITEMS ? shared->taken++ : ITEMS;
		if (mine == ITEMS)
			pthread_cond_broadcast(&shared->changed);
		pthread_mutex_unlock(&shared->lock);
		if (mine == ITEMS)
			return NULL;
		*bad |= check_bytes(items + mine * PAGE, PAGE, mine);
	}
}

static int kind_queue(void)
{
	pthread_t id[4];
	int wrong[4] = { 0 }, bad = 0;

	items = memory(ITEMS * PAGE);
	shared_reset();
	for (unsigned t = 0; t < 4; t++)
		bad |= pthread_create(&id[t], NULL, t ? consumer : producer, &wrong[t]);
	for (unsigned t = 0; t < 4; t++) {
		bad |= push_out();
		pthread_join(id[t], NULL);
		bad |= wrong[t];
	}
	munmap(items, ITEMS * PAGE);
	return bad;
}

static void *detached(void *arg)
{
	int bad = user_of_stack(arg) != NULL;

	pthread_mutex_lock(&shared->lock);
	shared->waiting++;
	shared->value |= (unsigned)bad;
	pthread_cond_broadcast(&shared->changed);
	pthread_mutex_unlock(&shared->lock);
	return NULL;
}

static int kind_detached(void)
{
	pthread_attr_t attr;
	pthread_t id;
	int bad = 0;

	shared_reset();
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (unsigned t = 0; t < rounds; t++)
		bad |= pthread_create(&id, &attr, detached, (void *)(uintptr_t)t);
	bad |= push_out();
	pthread_mutex_lock(&shared->lock);
	while (shared->waiting < rounds)
		pthread_cond_wait(&shared->changed, &shared->lock);
	bad |= (int)shared->value;
	pthread_mutex_unlock(&shared->lock);
	return bad;
}

static const struct {
	const char *name;
	int (*run)(void);
} kinds[] = {
	{ "churn", kind_churn },   { "sleepers", kind_sleepers }, { "stacks", kind_stacks },
	{ "robust", kind_robust }, { "queue", kind_queue },       { "detached", kind_detached },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static pthread_t main_thread;

static void *last_one(void *arg)
{
	int bad = pthread_join(main_thread, NULL) | push_out() | (int)(uintptr_t)arg;

	printf("threads: main thread ended first %s\n", bad ? "FAILED" : "ok");
	exit(bad);
}

int main(int argc, char **argv)
{
	int opt, bad = 0;
	pthread_t id;

	while ((opt = getopt(argc, argv, "b:r:")) != -1) {
		switch (opt) {
		case 'b':
			ballast_pages = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			rounds = (unsigned)atoi(optarg);
			break;
		default:
			return fprintf(stderr,
				       "usage: threads [-b BALLAST_PAGES] [-r ROUNDS] [KIND...]\n"),
			       2;
		}
	}
	ballast = memory(ballast_pages * PAGE);
	shared = memory(PAGE);
	for (size_t k = 0; k < KINDS; k++) {
		int run = argc == optind;

		for (int i = optind; i < argc; i++)
			run |= !strcmp(argv[i], kinds[k].name);
		if (run) {
			int wrong = kinds[k].run();

			bad |= wrong;
			printf("threads: %s %s\n", kinds[k].name, wrong ? "FAILED" : "ok");
			fflush(stdout);
		}
	}
	main_thread = pthread_self();
	if (pthread_create(&id, NULL, last_one, (void *)(uintptr_t)bad))
		return 2;
	pthread_exit(NULL);
}
