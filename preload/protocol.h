/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol.h - the layout and the numbers that the pager and the code inside the program share.
 *
 * Hypercalls are calls of one unused syscall number that the program's seccomp filter sends to the pager; without vmm
 * they return -ENOSYS. The ring is a memfd made by the pager, mapped by both, one per address space; the pager reads every
 * value once and validates it. Commands go one at a time:
 *
 *   pager: writes op and arguments, sets state = RING_COMMAND, wakes the futex `state`
 *   agent: executes, sets state = RING_DONE, wakes the futex if it was RING_WAITED; then wakes the thread whose page it filled
 *   pager: reads the results, sets state = RING_IDLE
 */
#ifndef VMM_PROTOCOL_H
#define VMM_PROTOCOL_H

#include <stdint.h>

#define VMM_PROTOCOL_VERSION 1u
#define VMM_HYPERCALL_NR 22093 /* no architecture-independent syscall has this number */

/* Syscalls of the agent issue from this page and pass the filter by their instruction pointer (H4). */
#define VMM_GATE_ADDR 0x6f5600000000ull
#define VMM_GATE_BYTES 4096ull

enum vmm_hypercall {
	HYPER_FD =
		1, /* arg: enum vmm_fd; returns a new descriptor in the caller's table, or -errno */
	HYPER_HELLO, /* arg: address of a struct vmm_hello; 0: paged from now on; -errno: run natively */
	HYPER_MARK, /* arg: address of a string; marks a phase of the run */
};

enum vmm_fd {
	VMM_FD_DEVICE, /* /dev/userfaultfd, opened by the pager; -ENOENT when there is none */
	VMM_FD_RING,   /* the ring memfd of this process */
	VMM_FD_DOORBELL, /* read end of a pipe that nobody writes to: a hang-up means that the pager is gone */
	VMM_FD_LISTENER, /* the seccomp listener: kept open so that no trapped syscall ever returns ENOSYS */
	VMM_FD_AGENT, /* no descriptor: 0 when the space has no agent, -EBUSY when it has one */
	VMM_FD_UFFD, /* a forked child's own userfaultfd, from the pager's fork event; -ENOENT without one */
};

#define VMM_RUN_MAX 64u /* pages in one evict command */
#define VMM_PAGE 4096u

struct vmm_hello {
	uint32_t version;
	int32_t uffd; /* descriptor number in the caller's table */
	int32_t agent_tid;
	uint32_t forked;             /* 1: a fork child that inherits a space */
	uint64_t ring;               /* address of the ring in the program */
	uint64_t staging[2];         /* VMM_RUN_MAX pages each: rw, rwx */
	uint64_t stack, stack_bytes; /* of the agent */
	uint64_t ring_bytes;
	uint64_t quiet; /* address of a uint32_t that stops further hypercalls when the pager sets it */
};

enum ring_state {
	RING_IDLE,
	RING_COMMAND,
	RING_DONE,
	RING_WAITED /* RING_COMMAND, and the pager sleeps on the futex */
};
enum ring_op { RING_SYSCALL = 1, RING_EVICT, RING_RETIRE };

#define FILL_NO_AREA 2u
#define EVICT_EXEC 1u     /* use the rwx staging area */
#define EVICT_POPULATE 2u /* MADV_POPULATE_WRITE before the move: the page was shared by fork */

struct vmm_ring {
	uint32_t version;
	uint32_t state;  /* enum ring_state; futex; only through __atomic builtins */
	uint64_t cookie; /* of the space: tells whether a process still has this mm */
	uint32_t op;
	uint32_t count;              /* EVICT: pages */
	uint64_t nr, arg[6];         /* SYSCALL */
	int64_t result;              /* SYSCALL: value or -errno */
	uint64_t addr[VMM_RUN_MAX];  /* EVICT: page addresses */
	uint32_t flags[VMM_RUN_MAX]; /* EVICT: EVICT_* */
	int32_t status[VMM_RUN_MAX]; /* EVICT: 0 moved and copied to page[i], or -errno */
	uint64_t fill_addr; /* EVICT: after it succeeded, copy `fill` here; 0: nothing to fill */
	uint32_t fill_wp;   /* map it write-protected */
	uint32_t fill_area; /* staging area of the same protection as fill_addr, FILL_NO_AREA: neither */
	int32_t fill_status;    /* 0 or -errno */
	int32_t staging_status; /* EVICT: 0, or why staging could not be emptied: the run must end */
	uint8_t fill[VMM_PAGE] __attribute__((aligned(4096)));
	uint8_t page[VMM_RUN_MAX][VMM_PAGE] __attribute__((aligned(4096)));
};

#endif
