/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim.c - the constructor and the fork handler: set up the gate, the ring and the agent, then say hello to the pager.
 *
 *   not under vmm          the first hypercall returns ENOSYS: nothing is done, the library is inert
 *   first process          userfaultfd made here, ring and doorbell from the pager, agent, hello
 *   fork child             the same with the userfaultfd of the pager's fork event (HYPER_FD VMM_FD_UFFD); without one, because
 *                          nothing managed was there to inherit, as in a first process
 *   any step fails         what was made is undone, the process runs without an agent: the pager serves its faults
 *                          (fork child) or leaves it unpaged (first process)
 */
#include "preload/shim.h"

#include "preload/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/ioctl.h>
#include <linux/prctl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif
#ifndef UFFD_CLOEXEC_NONBLOCK
#define UFFD_CLOEXEC_NONBLOCK (O_CLOEXEC | O_NONBLOCK)
#endif

#define AGENT_STACK_BYTES (32u * 1024)
#define AGENT_SLICE_NS 100000u /* the shortest that the kernel takes */
#define STAGING_BYTES ((uint64_t)VMM_RUN_MAX * VMM_PAGE)
#define BLOCK_BYTES (AGENT_STACK_BYTES + 2 * STAGING_BYTES)

/* Set by the pager when the program installs a filter of its own: hypercalls could then kill it. */
static volatile uint32_t quiet;

/* What the last agent of this process used; 0 in a fork child, which does not inherit it. */
static uint64_t my_ring, my_block;

/* syscall(nr, a, b, c, d, e, f) with the C calling convention, returning -errno itself. */
static const unsigned char gate_code[] = {
	0x48, 0x89, 0xf8,             /* mov %rdi,%rax */
	0x48, 0x89, 0xf7,             /* mov %rsi,%rdi */
	0x48, 0x89, 0xd6,             /* mov %rdx,%rsi */
	0x48, 0x89, 0xca,             /* mov %rcx,%rdx */
	0x4d, 0x89, 0xc2,             /* mov %r8,%r10 */
	0x4d, 0x89, 0xc8,             /* mov %r9,%r8 */
	0x4c, 0x8b, 0x4c, 0x24, 0x08, /* mov 8(%rsp),%r9 */
	0x0f, 0x05,                   /* syscall */
	0xc3,                         /* ret */
};

static long hyper(long call, long arg)
{
	return raw_syscall(VMM_HYPERCALL_NR, call, arg, 0, 0, 0, 0);
}

static void close_fd(long fd)
{
	if (fd >= 0)
		raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
}

static int failed(long rc)
{
	return rc < 0 && rc > -4096;
}

static int map_gate(void)
{
	static int mapped; /* a fork child inherits both */
	unsigned long i;
	long p;

	if (mapped)
		return 0;
	p = raw_syscall(SYS_mmap, (long)VMM_GATE_ADDR, VMM_GATE_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p != (long)VMM_GATE_ADDR) {
		if (!failed(p))
			raw_syscall(SYS_munmap, p, VMM_GATE_BYTES, 0, 0, 0, 0);
		return -1;
	}
	for (i = 0; i < sizeof(gate_code); i++)
		((volatile unsigned char *)p)[i] = gate_code[i];
	mapped = raw_syscall(SYS_mprotect, p, VMM_GATE_BYTES, PROT_READ | PROT_EXEC, 0, 0, 0) == 0;
	return mapped ? 0 : -1;
}

/* First instructions of the agent on its own stack, reached by the `ret` of the gate. */
__asm__(".text\n"
	".type agent_entry,@function\n"
	"agent_entry:\n"
	"	pop %rdi\n"
	"	xor %ebp,%ebp\n"
	"	and $-16,%rsp\n"
	"	call agent_start\n"
	"	hlt\n");
extern void agent_entry(void);

/* struct sched_attr of linux/sched/types.h, which cannot be included beside sched.h */
struct sched_attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

/*
 * The agent works for microseconds between two sleeps. With a short slice (since Linux 6.12; ignored before) it runs as soon as it is
 * woken and to its end, instead of being interrupted by the thread that it wakes: one context switch less for each command.
 */
static void shorten_slice(void)
{
	struct sched_attributes a = { 0 };

	if (gate(SYS_sched_getattr, 0, (long)&a, sizeof(a), 0, 0, 0) < 0 || a.policy != SCHED_OTHER)
		return;
	a.size = sizeof(a);
	a.flags = 0;
	a.runtime_ns = AGENT_SLICE_NS;
	gate(SYS_sched_setattr, 0, (long)&a, 0, 0, 0, 0);
}

__attribute__((noreturn, used)) static void agent_start(struct agent_info *info);
static void agent_start(struct agent_info *info)
{
	static const char name[16] = "vmm-agent";
	int keep[3] = { info->uffd, info->doorbell, info->listener }, i, j, low = 0;

	for (i = 0; i < 3; i++) /* sort the three descriptors to close everything between them */
		for (j = i + 1; j < 3; j++)
			if (keep[j] < keep[i]) {
				int t = keep[i];

				keep[i] = keep[j];
				keep[j] = t;
			}
	for (i = 0; i < 3; i++) {
		if (keep[i] > low)
			gate(SYS_close_range, low, keep[i] - 1, 0, 0, 0, 0);
		low = keep[i] + 1;
	}
	gate(SYS_close_range, low, ~0u, 0, 0, 0, 0);
	gate(SYS_prctl, PR_SET_NAME, (long)name, 0, 0, 0, 0);
	shorten_slice();
	agent_main(info);
}

struct setup {
	long ring_fd, bell, listener, uffd, device;
	uint64_t ring, block;
	long tid;
	int inherits; /* the userfaultfd is that of a fork event */
};

static int make_fds(struct setup *s, int forked)
{
	s->ring_fd = hyper(HYPER_FD, VMM_FD_RING);
	if (failed(s->ring_fd))
		return -1;
	s->bell = hyper(HYPER_FD, VMM_FD_DOORBELL);
	s->listener = hyper(HYPER_FD, VMM_FD_LISTENER);
	s->uffd = forked ? hyper(HYPER_FD, VMM_FD_UFFD) : -ENOENT;
	s->inherits = !failed(s->uffd);
	if (s->uffd == -ENOENT) {
		s->device = hyper(HYPER_FD, VMM_FD_DEVICE);
		if (failed(s->device))
			s->uffd =
				raw_syscall(SYS_userfaultfd, UFFD_CLOEXEC_NONBLOCK, 0, 0, 0, 0, 0);
		else
			s->uffd = raw_syscall(SYS_ioctl, s->device, USERFAULTFD_IOC_NEW,
					      UFFD_CLOEXEC_NONBLOCK, 0, 0, 0);
	}
	return failed(s->bell) || failed(s->listener) || failed(s->uffd) ? -1 : 0;
}

static int make_memory(struct setup *s)
{
	long p = raw_syscall(SYS_mmap, 0, sizeof(struct vmm_ring), PROT_READ | PROT_WRITE,
			     MAP_SHARED, s->ring_fd, 0);

	if (failed(p))
		return -1;
	s->ring = (uint64_t)p;
	p = raw_syscall(SYS_mmap, 0, BLOCK_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (failed(p))
		return -1;
	s->block = (uint64_t)p;
	raw_syscall(SYS_madvise, (long)s->ring, sizeof(struct vmm_ring), MADV_DONTFORK, 0, 0, 0);
	raw_syscall(SYS_madvise, (long)s->block, BLOCK_BYTES, MADV_DONTFORK, 0, 0, 0);
	raw_syscall(SYS_mprotect, (long)(s->block + AGENT_STACK_BYTES + STAGING_BYTES),
		    STAGING_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC, 0, 0, 0);
	return 0;
}

static int make_agent(struct setup *s)
{
	uint64_t top = s->block + AGENT_STACK_BYTES - 512;
	struct agent_info *info = (struct agent_info *)top;
	uint64_t *sp = (uint64_t *)(top - 64);
	unsigned long all = ~0ul, old;

	info->ring = (struct vmm_ring *)s->ring;
	info->staging[0] = s->block + AGENT_STACK_BYTES;
	info->staging[1] = info->staging[0] + STAGING_BYTES;
	info->uffd = (int)s->uffd;
	info->doorbell = (int)s->bell;
	info->listener = (int)s->listener;
	sp[0] = (uint64_t)agent_entry;
	sp[1] = (uint64_t)info;
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&old, 8, 0, 0);
	s->tid = gate(SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, (long)sp,
		      0, 0, 0, 0);
	raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&old, 0, 8, 0, 0);
	return failed(s->tid) ? -1 : 0;
}

static void drop_memory(uint64_t ring, uint64_t block)
{
	if (ring)
		raw_syscall(SYS_munmap, (long)ring, sizeof(struct vmm_ring), 0, 0, 0, 0);
	if (block)
		raw_syscall(SYS_munmap, (long)block, BLOCK_BYTES, 0, 0, 0, 0);
}

/* The pager's word: it gives a new ring only to a space whose agent has left. */
static int agent_is_gone(void)
{
	return hyper(HYPER_FD, VMM_FD_AGENT) == 0;
}

/* The pager refused: nobody will talk to this agent. It leaves; what it stands on stays until the next start. */
static void dismiss(struct vmm_ring *ring)
{
	ring->op = RING_RETIRE;
	ring->arg[0] = 0;
	__atomic_store_n(&ring->state, RING_COMMAND, __ATOMIC_RELEASE);
	raw_syscall(SYS_futex, (long)&ring->state, FUTEX_WAKE, 1, 0, 0, 0);
}

void shim_start(int forked)
{
	struct setup s = {
		.ring_fd = -1, .bell = -1, .listener = -1, .uffd = -1, .device = -1, .tid = -1
	};
	struct vmm_hello hello;

	if (quiet || hyper(HYPER_FD, -1) == -ENOSYS)
		return;
	if (map_gate() < 0)
		return;
	if (my_block && !agent_is_gone())
		return;
	if (make_fds(&s, forked) == 0 && make_memory(&s) == 0 && make_agent(&s) == 0) {
		hello = (struct vmm_hello){
			.version = VMM_PROTOCOL_VERSION,
			.uffd = (int)s.uffd,
			.agent_tid = (int)s.tid,
			.forked = (uint32_t)s.inherits,
			.ring = s.ring,
			.staging = { s.block + AGENT_STACK_BYTES,
				     s.block + AGENT_STACK_BYTES + STAGING_BYTES },
			.stack = s.block,
			.stack_bytes = AGENT_STACK_BYTES,
			.ring_bytes = sizeof(struct vmm_ring),
			.quiet = (uint64_t)&quiet,
		};
		if (hyper(HYPER_HELLO, (long)&hello) < 0)
			dismiss((struct vmm_ring *)s.ring);
		drop_memory(my_ring, my_block);
		my_ring = s.ring;
		my_block = s.block;
	} else {
		drop_memory(s.ring, s.block);
	}
	close_fd(s.ring_fd);
	close_fd(s.bell);
	close_fd(s.listener);
	close_fd(s.uffd);
	close_fd(s.device);
}

static void fork_child(void)
{
	my_ring = my_block = 0;
	shim_start(1);
}

void environ_init(void);

__attribute__((constructor)) static void shim_init(void)
{
	environ_init();
	if (hyper(HYPER_FD, -1) == -ENOSYS)
		return;
	pthread_atfork(NULL, NULL, fork_child);
	shim_start(0);
}
