/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim.h - code that lives in someone else's process. Rules for everything in preload/:
 *
 *  1. No libc function that allocates, locks or sets errno before main or in the agent; raw syscalls only. The wrappers of
 *     environ.c alone call libc, on behalf of the program.
 *  2. The agent uses no thread-local storage (it runs on its creator's) and touches only its own stack, the ring, the
 *     staging areas and this library's data: nothing that the pager could have evicted.
 *  3. Syscalls that the filter traps go through gate(), or the agent waits for the pager that is waiting for it.
 *  4. Nothing here may be noticed by the program beyond what docs/visible.md lists.
 */
#ifndef PRELOAD_SHIM_H
#define PRELOAD_SHIM_H

#include <stddef.h>
#include <stdint.h>

/* What an agent needs to know; lives at the top of its own stack. */
struct agent_info {
	struct vmm_ring *ring;
	uint64_t staging[2];
	int uffd, doorbell, listener;
};

/* A syscall from the gate page, which the filter lets through. Returns the value or -errno. */
typedef long (*gate_fn)(long nr, long a, long b, long c, long d, long e, long f);
#define gate ((gate_fn)VMM_GATE_ADDR)

void agent_main(struct agent_info *info) __attribute__((noreturn));

/* Starts paging this process: in the first process from the constructor, in a fork child from the fork handler. */
void shim_start(int forked);

static inline long raw_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#endif
