/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forker.c - makes processes in every way there is, and checks that each sees the memory it should.
 *
 *   forker [-p PAGES] [-r ROUNDS] [-S MICROSECONDS] [KIND...]     kinds: see the table at the bottom; default all
 *
 * The arena has PAGES pages. Page i of version v of it holds words made from (v, i). A process knows the
 * version of each of its pages: a child inherits them, then makes its own changes, which nobody else may see.
 * With -S a timer signal arrives at that interval all the time; its handler writes to a page of the arena, so
 * that forks are interrupted and restarted. Output is the same in every run. Exit status 1: a wrong byte or a
 * lost child.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define WORDS (PAGE / 8)
#define CHECKED 4 /* words of a page that are written and compared */

static size_t pages = 1024;
static unsigned rounds = 10;
static uint64_t *arena;
static uint32_t *version;        /* of each page; private, like the arena */
static volatile uint64_t *ticks; /* a page of its own, written by the signal handler */
static long signal_us;
static char *self;
extern char **environ;

static uint64_t word(uint32_t v, size_t page, size_t i)
{
	uint64_t z = ((uint64_t)v << 40) ^ (page << 8) ^ i;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
	return v ? z ^ (z >> 31) : 0;
}

static size_t position(size_t page, size_t i)
{
	return page * WORDS + (i * 131 + page) % WORDS;
}

static void set_page(size_t page, uint32_t v)
{
	version[page] = v;
	for (size_t i = 0; i < CHECKED; i++)
		arena[position(page, i)] = word(v, page, i);
}

static int check_page(size_t page)
{
	for (size_t i = 0; i < CHECKED; i++)
		if (arena[position(page, i)] != word(version[page], page, i))
			return 1;
	return 0;
}

static int check_all(const char *who)
{
	for (size_t page = 0; page < pages; page++) {
		if (check_page(page)) {
			fprintf(stderr, "forker: %s: page %zu is wrong\n", who, page);
			return 1;
		}
	}
	return 0;
}

/* A child's life: what it inherited, its own changes, what it has then. */
static int live(const char *who, uint32_t v, size_t step)
{
	if (check_all(who))
		return 1;
	for (size_t page = v % step; page < pages; page += step)
		set_page(page, v);
	return check_all(who);
}

static int wait_ok(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return status != 0;
}

static pid_t fork_or_die(void)
{
	pid_t pid = fork();

	if (pid < 0) {
		perror("forker: fork");
		exit(1);
	}
	return pid;
}

static int kind_sequential(void)
{
	int bad = 0;

	for (unsigned r = 0; r < rounds; r++) {
		pid_t pid = fork_or_die();

		if (!pid)
			_exit(live("child", 100 + r, 3));
		set_page(r % pages, 200 + r); /* while the child reads its own copy */
		bad |= wait_ok(pid);
	}
	return bad | check_all("parent");
}

static int kind_parallel(void)
{
	pid_t pid[8];
	int bad = 0;

	for (unsigned r = 0; r < rounds; r++) {
		for (unsigned c = 0; c < 4; c++) {
			pid[c] = fork_or_die();
			if (!pid[c])
				_exit(live("parallel child", 300 + r * 8 + c, 5));
			set_page((r * 8 + c) % pages, 400 + r);
		}
		for (unsigned c = 0; c < 4; c++)
			bad |= wait_ok(pid[c]);
	}
	return bad | check_all("parent");
}

static int nest(unsigned depth)
{
	pid_t pid;

	if (live("nested child", 500 + depth, 4))
		return 1;
	if (!depth)
		return 0;
	pid = fork_or_die();
	if (!pid)
		_exit(nest(depth - 1));
	for (size_t page = 0; page < pages; page += 7)
		set_page(page, 600 + depth);
	return wait_ok(pid) | check_all("nesting parent");
}

static int kind_nested(void)
{
	pid_t pid = fork_or_die();

	if (!pid)
		_exit(nest(4));
	return wait_ok(pid) | check_all("parent");
}

/* Apart, so that the child on this stack disturbs nothing of the caller. */
static __attribute__((noinline)) pid_t vfork_exec(char *const argv[])
{
	pid_t pid = vfork();

	if (!pid) {
		execv(argv[0], argv);
		_exit(127);
	}
	return pid;
}

static int kind_vfork(void)
{
	char *argv[] = { self, "-p", "300", "-r", "1", "sequential", "quiet", NULL };
	int bad = 0;

	for (unsigned r = 0; r < rounds; r++) {
		pid_t pid = vfork_exec(argv);

		set_page(r % pages, 650 + r);
		bad |= pid < 0 || wait_ok(pid);
	}
	return bad | check_all("parent after vfork");
}

static int kind_spawn(void)
{
	char *argv[] = { self, "-p", "300", "-r", "1", "nested", "quiet", NULL };
	int bad = 0;

	for (unsigned r = 0; r < rounds; r++) {
		pid_t pid;

		bad |= posix_spawn(&pid, self, NULL, NULL, argv, environ) || wait_ok(pid);
	}
	return bad | check_all("parent after posix_spawn");
}

static int kind_clone(void)
{
	int bad = 0;

	for (unsigned r = 0; r < rounds; r++) {
		pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

		if (!pid)
			_exit(live("raw clone child", 700 + r, 3));
		for (size_t page = 0; page < pages; page += 2)
			set_page(page, 800 + r);
		bad |= pid < 0 || wait_ok(pid);
	}
	return bad | check_all("parent after clone");
}

/* The grandchild works on after its parent has died. */
static int kind_orphan(void)
{
	int bad = 0;

	for (unsigned r = 0; r < rounds / 2 + 1; r++) {
		int result[2];
		char ok = 0;
		pid_t pid;

		if (pipe(result))
			return 1;
		pid = fork_or_die();
		if (!pid) {
			pid_t parent = getpid();

			set_page(1, 900 + r);
			if (fork_or_die())
				_exit(0);
			while (getppid() == parent)
				sched_yield();
			ok = live("orphan", 1000 + r, 2) ? 'n' : 'y';
			_exit(write(result[1], &ok, 1) != 1);
		}
		close(result[1]);
		bad |= wait_ok(pid);
		while (read(result[0], &ok, 1) < 0 && errno == EINTR)
			;
		bad |= ok != 'y';
		close(result[0]);
	}
	return bad | check_all("parent of orphans");
}

static volatile int writers_stop;

static void *writer(void *arg)
{
	size_t half = pages / 2;

	for (uint32_t v = 1; !writers_stop; v++)
		for (size_t page = half + (size_t)(uintptr_t)arg; page < pages && !writers_stop;
		     page += 2)
			set_page(page, v % 50 + 1);
	return NULL;
}

/* Forks while two other threads write the upper half; the child checks the lower. */
static int kind_threads(void)
{
	pthread_t id[2];
	int bad = 0;

	writers_stop = 0;
	for (uintptr_t t = 0; t < 2; t++)
		if (pthread_create(&id[t], NULL, writer, (void *)t))
			return 1;
	for (unsigned r = 0; r < rounds; r++) {
		pid_t pid = fork_or_die();

		if (!pid) {
			int wrong = 0;

			for (size_t page = 0; page < pages / 2; page++) {
				wrong |= check_page(page);
				set_page(page, 1100 + r);
			}
			for (size_t page = 0; page < pages / 2; page++)
				wrong |= check_page(page);
			_exit(wrong);
		}
		set_page(r % (pages / 2), 1200 + r);
		bad |= wait_ok(pid);
	}
	writers_stop = 1;
	for (unsigned t = 0; t < 2; t++)
		pthread_join(id[t], NULL);
	return bad | check_all("forking thread");
}

static void on_tick(int signal)
{
	(void)signal;
	ticks[0]++;
	ticks[ticks[0] % WORDS] = ticks[0];
}

static int start_ticks(void)
{
	struct itimerval every = { .it_interval.tv_usec = signal_us,
				   .it_value.tv_usec = signal_us };
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };

	return sigaction(SIGALRM, &action, NULL) || setitimer(ITIMER_REAL, &every, NULL);
}

static const struct {
	const char *name;
	int (*run)(void);
} kinds[] = {
	{ "sequential", kind_sequential }, { "parallel", kind_parallel }, { "nested", kind_nested },
	{ "vfork", kind_vfork },           { "spawn", kind_spawn },       { "clone", kind_clone },
	{ "orphan", kind_orphan },         { "threads", kind_threads },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

int main(int argc, char **argv)
{
	int opt, bad = 0, quiet = 0;

	while ((opt = getopt(argc, argv, "p:r:S:")) != -1) {
		switch (opt) {
		case 'p':
			pages = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			rounds = (unsigned)atoi(optarg);
			break;
		case 'S':
			signal_us = atol(optarg);
			break;
		default:
			return fprintf(stderr,
				       "usage: forker [-p PAGES] [-r ROUNDS] [-S MICROSECONDS] [KIND...]\n"),
			       2;
		}
	}
	quiet = argc > optind && !strcmp(argv[argc - 1], "quiet");
	self = realpath("/proc/self/exe", NULL);
	arena = mmap(NULL, (pages + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	version = mmap(NULL, pages * sizeof(*version), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!self || arena == MAP_FAILED || version == MAP_FAILED)
		return perror("forker"), 2;
	ticks = arena + pages * WORDS;
	for (size_t page = 0; page < pages; page++)
		set_page(page, 1);
	if (signal_us && start_ticks())
		return perror("forker: timer"), 2;
	for (size_t k = 0; k < KINDS; k++) {
		int chosen = argc - quiet == optind;

		for (int i = optind; i < argc; i++)
			chosen |= !strcmp(argv[i], kinds[k].name);
		if (!chosen)
			continue;

		int wrong = kinds[k].run();

		bad |= wrong;
		if (!quiet) {
			printf("forker: %s %s\n", kinds[k].name, wrong ? "FAILED" : "ok");
			fflush(stdout);
		}
	}
	return bad;
}
