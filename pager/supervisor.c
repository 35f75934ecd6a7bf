/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor.c - the other end of the seccomp filter: each trapped syscall arrives here while its thread waits.
 *
 * A call is *continued* (the kernel executes it as the program made it), *answered* (its result is given here, usually after the
 * agent executed it), or *deferred*: calls of a space whose agent is busy, or whose fork is under way, wait in its list and are
 * handled in order. Exactly one of the three happens to each notification.
 */
#include "pager/pager.h"
#include "pager/compat.h"
#include "pager/uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

void notif_return(struct pager *p, const struct seccomp_notif *n, int64_t value)
{
	struct seccomp_notif_resp r = { .id = n->id };

	if (value < 0 && value > -4096)
		r.error = (int)value;
	else
		r.val = value;
	ioctl(p->listener, SECCOMP_IOCTL_NOTIF_SEND,
	      &r); /* ENOENT: the thread was killed meanwhile */
}

void notif_continue(struct pager *p, const struct seccomp_notif *n)
{
	struct seccomp_notif_resp r = { .id = n->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	ioctl(p->listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

/* Puts a descriptor of ours into the calling process and makes its number the result of the hypercall. */
static void give_fd(struct pager *p, const struct seccomp_notif *n, int fd)
{
	struct seccomp_notif_addfd a = { .id = n->id,
					 .flags = SECCOMP_ADDFD_FLAG_SEND,
					 .srcfd = (uint32_t)fd,
					 .newfd_flags = O_CLOEXEC };

	if (fd < 0)
		notif_return(p, n, -ENOENT);
	else if (ioctl(p->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &a) < 0)
		notif_return(p, n, -errno);
}

static void hyper_fd(struct pager *p, struct process *pr, const struct seccomp_notif *n)
{
	struct space *s = pr->space, *parent;
	int64_t what = (int64_t)n->data.args[1];
	int rc;

	if (what < 0 || (what != VMM_FD_RING && (!s || !s->agent.ring))) {
		notif_return(p, n, -EINVAL);
		return;
	}
	switch (what) {
	case VMM_FD_RING:
		if (!s) {
			s = space_new(p);
			parent = process_parent_space(p, pr);
			if (parent)
				s->family = parent->family;
			process_join(pr, s);
		}
		rc = s->agent.ready ? -EBUSY : space_make_ring(s);
		if (rc)
			notif_return(p, n, rc);
		else
			give_fd(p, n, s->agent.ring_fd);
		break;
	case VMM_FD_DOORBELL:
		give_fd(p, n, s->agent.doorbell[0]);
		close(s->agent.doorbell[0]); /* ours must not keep the pipe readable */
		s->agent.doorbell[0] = -1;
		break;
	case VMM_FD_LISTENER:
		give_fd(p, n, p->listener);
		break;
	case VMM_FD_DEVICE:
		give_fd(p, n, p->device);
		break;
	case VMM_FD_AGENT:
		notif_return(p, n, s->agent.ready ? -EBUSY : 0);
		break;
	case VMM_FD_UFFD:
		give_fd(p, n, s->uffd);
		break;
	default:
		notif_return(p, n, -EINVAL);
	}
}

/* A descriptor of the target, taken over. */
static int take_fd(struct process *pr, int fd)
{
	int got = (int)syscall(SYS_pidfd_getfd, pr->pidfd, fd, 0);

	return got < 0 ? -errno : got;
}

static int hello(struct pager *p, struct process *pr, const struct seccomp_notif *n)
{
	struct vmm_hello h;
	struct space *s = pr->space;
	struct thread *t, *next;
	int rc;

	if (!s || !s->agent.ring)
		return -EPROTO;
	rc = space_read(s, (pid_t)n->pid, n->data.args[1], &h, sizeof(h));
	if (rc)
		return rc;
	if (s->uffd < 0) {
		s->uffd = take_fd(pr, h.uffd);
		if (s->uffd < 0)
			return s->uffd;
		rc = uffd_api(s->uffd, &s->fork_events);
		if (rc) {
			close(s->uffd);
			s->uffd = -1;
			return rc;
		}
		loop_watch(p, s->uffd, watch_key(WATCH_UFFD, s->id));
	}
	rc = space_hello(s, pr, &h);
	if (rc) {
		s->agent.ready = false;
		return rc;
	}
	pr->paged_ever = true;
	pr->reason[0] = 0;
	HASH_ITER(hh, p->threads, t, next)
	if (t->process == pr) {
		pin_address(s, t->tid_addr, t->tid);
		pin_address(s, t->robust_head, t->tid);
	}
	if (s->family != s->id)
		audit_relatives(p);
	return 0;
}

static void refused(struct process *pr, int rc)
{
	if (rc == -EPERM || rc == -EACCES || rc == -EFAULT)
		snprintf(pr->reason, sizeof(pr->reason),
			 "its memory is closed to vmm (is the program's file readable?)");
	else
		snprintf(pr->reason, sizeof(pr->reason), "set-up failed: %s", strerror(-rc));
}

/* The name, as much of it as a mark keeps. */
static int mark_of(struct pager *p, struct process *pr, const struct seccomp_notif *n)
{
	char name[sizeof(p->result->mark[0].name)] = "";
	uint32_t i;

	for (i = 0; i < sizeof(name) - 1; i++) {
		if (space_read(pr->space, pr->pid, n->data.args[1] + i, &name[i], 1))
			return -EFAULT;
		if (!name[i])
			break;
	}
	name[i] = 0;
	mark(p, name);
	return 0;
}

static void hypercall(struct pager *p, struct process *pr, const struct seccomp_notif *n)
{
	int rc;

	switch (n->data.args[0]) {
	case HYPER_FD:
		hyper_fd(p, pr, n);
		break;
	case HYPER_HELLO:
		rc = hello(p, pr, n);
		if (rc && !pr->paged_ever)
			refused(pr, rc);
		notif_return(p, n, rc);
		break;
	case HYPER_MARK:
		notif_return(p, n, mark_of(p, pr, n));
		break;
	default:
		notif_return(p, n, -ENOSYS);
	}
}

/* clone3's flags and child_tid stand in the caller's memory (H10). */
static bool clone_args_of(struct space *s, const struct seccomp_notif *n, uint64_t *flags,
			  uint64_t *ctid)
{
	struct clone_args a = { 0 };

	*flags = *ctid = 0;
	switch (n->data.nr) {
	case SYS_fork:
		return true;
	case SYS_vfork:
		*flags = CLONE_VM | CLONE_VFORK;
		return true;
	case SYS_clone:
		*flags = n->data.args[0];
		*ctid = n->data.args[3];
		return true;
	default:
		if (space_read(s, (pid_t)n->pid, n->data.args[0], &a, 24) < 0)
			return false; /* the kernel will say EFAULT */
		*flags = a.flags;
		*ctid = a.child_tid;
		return true;
	}
}

static void clone_call(struct pager *p, struct process *pr, const struct seccomp_notif *n)
{
	struct space *s = pr->space;
	uint64_t flags, ctid;

	if (s && clone_args_of(s, n, &flags, &ctid)) {
		if (!(flags & (CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID)))
			ctid = 0;
		if (!(flags & CLONE_VM)) {
			fork_begin(s, n, ctid);
		} else if (ctid && (flags & CLONE_THREAD)) {
			pins_sweep(s);
			pin_address(s, ctid, 0);
		}
		if (flags & CLONE_THREAD)
			threads_check(p, pr);
	}
	if (s && s->fork_again) /* it is another kind of call now */
		fork_over(s);
	notif_continue(p, n);
}

/* The agent is a thread that must not be there when these calls run (H9). It comes back through the shim's wrappers. */
static bool needs_retirement(const struct seccomp_notif *n)
{
	switch (n->data.nr) {
	case SYS_setns:
	case SYS_setuid:
	case SYS_setgid:
	case SYS_setreuid:
	case SYS_setregid:
	case SYS_setresuid:
	case SYS_setresgid:
	case SYS_setfsuid:
	case SYS_setfsgid:
	case SYS_setgroups:
	case SYS_capset:
		return true;
	case SYS_unshare:
		return n->data.args[0] &
		       (CLONE_NEWUSER | CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWTIME);
	case SYS_seccomp:
		return n->data.args[0] == SECCOMP_SET_MODE_FILTER &&
		       (n->data.args[1] & SECCOMP_FILTER_FLAG_TSYNC);
	}
	return false;
}

/* From here on a hypercall could meet the program's own filter. */
static void own_filter(struct space *s, pid_t pid)
{
	uint32_t one = 1;

	if (s->agent.quiet_addr)
		space_write(s, pid, s->agent.quiet_addr, &one, sizeof(one));
}

static void paged_call(struct pager *p, struct process *pr, struct thread *t,
		       const struct seccomp_notif *n)
{
	struct space *s = pr->space;
	int rc;

	if (needs_retirement(n))
		agent_retire(s, 0);
	switch (n->data.nr) {
	case SYS_exit:
		unmanaged_last(p);
		thread_exit(s, t, (int)n->data.args[0]);
		break;
	case SYS_set_tid_address:
	case SYS_set_robust_list:
		pin_address(s, n->data.args[0], t->tid);
		break;
	case SYS_io_uring_setup:
		msg(p,
		    "process %d (%s): io_uring_setup was refused (EPERM): rings can unmap memory behind the pager",
		    pr->pid, pr->comm);
		notif_return(p, n, -EPERM);
		return;
	case SYS_vmsplice:
		rc = pin_spliced(s, pr->pid, n->data.args[1], n->data.args[2]);
		if (rc == -ENOMEM) {
			notif_return(p, n, rc);
			return;
		}
		break;
	case SYS_ioctl:
		if (regions_overlap(&s->regions, 0, UINT64_MAX)) {
			msg(p, "process %d (%s): its own use of userfaultfd was refused (EBUSY)",
			    pr->pid, pr->comm);
			notif_return(p, n, -EBUSY);
			return;
		}
		break;
	case SYS_seccomp:
	case SYS_prctl:
		if (n->data.nr == SYS_prctl ? n->data.args[1] == SECCOMP_MODE_FILTER
					    : n->data.args[0] == SECCOMP_SET_MODE_FILTER)
			own_filter(s, pr->pid);
		break;
	default:
		if (vm_call(s, pr, n))
			return;
	}
	notif_continue(p, n);
}

static void foreign_abi(struct pager *p, struct process *pr, const struct seccomp_notif *n)
{
	if (pr->space && pr->space->agent.ready)
		fatal(p,
		      "process %d (%s) changed its memory with a 32-bit syscall (int 0x80), which vmm cannot follow",
		      pr->pid, pr->comm);
	if (!pr->paged_ever && !pr->space)
		strcpy(pr->reason, "a 32-bit program");
	notif_continue(p, n);
}

static void defer(struct space *s, const struct seccomp_notif *n)
{
	if (s->deferred_len == s->deferred_cap) {
		uint32_t cap = s->deferred_cap ? s->deferred_cap * 2 : 16;
		struct seccomp_notif *d = realloc(s->deferred, cap * sizeof(*d));

		if (!d)
			fatal(s->pager, "out of memory for waiting calls");
		s->deferred = d;
		s->deferred_cap = cap;
	}
	s->deferred[s->deferred_len++] = *n;
}

static void note_addresses(struct thread *t, const struct seccomp_notif *n)
{
	if (n->data.nr == SYS_set_tid_address)
		t->tid_addr = n->data.args[0];
	else if (n->data.nr == SYS_set_robust_list)
		t->robust_head = n->data.args[0];
}

static void dispatch(struct pager *p, const struct seccomp_notif *n)
{
	struct thread *t;
	struct process *pr = process_of_thread(p, (pid_t)n->pid, &t);
	struct space *s;

	if (!pr) { /* died meanwhile */
		notif_continue(p, n);
		return;
	}
	if (pr->exec_pending)
		process_refresh(p, pr);
	s = pr->space;
	if (n->data.arch != AUDIT_ARCH_X86_64 || (n->data.nr & 0x40000000)) {
		foreign_abi(p, pr, n);
		return;
	}
	if (s && s->forking == (pid_t)n->pid)
		fork_back(s, n);
	if (s && (s->agent.busy || s->serving || s->forking)) {
		defer(s, n);
		return;
	}
	note_addresses(t, n);
	if (placement_call(p, pr, t, n))
		return;
	switch (n->data.nr) {
	case VMM_HYPERCALL_NR:
		hypercall(p, pr, n);
		break;
	case SYS_execve:
	case SYS_execveat:
		if (s) {
			unmanaged_last(p);
			audit_relatives(p);
		}
		pr->exec_pending = true;
		notif_continue(p, n);
		break;
	case SYS_fork:
	case SYS_vfork:
	case SYS_clone:
	case SYS_clone3:
		clone_call(p, pr, n);
		break;
	default:
		if (s && s->uffd >= 0)
			paged_call(p, pr, t, n);
		else
			notif_continue(p, n);
	}
}

void supervise_deferred(struct space *s)
{
	struct pager *p = s->pager;
	uint32_t id = s->id;

	while (s && s->deferred_len && !s->agent.busy && !s->serving && !s->forking) {
		struct seccomp_notif n = s->deferred[0];

		memmove(s->deferred, s->deferred + 1, --s->deferred_len * sizeof(n));
		if (ioctl(p->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id) == 0)
			dispatch(p, &n);
		s = space_by_id(p, id);
	}
}

void supervise(struct pager *p)
{
	struct seccomp_notif n;

	memset(&n, 0, sizeof(n));
	if (ioctl(p->listener, SECCOMP_IOCTL_NOTIF_RECV, &n) == 0)
		dispatch(p, &n);
}
