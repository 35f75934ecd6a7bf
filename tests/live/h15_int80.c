/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h15_int80.c - a 64-bit program that maps memory by the 32-bit system call gate. Exit status 77 where there
 * is no such gate.
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <signal.h>

static void no_gate(int number)
{
	(void)number;
	_exit(77);
}

int main(void)
{
	struct block b = churn_make(400);
	size_t wrong = churn_walk(&b, 2);
	long r = -1;

#ifdef __x86_64__
	struct sigaction before;

	sigaction(SIGSEGV, &(struct sigaction){ .sa_handler = no_gate }, &before);
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(20 /* getpid */)
			 : "memory", "r8", "r9", "r10", "r11");
	sigaction(SIGSEGV, &before, NULL);
	printf("getpid: %s\n", r == getpid() ? "ok" : "WRONG");
	fflush(stdout);
	/* mmap2(0, 65536, rw, private anonymous, -1, 0); ebp must be 0 */
	__asm__ volatile("push %%rbp; xor %%ebp, %%ebp; int $0x80; pop %%rbp"
			 : "=a"(r)
			 : "a"(192), "b"(0), "c"(65536), "d"(3), "S"(0x22), "D"(-1)
			 : "memory", "r8", "r9", "r10", "r11");
#endif
	printf("mmap: %s\n",
	       (unsigned long)r > 0xfffffffffffff000ul || (int)r == -1 ? "refused" : "ok");
	return churn_say("memory", wrong + churn_walk(&b, 2));
}
