/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dma.c - devices and pipes that hold on to pages of the program while other pages push them out.
 *
 *   dma [-d DIR] [-r ROUNDS] [-b BALLAST_PAGES] [-D] [KIND...]     kinds: see the table at the bottom; default all
 *
 * A file of FILE_BYTES, whose every word is known, is made in DIR (default .) and removed again. It is read
 * with O_DIRECT into private memory, at once or asynchronously, while ballast pages are written: a page that
 * is taken away during the transfer, or copied too early, shows as a wrong word. A file system without
 * O_DIRECT is read through the cache, which still checks the rest; -D makes that an error. Same output in
 * every run. Exit status 1: a wrong byte.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096ul
#define WORDS (PAGE / 8)
#define FILE_PAGES 1024
#define FILE_BYTES (FILE_PAGES * PAGE)
#define CHUNK_PAGES 32
#define CHUNKS (FILE_PAGES / CHUNK_PAGES)
#define CHUNK_BYTES (CHUNK_PAGES * PAGE)

static unsigned rounds = 4;
static size_t ballast_pages = 2048;
static volatile uint64_t *ballast;
static uint64_t *buffer; /* FILE_PAGES pages */
static int file = -1;
static volatile int stop;

static void *memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("dma: mmap");
		exit(2);
	}
	return p;
}

static uint64_t word(size_t i)
{
	uint64_t z = i * 0x9E3779B97F4A7C15ull + 12345;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
	return z ^ (z >> 27);
}

static int check(size_t first_page, size_t n)
{
	for (size_t i = first_page * WORDS; i < (first_page + n) * WORDS; i++) {
		if (buffer[i] != word(i)) {
			fprintf(stderr, "dma: word %zu of page %zu is wrong\n", i % WORDS,
				i / WORDS);
			return 1;
		}
	}
	return 0;
}

static int push_out(size_t n)
{
	static uint64_t generation;
	static size_t next;
	int bad = 0;

	for (size_t k = 0; k < n; k++, next++) {
		if (next == ballast_pages) {
			next = 0;
			generation++;
		}
		bad |= ballast[next * WORDS] != (generation ? generation * 1000 + next : 0);
		ballast[next * WORDS] = (generation + 1) * 1000 + next;
	}
	return bad;
}

/* Different content in every page of the buffer, so that an old page cannot pass for a new one. */
static void spoil(unsigned round)
{
	for (size_t p = 0; p < FILE_PAGES; p++)
		for (size_t i = 0; i < WORDS; i += 64)
			buffer[p * WORDS + i] = ~word(p * WORDS + i) + round;
}

static void *keep_pushing(void *arg)
{
	int *bad = arg;

	while (!stop)
		*bad |= push_out(64);
	return NULL;
}

/* One thread reads, another one pushes. */
static int kind_direct(void)
{
	pthread_t id;
	int bad = 0, wrong = 0;

	stop = 0;
	if (pthread_create(&id, NULL, keep_pushing, &wrong))
		return 1;
	for (unsigned r = 0; r < rounds; r++) {
		spoil(r);
		for (size_t c = 0; c < CHUNKS; c++) {
			bad |= pread(file, buffer + c * CHUNK_PAGES * WORDS, CHUNK_BYTES,
				     (off_t)(c * CHUNK_BYTES)) != (ssize_t)CHUNK_BYTES;
			bad |= c % 3 ? 0 : check(c * CHUNK_PAGES, CHUNK_PAGES);
		}
		bad |= check(0, FILE_PAGES);
	}
	stop = 1;
	pthread_join(id, NULL);
	return bad | wrong;
}

/* Many reads are in flight while the same thread pushes pages out. */
static int kind_async(void)
{
	aio_context_t context = 0;
	int bad = 0;

	if (syscall(SYS_io_setup, CHUNKS, &context))
		return errno != ENOSYS;
	for (unsigned r = 0; r < rounds; r++) {
		struct iocb block[CHUNKS], *list[CHUNKS];
		struct io_event event[CHUNKS];

		spoil(r);
		memset(block, 0, sizeof(block));
		for (size_t c = 0; c < CHUNKS; c++) {
			block[c].aio_fildes = (uint32_t)file;
			block[c].aio_lio_opcode = IOCB_CMD_PREAD;
			block[c].aio_buf = (uintptr_t)(buffer + c * CHUNK_PAGES * WORDS);
			block[c].aio_nbytes = CHUNK_BYTES;
			block[c].aio_offset = (int64_t)(c * CHUNK_BYTES);
			list[c] = &block[c];
		}
		for (long sent = 0; sent < CHUNKS;) {
			long n = syscall(SYS_io_submit, context, CHUNKS - sent, list + sent);

			if (n <= 0)
				return 1;
			sent += n;
			bad |= push_out(200);
		}
		bad |= push_out(500);
		for (long got = 0; got < CHUNKS;) {
			long n = syscall(SYS_io_getevents, context, 1, CHUNKS - got, event, NULL);

			if (n < 0 && errno != EINTR)
				return 1;
			for (long i = 0; i < n; i++)
				bad |= event[i].res != (int64_t)CHUNK_BYTES;
			got += n > 0 ? n : 0;
			bad |= push_out(100);
		}
		bad |= check(0, FILE_PAGES);
	}
	syscall(SYS_io_destroy, context);
	return bad;
}

/* Direct writes from evicted pages, read back. */
static int kind_write(void)
{
	int bad = 0;

	for (unsigned r = 0; r < rounds; r++) {
		for (size_t i = 0; i < FILE_PAGES * WORDS; i++)
			buffer[i] = word(i);
		bad |= push_out(ballast_pages);
		for (size_t c = 0; c < CHUNKS; c++)
			bad |= pwrite(file, buffer + c * CHUNK_PAGES * WORDS, CHUNK_BYTES,
				      (off_t)(c * CHUNK_BYTES)) != (ssize_t)CHUNK_BYTES;
		spoil(r);
		bad |= push_out(ballast_pages / 2);
		for (size_t c = CHUNKS; c-- > 0;)
			bad |= pread(file, buffer + c * CHUNK_PAGES * WORDS, CHUNK_BYTES,
				     (off_t)(c * CHUNK_BYTES)) != (ssize_t)CHUNK_BYTES;
		bad |= check(0, FILE_PAGES);
	}
	return bad;
}

/* Pages of ours wait in a pipe while they are pushed out of memory; nobody writes to them meanwhile. */
static int kind_vmsplice(void)
{
	static uint64_t got[8 * WORDS];
	int ends[2], bad = 0;

	if (pipe(ends))
		return 1;
	for (unsigned r = 0; r < rounds * 8; r++) {
		size_t first = (r * 8) % FILE_PAGES * WORDS;
		struct iovec part = { buffer + first, 8 * PAGE };

		for (size_t i = 0; i < 8 * WORDS; i++)
			buffer[first + i] = word(first + i + r);
		bad |= vmsplice(ends[1], &part, 1, 0) != (ssize_t)(8 * PAGE);
		bad |= push_out(ballast_pages);
		for (size_t n = 0; n < sizeof(got);) {
			ssize_t k = read(ends[0], (char *)got + n, sizeof(got) - n);

			if (k <= 0)
				return 1;
			n += (size_t)k;
		}
		for (size_t i = 0; i < 8 * WORDS; i++)
			bad |= got[i] != word(first + i + r) || buffer[first + i] != got[i];
	}
	close(ends[0]);
	close(ends[1]);
	return bad;
}

/*
 * As above, but the pages are written again before they are read from the pipe. Natively the pipe holds
 * the same page and the reader gets the new words. Not one of the kinds that run by default.
 */
static int kind_vmsplice_late(void)
{
	static uint64_t got[8 * WORDS];
	struct iovec part = { buffer, 8 * PAGE };
	int ends[2], bad = 0;

	if (pipe(ends))
		return 1;
	for (size_t i = 0; i < 8 * WORDS; i++)
		buffer[i] = 1;
	bad |= vmsplice(ends[1], &part, 1, 0) != (ssize_t)(8 * PAGE);
	bad |= push_out(ballast_pages);
	for (size_t i = 0; i < 8 * WORDS; i++)
		buffer[i] = 2;
	bad |= read(ends[0], got, sizeof(got)) != (ssize_t)sizeof(got);
	for (size_t i = 0; i < 8 * WORDS; i++)
		bad |= got[i] != 2;
	close(ends[0]);
	close(ends[1]);
	return bad;
}

/* process_vm_readv and process_vm_writev on ourselves, both sides evicted. */
static int kind_process_vm(void)
{
	size_t half = FILE_PAGES / 2 * PAGE;
	int bad = 0;

	for (unsigned r = 0; r < rounds; r++) {
		struct iovec low = { buffer, half }, high = { (char *)buffer + half, half };

		for (size_t i = 0; i < half / 8; i++) {
			buffer[i] = word(i + r);
			buffer[half / 8 + i] = r;
		}
		bad |= push_out(ballast_pages);
		bad |= process_vm_writev(getpid(), &low, 1, &high, 1, 0) != (ssize_t)half;
		bad |= push_out(ballast_pages);
		for (size_t i = 0; i < half / 8; i++) {
			bad |= buffer[half / 8 + i] != word(i + r);
			buffer[i] = 0;
		}
		bad |= push_out(ballast_pages);
		bad |= process_vm_readv(getpid(), &low, 1, &high, 1, 0) != (ssize_t)half;
		for (size_t i = 0; i < half / 8; i++)
			bad |= buffer[i] != word(i + r);
	}
	return bad;
}

static const struct {
	const char *name;
	int (*run)(void);
	int by_default;
} kinds[] = {
	{ "direct", kind_direct, 1 },
	{ "async", kind_async, 1 },
	{ "write", kind_write, 1 },
	{ "vmsplice", kind_vmsplice, 1 },
	{ "vmsplice-late", kind_vmsplice_late, 0 },
	{ "process-vm", kind_process_vm, 1 },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int make_file(const char *dir, int must_be_direct)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/dma-XXXXXX", dir);
	file = mkstemp(path);
	if (file < 0)
		return -1;
	for (size_t i = 0; i < FILE_PAGES * WORDS; i++)
		buffer[i] = word(i);
	if (write(file, buffer, FILE_BYTES) != (ssize_t)FILE_BYTES || fsync(file))
		return -1;
	close(file);
	file = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (file < 0 && !must_be_direct)
		file = open(path, O_RDWR | O_CLOEXEC);
	unlink(path);
	return file;
}

int main(int argc, char **argv)
{
	const char *dir = ".";
	int opt, bad = 0, must_be_direct = 0;

	while ((opt = getopt(argc, argv, "d:r:b:D")) != -1) {
		switch (opt) {
		case 'd':
			dir = optarg;
			break;
		case 'r':
			rounds = (unsigned)atoi(optarg);
			break;
		case 'b':
			ballast_pages = strtoul(optarg, NULL, 0);
			break;
		case 'D':
			must_be_direct = 1;
			break;
		default:
			return fprintf(stderr,
				       "usage: dma [-d DIR] [-r ROUNDS] [-b BALLAST_PAGES] [-D] [KIND...]\n"),
			       2;
		}
	}
	ballast = memory(ballast_pages * PAGE);
	buffer = memory(FILE_BYTES);
	if (make_file(dir, must_be_direct) < 0)
		return perror("dma: file"), 2;
	for (size_t k = 0; k < KINDS; k++) {
		int run = argc == optind && kinds[k].by_default;

		for (int i = optind; i < argc; i++)
			run |= !strcmp(argv[i], kinds[k].name);
		if (run) {
			int wrong = kinds[k].run();

			bad |= wrong;
			printf("dma: %s %s\n", kinds[k].name, wrong ? "FAILED" : "ok");
			fflush(stdout);
		}
	}
	return bad;
}
