/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.c - the thread inside the program that does what only code in the program's mm may do: moving pages out with
 * UFFDIO_MOVE, and VM syscalls on behalf of the supervisor.
 *
 * Life: asleep on the futex `state` -> RING_COMMAND: execute it -> RING_DONE, futex wake if the pager sleeps on it -> asleep again.
 * Ten times a second it looks at the doorbell, a pipe that nobody writes to: a hang-up means that the pager and its guardian are gone,
 * and the agent kills its process. Until then the program's faults and trapped calls only wait, because the agent itself
 * holds a userfaultfd and the listener.
 *
 * Invariant: between commands both staging areas are empty.
 */
#include "preload/protocol.h"
#include "preload/shim.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/ioctl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Same layout as the kernel's struct uffdio_move, which the distribution's headers lack. */
struct move_args {
	uint64_t dst, src, len, mode;
	int64_t moved;
};
#define IOC_MOVE _IOWR(UFFDIO, 0x05, struct move_args)
#define MOVE_DONTWAKE 1u

static void copy_page(void *to, const void *from)
{
	unsigned long n = VMM_PAGE / 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

/* The first lines of a page that will be moved, and its page table entry, while another is being moved. */
static void expect(uint64_t addr)
{
	uint32_t i;

	for (i = 0; i < 256; i += 64)
		__builtin_prefetch((const char *)addr + i);
}

static int present(uint64_t addr)
{
	unsigned char in_core = 0;

	return gate(SYS_mincore, (long)addr, VMM_PAGE, (long)&in_core, 0, 0, 0) == 0 && in_core & 1;
}

/*
 * Moves pages [i, i + n), which are contiguous, to the same indices of a staging area. Returns how many went; if fewer than n,
 * *err says what stopped the next one.
 *
 * An error does not mean that nothing went: Linux 6.18 keeps the EAGAIN of a first try (the accessed bit changed meanwhile) when
 * the second succeeds, tries the moved page a third time and returns EEXIST without counting it. Staging was empty before, so
 * EEXIST with the source gone says that the page is there. After any surprise the run goes on page by page.
 */
static uint32_t move_run(struct agent_info *in, uint64_t staging, uint32_t i, uint32_t n,
			 uint64_t src, long *err)
{
	uint32_t done = 0, span = n, interrupts = 0;

	*err = 0;
	while (done < n) {
		uint64_t at = (uint64_t)done * VMM_PAGE;
		struct move_args mv = { staging + (uint64_t)i * VMM_PAGE + at, src + at,
					(uint64_t)span * VMM_PAGE, 0, 0 };
		long rc = gate(SYS_ioctl, in->uffd, IOC_MOVE, (long)&mv, 0, 0, 0);

		if (rc == 0) {
			done += span;
		} else if (rc == -EAGAIN && mv.moved > 0) {
			done += (uint32_t)((uint64_t)mv.moved / VMM_PAGE);
		} else if (rc == -EEXIST && !present(src + at)) {
			done++;
		} else if (rc != -EINTR || ++interrupts == 16) {
			*err = rc;
			break;
		}
		span = 1;
	}
	return done;
}

static uint32_t run_length(const uint64_t *addr, const uint32_t *flags, uint32_t i, uint32_t count)
{
	uint32_t n = 1;

	while (i + n < count && addr[i + n] == addr[i] + (uint64_t)n * VMM_PAGE &&
	       flags[i + n] == flags[i])
		n++;
	return n;
}

/* Maps `fill` at fill_addr in a new frame. */
static long fill_copy(struct agent_info *in)
{
	struct vmm_ring *r = in->ring;
	struct uffdio_copy cp = { .dst = r->fill_addr,
				  .src = (uintptr_t)r->fill,
				  .len = VMM_PAGE,
				  .mode = UFFDIO_COPY_MODE_DONTWAKE };

	if (r->fill_wp)
		cp.mode |= UFFDIO_COPY_MODE_WP;
	return gate(SYS_ioctl, in->uffd, UFFDIO_COPY, (long)&cp, 0, 0, 0);
}

/* The frame of the only victim, still in staging, gets the new content and moves on: no frame is freed or taken. As in
 * move_run() the page may have moved when the kernel says that it has not. */
static long fill_reuse(struct agent_info *in, uint64_t staging)
{
	struct move_args mv = { in->ring->fill_addr, staging, VMM_PAGE, MOVE_DONTWAKE, 0 };
	long rc;

	copy_page((void *)staging, in->ring->fill);
	rc = gate(SYS_ioctl, in->uffd, IOC_MOVE, (long)&mv, 0, 0, 0);
	return rc == -EEXIST && !present(staging) ? 0 : rc;
}

/* Nothing of this command may be there when the next one comes: EEXIST would then mean something else. 0 or -errno. */
static long empty_staging(struct agent_info *in, uint32_t area, uint32_t count)
{
	long rc = -EAGAIN;
	int tries;

	for (tries = 0; rc != 0 && tries < 1000; tries++)
		rc = gate(SYS_madvise, (long)in->staging[area], (long)count * VMM_PAGE,
			  MADV_DONTNEED, 0, 0, 0);
	return rc;
}

static void evict(struct agent_info *in)
{
	struct vmm_ring *r = in->ring;
	uint32_t count = r->count, i = 0, failed = 0, used[2] = { 0, 0 };

	if (count > VMM_RUN_MAX)
		count = VMM_RUN_MAX;
	r->fill_status = -ECANCELED;
	r->staging_status = 0;
	while (i < count) {
		uint32_t area = (r->flags[i] & EVICT_EXEC) ? 1 : 0,
			 n = run_length(r->addr, r->flags, i, count), done, k;
		long err = 0;

		if (r->flags[i] & EVICT_POPULATE)
			gate(SYS_madvise, (long)r->addr[i], (long)n * VMM_PAGE, MADV_POPULATE_WRITE,
			     0, 0, 0);
		if (i + n < count)
			expect(r->addr[i + n]);
		done = move_run(in, in->staging[area], i, n, r->addr[i], &err);
		for (k = i; k < i + done; k++) {
			copy_page(r->page[k],
				  (const void *)(in->staging[area] + (uint64_t)k * VMM_PAGE));
			r->status[k] = 0;
		}
		if (done)
			used[area] = 1;
		i += done;
		if (done < n) { /* the next page is the one that stopped the run */
			r->status[i] = (int32_t)(err ? err : -EAGAIN);
			failed = 1;
			i++;
		}
	}
	if (r->fill_addr && !failed && count == 1 && !r->fill_wp && r->fill_area < FILL_NO_AREA &&
	    used[r->fill_area]) {
		r->fill_status = (int32_t)fill_reuse(in, in->staging[r->fill_area]);
		if (r->fill_status == 0)
			return;
	}
	for (i = 0; i < 2; i++)
		if (used[i] && r->staging_status == 0)
			r->staging_status = (int32_t)empty_staging(in, i, count);
	if (r->fill_addr && !failed)
		r->fill_status = (int32_t)fill_copy(in);
}

/* A hang-up on the doorbell: its only other end was the pager's. */
static int pager_is_gone(struct agent_info *in)
{
	struct pollfd bell = { .fd = in->doorbell, .events = POLLIN };

	return gate(SYS_poll, (long)&bell, 1, 0, 0, 0, 0) > 0;
}

static void wait_for_command(struct agent_info *in)
{
	struct timespec look = { .tv_nsec = 100000000 };
	uint32_t state;

	while ((state = __atomic_load_n(&in->ring->state, __ATOMIC_ACQUIRE)) != RING_COMMAND &&
	       state != RING_WAITED) {
		long rc = gate(SYS_futex, (long)&in->ring->state, FUTEX_WAIT, state, (long)&look, 0,
			       0);

		while (rc == -ETIMEDOUT && pager_is_gone(in))
			gate(SYS_kill, gate(SYS_getpid, 0, 0, 0, 0, 0, 0), SIGKILL, 0, 0, 0, 0);
	}
}

void agent_main(struct agent_info *in)
{
	struct vmm_ring *r = in->ring;
	struct uffdio_range filled = { .len = VMM_PAGE };
	uint32_t op;

	for (;;) {
		wait_for_command(in);
		op = r->op; /* after RING_DONE the next command may stand there */
		filled.start = 0;
		switch (op) {
		case RING_SYSCALL:
			r->result = gate((long)r->nr, (long)r->arg[0], (long)r->arg[1],
					 (long)r->arg[2], (long)r->arg[3], (long)r->arg[4],
					 (long)r->arg[5]);
			break;
		case RING_EVICT:
			evict(in);
			filled.start = r->fill_status == 0 ? r->fill_addr : 0;
			break;
		default:
			break;
		}
		if (__atomic_exchange_n(&r->state, RING_DONE, __ATOMIC_ACQ_REL) == RING_WAITED)
			gate(SYS_futex, (long)&r->state, FUTEX_WAKE, 1, 0, 0, 0);
		/* Last: the program may take the CPU at once, and by its next fault the pager finds this command done. */
		if (filled.start)
			gate(SYS_ioctl, in->uffd, UFFDIO_WAKE, (long)&filled, 0, 0, 0);
		if (op == RING_RETIRE)
			for (;;)
				gate(SYS_exit, (long)r->arg[0], 0, 0, 0, 0, 0);
	}
}
