/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscalls.c - system calls whose buffers are not in memory.
 *
 *   syscalls [-b BALLAST_PAGES] [KIND...]     kinds: see the table at the bottom; default all
 *
 * Before each call the ballast is walked through, so that in a small memory the buffer, or the signal stack,
 * or the lock, is out when the kernel wants it. The same output in every run; a kind whose outcome depends on
 * the kernel prints it. Exit status 1: something was wrong.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul
#define BUFFER_PAGES 256
#define BUFFER_BYTES (BUFFER_PAGES * PAGE)

static size_t ballast_pages = 2048;
static volatile uint64_t *ballast;
static unsigned char *buffer, *copy; /* BUFFER_BYTES each */
static int wrong;

static void *memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("syscalls: mmap");
		exit(2);
	}
	return p;
}

static void push_out(void)
{
	static uint64_t generation;

	for (size_t i = 0; i < ballast_pages; i++) {
		wrong |= ballast[i * PAGE / 8] != (generation ? generation + i : 0);
		ballast[i * PAGE / 8] = generation + 1 + i;
	}
	generation++;
}

static void must(int good, const char *what)
{
	if (!good) {
		fprintf(stderr, "syscalls: %s: %s\n", what, strerror(errno));
		wrong = 1;
	}
}

static void fill(unsigned char *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)((i * 2654435761u + seed * 97) >> 11);
}

static int same(const unsigned char *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != (unsigned char)((i * 2654435761u + seed * 97) >> 11))
			return 0;
	return 1;
}

static void do_file(void)
{
	int fd = memfd_create("syscalls", MFD_CLOEXEC);
	struct iovec part[8];

	fill(buffer, BUFFER_BYTES, 1);
	push_out();
	must(write(fd, buffer, BUFFER_BYTES) == (ssize_t)BUFFER_BYTES, "write");
	fill(copy, BUFFER_BYTES, 2);
	push_out();
	must(pread(fd, copy, BUFFER_BYTES, 0) == (ssize_t)BUFFER_BYTES &&
		     same(copy, BUFFER_BYTES, 1),
	     "pread");
	memset(copy, 0, BUFFER_BYTES);
	push_out();
	for (size_t i = 0; i < 8; i++)
		part[i] = (struct iovec){ copy + i * BUFFER_BYTES / 8, BUFFER_BYTES / 8 };
	must(preadv(fd, part, 8, 0) == (ssize_t)BUFFER_BYTES && same(copy, BUFFER_BYTES, 1),
	     "preadv");
	push_out();
	must(pwritev(fd, part, 8, BUFFER_BYTES) == (ssize_t)BUFFER_BYTES, "pwritev");
	must(lseek(fd, 0, SEEK_END) == (off_t)(2 * BUFFER_BYTES), "lseek");
	close(fd);
}

/* A child writes to us through a pipe and a socket; both ends use evicted memory. */
static void do_pipe(void)
{
	for (int kind = 0; kind < 2; kind++) {
		int ends[2], status;
		pid_t pid;

		must((kind ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends)) == 0, "pipe");
		fill(buffer, BUFFER_BYTES, 3);
		memset(copy, 0, BUFFER_BYTES);
		pid = fork();
		if (!pid) {
			push_out();
			for (size_t n = 0; n < BUFFER_BYTES;) {
				ssize_t k = write(ends[1], buffer + n, BUFFER_BYTES - n);

				if (k <= 0)
					_exit(1);
				n += (size_t)k;
			}
			_exit(0);
		}
		close(ends[1]);
		push_out();
		for (size_t n = 0; n < BUFFER_BYTES;) {
			ssize_t k = read(ends[0], copy + n, BUFFER_BYTES - n);

			must(k > 0, "read from pipe");
			if (k <= 0)
				break;
			n += (size_t)k;
		}
		must(same(copy, BUFFER_BYTES, 3), "content of the pipe");
		must(waitpid(pid, &status, 0) == pid && status == 0, "writer");
		close(ends[0]);
	}
}

static void do_small(void)
{
	struct stat *st = (void *)buffer;
	struct timespec *ts = (void *)(buffer + PAGE);
	struct pollfd *pfd = (void *)(buffer + 2 * PAGE);
	char *path = (char *)(buffer + 3 * PAGE);
	unsigned char sum = 0;

	strcpy(path, "/dev/null");
	pfd->fd = -1;
	push_out();
	must(stat(path, st) == 0 && S_ISCHR(st->st_mode), "stat");
	push_out();
	must(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, ts) == 0 && ts->tv_sec >= 0,
	     "clock_gettime");
	push_out();
	must(poll(pfd, 1, 0) == 0, "poll");
	memset(copy, 0, 64 * PAGE);
	push_out();
	for (size_t n = 0; n < 64 * PAGE;) {
		ssize_t k = getrandom(copy + n, 64 * PAGE - n, 0);

		must(k > 0, "getrandom");
		if (k <= 0)
			return;
		n += (size_t)k;
	}
	for (size_t i = 0; i < 64; i++)
		for (size_t j = 0; j < PAGE; j++)
			sum |= copy[i * PAGE + j];
	must(sum != 0, "getrandom content");
}

static volatile sig_atomic_t signals;
static volatile uint64_t *signal_page;

static void on_signal(int number)
{
	unsigned char local[2048];

	fill(local, sizeof(local), (unsigned)number);
	signals++;
	signal_page[signals % 512] = (uint64_t)signals;
	if (!same(local, sizeof(local), (unsigned)number))
		_exit(1);
}

static void do_altstack(void)
{
	stack_t stack = { .ss_sp = memory(64 * 1024), .ss_size = 64 * 1024 },
		none = { .ss_flags = SS_DISABLE };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };

	signal_page = memory(PAGE);
	signals = 0;
	must(sigaltstack(&stack, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0,
	     "sigaltstack");
	for (int i = 0; i < 20; i++) {
		push_out();
		raise(SIGUSR1);
	}
	must(signals == 20 && signal_page[20] == 20, "signals on the alternate stack");
	sigaltstack(&none, NULL);
}

/* A timer fires all the time, through memory that is mostly out, while the address space changes. */
static void do_timer(void)
{
	struct itimerval every = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	signal_page = memory(PAGE);
	signals = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (unsigned i = 0; i < 200; i++) {
		unsigned char *p = memory(16 * PAGE);

		fill(p, 16 * PAGE, i);
		if (i % 10 == 0)
			push_out();
		must(same(p, 16 * PAGE, i), "memory under a timer");
		p = mremap(p, 16 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
		must(p != MAP_FAILED && same(p, 16 * PAGE, i), "mremap under a timer");
		must(munmap(p, 64 * PAGE) == 0, "munmap under a timer");
	}
	while (signals < 10)
		;
	setitimer(ITIMER_REAL, &never, NULL);
}

static void do_affinity(void)
{
	cpu_set_t before, one, after;
	int cpu = 0;

	must(sched_getaffinity(0, sizeof(before), &before) == 0, "sched_getaffinity");
	printf("syscalls: affinity has %s than one cpu, %ld online\n",
	       CPU_COUNT(&before) > 1 ? "more" : "not more", sysconf(_SC_NPROCESSORS_ONLN));
	while (!CPU_ISSET(cpu, &before))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	must(sched_setaffinity(0, sizeof(one), &one) == 0, "sched_setaffinity");
	push_out();
	must(sched_getaffinity(0, sizeof(after), &after) == 0 && CPU_EQUAL(&after, &one),
	     "affinity as set");
	must(sched_setaffinity(0, sizeof(before), &before) == 0, "sched_setaffinity back");
	must(sched_getaffinity(0, sizeof(after), &after) == 0 && CPU_EQUAL(&after, &before),
	     "affinity as it was");
}

static void do_lock(void)
{
	unsigned char *p = memory(64 * PAGE);

	fill(p, 64 * PAGE, 5);
	push_out();
	must(mlock(p, 64 * PAGE) == 0, "mlock");
	push_out();
	must(same(p, 64 * PAGE, 5), "locked memory");
	must(munlock(p, 64 * PAGE) == 0, "munlock");
	push_out();
	must(same(p, 64 * PAGE, 5), "unlocked memory");
	must(syscall(SYS_mlock2, p, 64 * PAGE, 1) == 0 && munlock(p, 64 * PAGE) == 0,
	     "mlock2 on fault");
	munmap(p, 64 * PAGE);
}

static void do_populate(void)
{
	static const int flags[] = { MAP_POPULATE, MAP_LOCKED, MAP_POPULATE | MAP_LOCKED,
				     MAP_NORESERVE, MAP_STACK };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		unsigned char *p = mmap(NULL, 48 * PAGE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS | flags[i], -1, 0);

		must(p != MAP_FAILED, "mmap with flags");
		for (size_t j = 0; j < 48; j++)
			must(p[j * PAGE] == 0, "new memory is zero");
		fill(p, 48 * PAGE, 6);
		push_out();
		must(madvise(p, 48 * PAGE, MADV_POPULATE_READ) == 0, "MADV_POPULATE_READ");
		must(madvise(p, 48 * PAGE, MADV_POPULATE_WRITE) == 0, "MADV_POPULATE_WRITE");
		must(same(p, 48 * PAGE, 6), "populated memory");
		munmap(p, 48 * PAGE);
	}
}

static void do_lockall(void)
{
	unsigned char *p;

	must(mlockall(MCL_FUTURE) == 0, "mlockall future");
	p = memory(32 * PAGE);
	fill(p, 32 * PAGE, 7);
	must(munlockall() == 0, "munlockall");
	push_out();
	must(same(p, 32 * PAGE, 7), "memory after munlockall");
	munmap(p, 32 * PAGE);
}

static void do_shm(void)
{
	int id = shmget(IPC_PRIVATE, 32 * PAGE, IPC_CREAT | 0600);
	unsigned char *p = shmat(id, NULL, 0);

	must(p != (void *)-1, "shmat");
	shmctl(id, IPC_RMID, NULL);
	fill(p, 32 * PAGE, 8);
	push_out();
	must(same(p, 32 * PAGE, 8) && shmdt(p) == 0, "shared memory");
}

/* Anonymous memory replaced by a file and back, in place. */
static void do_overlay(void)
{
	int fd = memfd_create("overlay", MFD_CLOEXEC);
	unsigned char *p = memory(64 * PAGE);

	fill(buffer, 32 * PAGE, 9);
	must(write(fd, buffer, 32 * PAGE) == (ssize_t)(32 * PAGE), "write");
	fill(p, 64 * PAGE, 10);
	push_out();
	must(mmap(p + 16 * PAGE, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd,
		  0) != MAP_FAILED,
	     "file over");
	must(same(p + 16 * PAGE, 16 * PAGE, 9) && same(p, 16 * PAGE, 10), "private file");
	fill(p + 16 * PAGE, 4 * PAGE, 11);
	push_out();
	must(same(p + 16 * PAGE, 4 * PAGE, 11), "written private file");
	must(mmap(p + 16 * PAGE, 16 * PAGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED,
	     "memory over");
	push_out();
	for (size_t i = 16; i < 32; i++)
		must(p[i * PAGE] == 0, "memory over a file is zero");
	must(syscall(SYS_remap_file_pages, p, PAGE, 0, 0, 0) != 0,
	     "remap_file_pages refuses private memory");
	munmap(p, 64 * PAGE);
	close(fd);
}

static void do_prctl(void)
{
	char *name = (char *)buffer, old[16];
	unsigned char *p = memory(8 * PAGE);

	must(prctl(PR_GET_NAME, old) == 0, "PR_GET_NAME");
	strcpy(name, "renamed");
	push_out();
	must(prctl(PR_SET_NAME, name) == 0, "PR_SET_NAME");
	memset(buffer + PAGE, 0, 16);
	push_out();
	must(prctl(PR_GET_NAME, buffer + PAGE) == 0 && !strcmp((char *)buffer + PAGE, "renamed"),
	     "PR_GET_NAME again");
	prctl(PR_SET_NAME, old);
	fill(p, 8 * PAGE, 12);
	prctl(0x53564d41 /* PR_SET_VMA */, 0, p, 8 * PAGE, "ours");
	push_out();
	must(same(p, 8 * PAGE, 12), "named memory");
	munmap(p, 8 * PAGE);
}

/*
 * What the kernel (or a pager) says to io_uring: 0 or an error's name; compared by hand, not with a native run.
 */
static void do_uring(void)
{
	memset(buffer, 0, PAGE);
	push_out();

	long fd = syscall(425 /* io_uring_setup */, 4, buffer);

	printf("syscalls: io_uring_setup: %s\n", fd >= 0 ? "ok" : strerror(errno));
	if (fd >= 0)
		close((int)fd);
}

static const struct {
	const char *name;
	void (*run)(void);
	int by_default;
} kinds[] = {
	{ "file", do_file, 1 },       { "pipe", do_pipe, 1 },
	{ "small", do_small, 1 },     { "altstack", do_altstack, 1 },
	{ "timer", do_timer, 1 },     { "affinity", do_affinity, 1 },
	{ "lock", do_lock, 1 },       { "populate", do_populate, 1 },
	{ "lockall", do_lockall, 1 }, { "shm", do_shm, 1 },
	{ "overlay", do_overlay, 1 }, { "prctl", do_prctl, 1 },
	{ "uring", do_uring, 0 },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

int main(int argc, char **argv)
{
	int opt, bad = 0;

	while ((opt = getopt(argc, argv, "b:")) != -1) {
		if (opt != 'b')
			return fprintf(stderr, "usage: syscalls [-b BALLAST_PAGES] [KIND...]\n"), 2;
		ballast_pages = strtoul(optarg, NULL, 0);
	}
	ballast = memory(ballast_pages * PAGE);
	buffer = memory(BUFFER_BYTES);
	copy = memory(BUFFER_BYTES);
	for (size_t k = 0; k < KINDS; k++) {
		int run = argc == optind && kinds[k].by_default;

		for (int i = optind; i < argc; i++)
			run |= !strcmp(argv[i], kinds[k].name);
		if (!run)
			continue;
		wrong = 0;
		kinds[k].run();
		bad |= wrong;
		printf("syscalls: %s %s\n", kinds[k].name, wrong ? "FAILED" : "ok");
		fflush(stdout);
	}
	return bad;
}
