/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random_fault.c - the program that the fault benchmark pages: uniformly random accesses to a region of memory.
 *
 *   random_fault [-m MB] [-n ACCESSES] [-w WRITE_PERCENT] [-s SEED] [-o STEP] [-b]
 *
 * First each page is filled once, in order, with content of its own: its number, a counter, random bytes (a
 * third), small integers (a third) and one repeated byte. Then ACCESSES pages are chosen at random (with -o: each STEP pages
 * after the one before, the first after the last): a write
 * stores a new counter, a read checks number and counter against a table. The table is shared memory, which
 * is not swapped by us. Exit status 1: a wrong byte.
 *
 * Prints one JSON line: the second phase's time (CLOCK_MONOTONIC), its page faults as the kernel counts them,
 * and how many pages of the region are present at its end (/proc/self/pagemap). It is single-threaded and
 * knows nothing of vmm. Every page is touched exactly once before the second phase, so each fault that reads
 * from a store belongs to the second. With -b a byte of every page is also checked at the end, after all
 * measurements.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul
#define WORDS (PAGE / 8)

static uint64_t rng_state;

static uint64_t rng(void)
{
	uint64_t z = (rng_state += 0x9E3779B97F4A7C15ull);

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
	return z ^ (z >> 31);
}

static uint64_t below(uint64_t n)
{
	return (uint64_t)(((unsigned __int128)rng() * n) >> 64);
}

/* word 0: page number; word 1: counter; then three equal parts */
static void fill(uint64_t *page, uint64_t number, uint64_t seed)
{
	uint64_t same = (number & 0xff) * 0x0101010101010101ull;

	rng_state = seed ^ (number * 0x2545F4914F6CDD1Dull);
	page[0] = number;
	page[1] = 0;
	for (size_t i = 2; i < WORDS; i++)
		page[i] = i < WORDS / 3 ? rng() : i < 2 * WORDS / 3 ? (i * number) & 0xffff : same;
}

static long present(const void *region, size_t pages)
{
	static uint64_t entry[512];
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	long count = 0;

	if (fd < 0)
		return -1;
	for (size_t i = 0; i < pages; i += 512) {
		size_t n = pages - i < 512 ? pages - i : 512;
		ssize_t got = pread(fd, entry, n * 8, (off_t)(((uintptr_t)region / PAGE + i) * 8));

		if (got != (ssize_t)(n * 8)) {
			close(fd);
			return -1;
		}
		for (size_t j = 0; j < n; j++)
			count += (long)(entry[j] >> 63);
	}
	close(fd);
	return count;
}

static void wrong(size_t page, uint64_t number, uint64_t counter, uint32_t expected)
{
	fprintf(stderr,
		"random_fault: page %zu holds number %llu, counter %llu; expected counter %u\n",
		page, (unsigned long long)number, (unsigned long long)counter, expected);
	exit(1);
}

int main(int argc, char **argv)
{
	uint64_t mb = 256, accesses = 300000, seed = 1, step = 0;
	unsigned write_percent = 50;
	int opt, last_bytes = 0;

	while ((opt = getopt(argc, argv, "m:n:w:s:o:b")) != -1) {
		switch (opt) {
		case 'm':
			mb = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			accesses = strtoull(optarg, NULL, 0);
			break;
		case 'w':
			write_percent = (unsigned)atoi(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'o':
			step = strtoull(optarg, NULL, 0);
			break;
		case 'b':
			last_bytes = 1;
			break;
		default:
			mb = 0;
		}
	}
	if (!mb || optind != argc)
		return fprintf(stderr,
			       "usage: random_fault [-m MB] [-n ACCESSES] [-w WRITE_PERCENT] [-s SEED] [-o STEP] [-b]\n"),
		       2;

	size_t pages = mb * 256;
	uint64_t *region = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t *counter =
		mmap(NULL, pages * 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct rusage before, after;
	struct timespec a, b;

	if (region == MAP_FAILED || counter == MAP_FAILED ||
	    madvise(region, pages * PAGE, MADV_NOHUGEPAGE))
		return perror("random_fault: mmap"), 1;
	for (size_t i = 0; i < pages; i++) {
		fill(region + i * WORDS, i, seed);
		counter[i] = 0;
	}
	rng_state = seed;
	getrusage(RUSAGE_SELF, &before);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (uint64_t n = 0; n < accesses; n++) {
		size_t i = step ? n * step % pages : below(pages);
		volatile uint64_t *page = region + i * WORDS;

		if (below(100) < write_percent)
			page[1] = ++counter[i];
		else if (page[0] != i || page[1] != counter[i])
			wrong(i, page[0], page[1], counter[i]);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	getrusage(RUSAGE_SELF, &after);

	double ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);

	printf("{\"bench\":\"random_fault\",\"pages\":%zu,\"accesses\":%llu,\"elapsed_ns\":%.0f,\"ns_access\":%.0f,"
	       "\"majflt\":%ld,\"minflt\":%ld,\"resident\":%ld}\n",
	       pages, (unsigned long long)accesses, ns, ns / (double)accesses,
	       after.ru_majflt - before.ru_majflt, after.ru_minflt - before.ru_minflt,
	       present(region, pages));
	for (size_t i = 0; last_bytes && i < pages; i++) {
		uint64_t *page = region + i * WORDS;

		if (page[0] != i || page[1] != counter[i] || (page[WORDS - 1] & 0xff) != (i & 0xff))
			wrong(i, page[0], page[1], counter[i]);
	}
	return 0;
}
