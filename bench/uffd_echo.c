/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uffd_echo.c - the bare userfaultfd echo: the least that a fault served in user space costs.
 *
 *   uffd_echo [MB] [ROUNDS] [CPU_TOUCH] [CPU_SERVE]
 *
 * One thread touches the pages of MB mebibytes (default 256) for the first time, in random order, every other
 * one with a write; another answers each fault with read, UFFDIO_COPY (which wakes). Both on the same CPU
 * unless told otherwise: its best placement; CPU -1 means wherever the scheduler likes. Prints the median ns
 * a fault over ROUNDS (default 5).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul
#define ROUNDS_MAX 99

static int uffd;
static long cpu_serve;
static char source[PAGE] __attribute__((aligned(4096)));

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void run_on(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((int)cpu, &set);
	if (cpu >= 0 && sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static void *serve(void *arg)
{
	struct uffd_msg msg;

	(void)arg;
	run_on(cpu_serve);
	while (read(uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		struct uffdio_copy copy = { .dst = msg.arg.pagefault.address & ~(PAGE - 1),
					    .src = (uintptr_t)source,
					    .len = PAGE };

		if (ioctl(uffd, UFFDIO_COPY, &copy))
			die("UFFDIO_COPY");
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double round_ns(volatile char *region, const uint32_t *order, size_t pages)
{
	struct timespec a, b;

	if (madvise((void *)region, pages * PAGE, MADV_DONTNEED))
		die("madvise");
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (size_t i = 0; i < pages; i++) {
		if (i & 1)
			region[order[i] * PAGE] = 1;
		else
			(void)region[order[i] * PAGE];
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) /
	       (double)pages;
}

int main(int argc, char **argv)
{
	size_t pages = (argc > 1 ? strtoul(argv[1], NULL, 0) : 256) * 256;
	int rounds = argc > 2 ? atoi(argv[2]) : 5;
	long cpu_touch = argc > 3 ? atol(argv[3]) : 0;
	struct uffdio_api api = { .api = UFFD_API };
	double ns[ROUNDS_MAX];
	pthread_t thread;

	cpu_serve = argc > 4 ? atol(argv[4]) : cpu_touch;
	if (!pages || rounds < 1 || rounds > ROUNDS_MAX)
		return fprintf(stderr, "usage: uffd_echo [MB] [ROUNDS] [CPU_TOUCH] [CPU_SERVE]\n"),
		       2;

	uint32_t *order = malloc(pages * sizeof(*order));
	char *region = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	if (!order || region == MAP_FAILED || madvise(region, pages * PAGE, MADV_NOHUGEPAGE))
		die("memory");
	srandom(1);
	for (size_t i = 0; i < pages; i++) {
		size_t j = (size_t)random() % (i + 1);

		order[i] = order[j];
		order[j] = (uint32_t)i;
	}
	uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api))
		die("userfaultfd");

	struct uffdio_register reg = { .range = { (uintptr_t)region, pages * PAGE },
				       .mode = UFFDIO_REGISTER_MODE_MISSING };

	if (ioctl(uffd, UFFDIO_REGISTER, &reg))
		die("UFFDIO_REGISTER");
	run_on(cpu_touch);
	if (pthread_create(&thread, NULL, serve, NULL))
		die("pthread_create");
	round_ns(region, order, pages); /* warms up; not counted */
	for (int i = 0; i < rounds; i++)
		ns[i] = round_ns(region, order, pages);
	qsort(ns, (size_t)rounds, sizeof(*ns), compare);
	printf("{\"bench\":\"uffd_echo\",\"pages\":%zu,\"rounds\":%d,\"ns_fault\":%.0f,\"ns_fault_min\":%.0f,\"ns_fault_max\":%.0f}\n",
	       pages, rounds, ns[rounds / 2], ns[0], ns[rounds - 1]);
	return 0;
}
