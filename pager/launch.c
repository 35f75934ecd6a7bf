/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch.c - the front: starts the guardian, passes signals on, stops and continues with the program, and ends with its status.
 *
 * The program stays in the front's process group and session, so the terminal's signals reach it directly; those that somebody sent to
 * vmm itself are forwarded. The pager and the guardian block all signals and are in a process group of their own: nothing the terminal
 * does stops them. Not in a session of their own: the scheduler would make it a group that shares the CPU with the program's as a
 * whole (autogroup), and sched_yield would no longer hand over to the program.
 */
#include "pager/launch.h"

#include "pager/filter.h"
#include "pager/proc.h"
#include "pager/record.h"
#include "preload/protocol.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

bool pager_inside(void)
{
	return !(syscall(VMM_HYPERCALL_NR, HYPER_FD, -1L) < 0 && errno == ENOSYS);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool is_stopped(pid_t pid)
{
	return proc_state(pid, pid, NULL) == 'T';
}

static void forward(const struct signalfd_siginfo *si, pid_t program)
{
	if (si->ssi_signo == SIGCHLD || program <= 0)
		return;
	if (si->ssi_signo == SIGCONT) {
		if (is_stopped(program))
			kill(program, SIGCONT);
	} else if (si->ssi_code <=
		   0) { /* not the kernel's: the terminal has told the program itself */
		kill(program, (int)si->ssi_signo);
	}
}

/* Waits for the end of the program. 0, or -errno when the guardian died. */
static int attend(int sock, int sigs, struct run_result *result, pid_t *program, bool *last)
{
	struct pollfd fds[2] = { { .fd = sock, .events = POLLIN },
				 { .fd = sigs, .events = POLLIN } };
	struct signalfd_siginfo si;
	struct note note;

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents && read(sigs, &si, sizeof(si)) == sizeof(si))
			forward(&si, *program);
		if (!fds[0].revents)
			continue;
		if (recv(sock, &note, sizeof(note), 0) != sizeof(note))
			return -EPIPE;
		switch (note.kind) {
		case NOTE_STARTED:
			*program = note.value;
			break;
		case NOTE_STOPPED:
			kill(getpid(), SIGSTOP);
			if (is_stopped(*program))
				kill(*program, SIGCONT);
			break;
		case NOTE_ENDED:
			result->signal = WIFSIGNALED(note.value) ? WTERMSIG(note.value) : 0;
			result->exit_code = WIFEXITED(note.value) ? WEXITSTATUS(note.value) : 0;
			*last = note.last;
			return 0;
		default:
			return -EPIPE;
		}
	}
}

static int run(struct launch *l, int sock[2], pid_t *program, bool *last)
{
	struct note bye = { NOTE_BYE, 0, false };
	double start = seconds();
	sigset_t all;
	pid_t guardian;
	int sigs, rc;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGABRT);
	sigprocmask(SIG_SETMASK, &all, &l->mask);
	sigs = signalfd(-1, &all, SFD_CLOEXEC);
	guardian = sigs < 0 ? -1 : fork();
	if (guardian < 0) {
		rc = -errno;
	} else if (guardian == 0) {
		close(sock[0]);
		close(sigs);
		guardian_main(l);
	} else {
		close(sock[1]);
		record_watch(l->record, guardian);
		rc = attend(sock[0], sigs, l->result, program, last);
		l->result->elapsed_s = seconds() - start;
		l->over = rc || last;
		if (rc) {
			if (*program > 0)
				kill(*program, SIGKILL);
			l->result->vmm_errno = -rc;
		} else {
			send(sock[0], &bye, sizeof(bye), MSG_NOSIGNAL);
			if (*last)
				waitpid(guardian, NULL, 0);
		}
		rc = 0;
	}
	if (sigs >= 0)
		close(sigs);
	sigprocmask(SIG_SETMASK, &l->mask, NULL);
	return rc;
}

int pager_run(const struct run_config *config, struct run_result *result)
{
	struct launch l = { .config = config, .over = true };
	pid_t program = 0;
	bool last = true;
	int sock[2], rc;

	memset(result, 0, sizeof(*result));
	l.result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (l.result == MAP_FAILED)
		return -errno;
	l.monitor = monitor_listen(l.monitor_path);
	rc = filter_build(&l.filter);
	if (!rc) {
		rc = record_start(config, &l.record);
		l.result->record.error = rc;
	}
	if (!rc && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
		rc = -errno;
	if (!rc) {
		l.front = sock[1];
		rc = run(&l, sock, &program, &last);
		close(sock[0]);
	}
	if (rc)
		record_watch(l.record, -1);
	record_finish(l.record, last, &l.result->record);
	memcpy(result, l.result, sizeof(*result));
	munmap(l.result, sizeof(*result));
	if (l.monitor >= 0)
		close(l.monitor);
	if (l.over) /* the guardian may have been killed before it could */
		monitor_remove(l.monitor_path);
	free(l.filter.filter);
	return rc;
}
