/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h04_gate.c - mmap with every kind of offset, VM system calls with odd unused arguments, and file mappings
 * laid over paged memory and taken away again. Memory is checked after each.
 *
 *   h04_gate DIR
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <fcntl.h>
#include <sys/syscall.h>

int main(int argc, char **argv)
{
	static const uint64_t odd[] = { 0,
					4096,
					0x564d4d000,
					0x6f5600000000,
					0x6f5600000000 >> 12,
					0x7ffffffffffff000,
					0x0123456789abc000,
					0xdeadbeef000,
					22093,
					22093ull << 12,
					~0ull };
	struct block b = churn_make(700);
	size_t wrong = churn_walk(&b, 1), mapped = 0;
	char path[4096];
	int fd;

	if (argc != 2)
		return 2;
	snprintf(path, sizeof(path), "%s/h04-XXXXXX", argv[1]);
	fd = mkstemp(path);
	unlink(path);
	if (fd < 0 || ftruncate(fd, 1l << 40))
		return perror("h04_gate"), 2;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		uint64_t x = odd[i], word = 0;
		off_t at = (off_t)(x & ((1ul << 40) - 1) & ~(PAGE - 1));
		void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
			       (off_t)(x & ~(PAGE - 1)));
		void *q = (void *)syscall(SYS_mmap, NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, x & ~(PAGE - 1));

		printf("offset %llx: %s, anonymous %s\n", (unsigned long long)x,
		       p == MAP_FAILED ? "refused" : "ok", q == MAP_FAILED ? "refused" : "ok");
		if (p != MAP_FAILED)
			munmap(p, PAGE);
		if (q != MAP_FAILED) {
			*(volatile uint64_t *)q = x;
			wrong += syscall(SYS_madvise, q, PAGE, MADV_NORMAL, x, x, x) != 0;
			wrong += syscall(SYS_mprotect, q, PAGE, PROT_READ, x, x, x) != 0;
			wrong += *(volatile uint64_t *)q != x;
			wrong += syscall(SYS_munmap, q, 4 * PAGE, x, x, x) != 0;
		}
		wrong += syscall(SYS_brk, 0, x, x, x, x, x) <= 0;
		x |= 1;
		wrong += pwrite(fd, &x, 8, at) != 8;
		p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, at);
		wrong += p == MAP_FAILED || *(uint64_t *)p != x || pread(fd, &word, 8, at) != 8 ||
			 word != x;
		munmap(p, PAGE);
		mapped++;
	}
	for (size_t round = 0; round < 20; round++) {
		size_t first = round * 30;
		char *at = (char *)b.word + first * PAGE;
		uint64_t want = round + 1;

		wrong += pwrite(fd, &want, 8, (off_t)((round + 100) * PAGE)) != 8;
		wrong += mmap(at, 30 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd,
			      (off_t)((round + 100) * PAGE)) != at;
		wrong += *(volatile uint64_t *)at != want;
		*(volatile uint64_t *)at = 5;
		wrong += mmap(at, 30 * PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) != at;
		for (size_t i = 0; i < 30; i++)
			wrong += *(volatile uint64_t *)(at + i * PAGE) != 0;
		churn_write(&b);
		wrong += churn_check(&b);
	}
	printf("%zu offsets\n", mapped);
	return churn_say("memory", wrong);
}
