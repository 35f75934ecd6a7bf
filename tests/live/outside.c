/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outside.c - keeps memory of one kind for a while.
 *
 *   outside mapped|heap|stack|deep MIB MILLISECONDS [fork|share]
 *
 * Writes to each page of MIB mebibytes in a private mapping, in the brk heap, or on the stack in one frame or in many, sleeps,
 * checks them, and gives them back, all before it exits. With `fork` a child does that, and the parent waits. With `share` a child that only reads lives
 * while the memory is kept.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096u

static int shared;

static int keep(volatile unsigned char *memory, size_t bytes, long ms)
{
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };
	size_t at;
	int status;
	pid_t pid = 0;

	for (at = 0; at < bytes; at += PAGE)
		memory[at] = (unsigned char)(at / PAGE + 1);
	if (shared && (pid = fork()) < 0)
		return 1;
	nanosleep(&pause, NULL);
	if (pid && (waitpid(pid, &status, 0) != pid || status))
		return 1;
	for (at = 0; at < bytes; at += PAGE)
		if (memory[at] != (unsigned char)(at / PAGE + 1))
			return 1;
	return 0;
}

static int mapped(size_t bytes, long ms)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED || keep(p, bytes, ms) || munmap(p, bytes);
}

static int heap(size_t bytes, long ms)
{
	void *p = sbrk((intptr_t)bytes);

	return p == (void *)-1 || keep(p, bytes, ms) || sbrk(-(intptr_t)bytes) == (void *)-1;
}

static __attribute__((noinline)) int stack(size_t bytes, long ms)
{
	return keep(alloca(bytes), bytes, ms);
}

/* The stack grows page by page, and is used again on the way back. */
static __attribute__((noinline)) int deep(size_t bytes, long ms)
{
	volatile unsigned char frame[2048];
	size_t i;
	int bad;

	for (i = 0; i < sizeof(frame); i += 256)
		frame[i] = (unsigned char)(bytes / 2048 + i / 256);
	if (bytes > sizeof(frame)) {
		bad = deep(bytes - sizeof(frame), ms);
	} else {
		struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

		bad = nanosleep(&pause, NULL);
	}
	for (i = 0; i < sizeof(frame); i += 256)
		bad |= frame[i] != (unsigned char)(bytes / 2048 + i / 256);
	return bad;
}

static const struct {
	const char *name;
	int (*keep)(size_t bytes, long ms);
} kinds[] = { { "mapped", mapped }, { "heap", heap }, { "stack", stack }, { "deep", deep } };

int main(int argc, char **argv)
{
	int (*kind)(size_t, long) = NULL, status = 0;
	size_t bytes;
	pid_t pid = 0;

	for (size_t i = 0; argc > 3 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(argv[1], kinds[i].name))
			kind = kinds[i].keep;
	if (!kind)
		return fprintf(stderr,
			       "usage: outside mapped|heap|stack|deep MIB MS [fork|share]\n"),
		       2;
	bytes = (size_t)atol(argv[2]) << 20;
	shared = argc > 4 && !strcmp(argv[4], "share");
	if (argc > 4 && !shared && (pid = fork()) != 0)
		return waitpid(pid, &status, 0) != pid || status;
	return kind(bytes, atol(argv[3]));
}
