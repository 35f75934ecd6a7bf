/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toucher.c - touches pages in a known order and checks what it reads; the yardstick of the exactness tests.
 *
 *   toucher [-p PAGES] [-n ACCESSES] [-k uniform|zipf|loop|phased|mix] [-w WRITE_PERCENT] [-s SEED] [-l LOG] [-t THREADS]
 *
 * The arena is one private anonymous mapping of PAGES pages (at least 256, so that it is >= 1 MiB) at a fixed
 * address, apart from all other mappings. It is touched by the accesses below and by nothing else: no memset,
 * no system call.
 *
 *   access   one 8-byte load or store at a random aligned offset of one page. A load must return what was stored there
 *            last (zero if nothing was); the expected values are in shared memory, which is not paged by default.
 *   sequence ACCESSES accesses of the pattern, then one load of each page. The log has one line for each, in order:
 *            "0 R 0xADDRESS" or "0 W 0xADDRESS".
 *
 * With THREADS > 1 each has its own slice of the arena and its own sequence (seed + thread number); no log then.
 * All arithmetic is on integers, so the sequence is the same everywhere. Exit status 1: a wrong byte.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ul
#define WORDS (PAGE / 8)
#define ARENA_ADDR 0x200000000000ul
#define THREADS_MAX 64

enum pattern { UNIFORM, ZIPF, LOOP, PHASED, MIX };
static const char *const pattern_names[] = { "uniform", "zipf", "loop", "phased", "mix" };

static size_t pages = 1024;
static uint64_t accesses = 250000, seed = 1;
static unsigned write_percent = 40;
static enum pattern pattern = MIX;
static int log_fd = -1;
static char log_buffer[32768];
static size_t log_used;

/* One thread's slice and generator. */
struct walker {
	uint64_t rng;
	size_t first, count; /* pages of the arena */
	size_t phase_start;  /* PHASED: where the working set begins, in pages of the slice */
	uint64_t *zipf_sum;  /* zipf_sum[i]: weight of ranks 0..i */
	uint32_t *zipf_page; /* rank -> page of the slice */
	uint64_t checksum;
	uint64_t made;
};

static volatile uint64_t *arena;
static uint64_t *expected; /* same shape as the arena, in shared memory */

static uint64_t rng(struct walker *w)
{
	uint64_t z = (w->rng += 0x9E3779B97F4A7C15ull);

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
	return z ^ (z >> 31);
}

static uint64_t below(struct walker *w, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)rng(w) * n) >> 64);
}

static void *shared_memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("toucher: mmap");
		exit(2);
	}
	return p;
}

static void log_flush(void)
{
	for (size_t done = 0; done < log_used;) {
		ssize_t n = write(log_fd, log_buffer + done, log_used - done);

		if (n < 0) {
			perror("toucher: log");
			exit(2);
		}
		done += (size_t)n;
	}
	log_used = 0;
}

static void log_access(const volatile void *address, int is_write)
{
	if (log_fd < 0)
		return;
	if (log_used + 64 > sizeof(log_buffer))
		log_flush();
	log_used += (size_t)sprintf(log_buffer + log_used, "0 %c 0x%lx\n", is_write ? 'W' : 'R',
				    (unsigned long)address);
}

static void access_word(struct walker *w, size_t page, int is_write)
{
	size_t i = (w->first + page) * WORDS + below(w, WORDS);

	log_access(&arena[i], is_write);
	w->made++;
	if (is_write) {
		uint64_t value = rng(w);

		arena[i] = value;
		expected[i] = value;
		return;
	}

	uint64_t value = arena[i];

	if (value != expected[i]) {
		fprintf(stderr,
			"toucher: wrong word %zu of page %zu after %llu accesses: 0x%llx, expected 0x%llx\n",
			i % WORDS, w->first + page, (unsigned long long)w->made,
			(unsigned long long)value, (unsigned long long)expected[i]);
		exit(1);
	}
	w->checksum = (w->checksum ^ value) * 0x100000001B3ull;
}

static size_t next_page(struct walker *w, enum pattern kind, uint64_t n, uint64_t total)
{
	uint64_t phase_length = total / 16 ? total / 16 : 1;
	size_t set = w->count / 8 ? w->count / 8 : 1, low = 0, high = w->count - 1;
	uint64_t r;

	switch (kind) {
	case LOOP:
		return n % w->count;
	case PHASED:
		if (n % phase_length == 0)
			w->phase_start = below(w, w->count);
		return (w->phase_start + below(w, set)) % w->count;
	case ZIPF:
		r = below(w, w->zipf_sum[w->count - 1]);
		while (low < high) {
			size_t middle = (low + high) / 2;

			if (w->zipf_sum[middle] > r)
				high = middle;
			else
				low = middle + 1;
		}
		return w->zipf_page[low];
	default:
		return below(w, w->count);
	}
}

static void *walk(void *arg)
{
	struct walker *w = arg;
	uint64_t quarter = accesses / 4 ? accesses / 4 : 1;

	for (uint64_t n = 0; n < accesses; n++) {
		enum pattern kind = pattern != MIX      ? pattern
				    : n / quarter < MIX ? (enum pattern)(n / quarter)
							: UNIFORM;
		size_t page = next_page(w, kind, n, pattern == MIX ? quarter : accesses);

		access_word(w, page, below(w, 100) < write_percent);
	}
	for (size_t page = 0; page < w->count; page++)
		access_word(w, page, 0);
	return NULL;
}

/* Zipf with exponent 1; ranks are scattered over the slice. */
static void walker_init(struct walker *w, unsigned number, unsigned threads)
{
	uint64_t sum = 0;

	w->rng = seed + number;
	w->count = pages / threads;
	w->first = number * w->count;
	w->zipf_sum = shared_memory(w->count * sizeof(*w->zipf_sum));
	w->zipf_page = shared_memory(w->count * sizeof(*w->zipf_page));
	for (size_t i = 0; i < w->count; i++) {
		size_t j = below(w, i + 1);

		sum += (1ull << 32) / (i + 1);
		w->zipf_sum[i] = sum;
		w->zipf_page[i] = w->zipf_page[j];
		w->zipf_page[j] = (uint32_t)i;
	}
}

static int usage(void)
{
	fprintf(stderr,
		"usage: toucher [-p PAGES>=256] [-n ACCESSES] [-k uniform|zipf|loop|phased|mix] [-w WRITE_PERCENT]"
		" [-s SEED] [-l LOG] [-t THREADS<=64]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static struct walker walkers[THREADS_MAX];
	pthread_t id[THREADS_MAX];
	unsigned threads = 1;
	uint64_t checksum = 0, made = 0;
	int opt, kind;

	while ((opt = getopt(argc, argv, "p:n:k:w:s:l:t:")) != -1) {
		switch (opt) {
		case 'p':
			pages = strtoul(optarg, NULL, 0);
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
		case 't':
			threads = (unsigned)atoi(optarg);
			break;
		case 'l':
			log_fd = open(optarg, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
			if (log_fd < 0)
				return perror(optarg), 2;
			break;
		case 'k':
			for (kind = 0; kind <= MIX && strcmp(optarg, pattern_names[kind]); kind++)
				;
			if (kind > MIX)
				return usage();
			pattern = (enum pattern)kind;
			break;
		default:
			return usage();
		}
	}
	if (optind != argc || pages < 256 || !threads || threads > THREADS_MAX ||
	    (threads > 1 && log_fd >= 0))
		return usage();

	arena = mmap((void *)ARENA_ADDR, pages * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (arena == MAP_FAILED)
		return perror("toucher: arena"), 2;
	expected = shared_memory(pages * PAGE);
	for (unsigned t = 0; t < threads; t++)
		walker_init(&walkers[t], t, threads);
	if (threads == 1) {
		walk(&walkers[0]);
	} else {
		for (unsigned t = 0; t < threads; t++)
			if (pthread_create(&id[t], NULL, walk, &walkers[t]))
				return perror("toucher: pthread_create"), 2;
		for (unsigned t = 0; t < threads; t++)
			pthread_join(id[t], NULL);
	}
	if (log_fd >= 0)
		log_flush();
	for (unsigned t = 0; t < threads; t++) {
		checksum ^= walkers[t].checksum;
		made += walkers[t].made;
	}
	printf("toucher: %llu accesses to %zu pages, checksum %016llx\n", (unsigned long long)made,
	       pages, (unsigned long long)checksum);
	return 0;
}
