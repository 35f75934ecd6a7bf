/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guardian.c - parent of the program and subreaper of its descendants; holder of every descriptor when the pager dies (H3).
 *
 * Invariants: every process of the run descends from the guardian, so it can always name them all. No userfaultfd closes
 * before all of them are dead. It ends, and the pager with it, when none is left.
 */
#include "pager/filter.h"
#include "pager/launch.h"
#include "pager/pager.h"
#include "pager/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIDS_MAX 65536

struct guardian {
	struct launch *l;
	int sigs, control; /* control: our end towards the pager */
	pid_t pager, program, front_pid;
	bool first_ended, front_left;
};

static int send_fd(int sock, int fd)
{
	char byte = 0, space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = space,
			    .msg_controllen = sizeof(space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(sock, &m, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int sock)
{
	char byte, space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = space,
			    .msg_controllen = sizeof(space) };
	struct cmsghdr *c;
	int fd;

	if (recvmsg(sock, &m, MSG_CMSG_CLOEXEC) != 1 || !(c = CMSG_FIRSTHDR(&m)) ||
	    c->cmsg_type != SCM_RIGHTS)
		return -EPIPE;
	memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

/* LD_PRELOAD with the shim in front of what the user has there. */
static int set_preload(const char *shim)
{
	const char *old = getenv("LD_PRELOAD");
	char *value;
	int rc;

	if (!old || !*old)
		return setenv("LD_PRELOAD", shim, 1);
	if (asprintf(&value, "%s:%s", shim, old) < 0)
		return -1;
	rc = setenv("LD_PRELOAD", value, 1);
	free(value);
	return rc;
}

/* The child that becomes the program. It is told to go on when the pager is ready. */
static void become_program(struct launch *l, int sock) __attribute__((noreturn));
static void become_program(struct launch *l, int sock)
{
	char **argv = l->config->argv, go;
	int listener;

	prctl(PR_SET_THP_DISABLE, 1, 0, 0,
	      0); /* --large off: no huge pages behind the pager's back */
	if (set_preload(l->config->preload) == 0) {
		listener = filter_load(&l->filter);
		if (listener >= 0 && send_fd(sock, listener) == 0 && read(sock, &go, 1) == 1) {
			close(listener);
			close(sock);
			sigprocmask(SIG_SETMASK, &l->mask, NULL);
			execvp(argv[0], argv);
			l->result->exec_errno = errno;
			_exit(errno == ENOENT ? 127 : 126);
		}
		snprintf(l->result->fatal, sizeof(l->result->fatal),
			 "the seccomp filter cannot be loaded: %s",
			 strerror(listener < 0 ? -listener : errno));
	}
	_exit(125);
}

static pid_t parent_of(pid_t pid)
{
	pid_t parent = 0;

	proc_state(pid, pid, &parent);
	return parent;
}

/* Our descendants without the pager: fn for each; returns how many. */
static int descendants(struct guardian *g, int sig)
{
	static pid_t pid[PIDS_MAX], parent[PIDS_MAX];
	static bool ours[PIDS_MAX];
	DIR *d = opendir("/proc");
	struct dirent *e;
	int i, j, n = 0, count = 0;
	bool more = true;

	while (d && (e = readdir(d)) && n < PIDS_MAX)
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9') {
			pid[n] = atoi(e->d_name);
			parent[n] = parent_of(pid[n]);
			ours[n] = parent[n] == getpid() && pid[n] != g->pager;
			n++;
		}
	if (d)
		closedir(d);
	while (more)
		for (more = false, i = 0; i < n; i++)
			for (j = 0; !ours[i] && j < n; j++)
				if (ours[j] && pid[j] == parent[i])
					ours[i] = more = true;
	for (i = 0; i < n; i++)
		if (ours[i]) {
			count++;
			if (sig)
				kill(pid[i], sig);
		}
	return count;
}

static void note(struct guardian *g, enum note_kind kind, int value, bool last)
{
	struct note n = { kind, value, last };

	if (!g->front_left)
		send(g->l->front, &n, sizeof(n), MSG_NOSIGNAL);
}

static void end_pager(struct guardian *g)
{
	if (g->pager > 0 && kill(g->pager, SIGKILL) == 0)
		waitpid(g->pager, NULL, 0);
	g->pager = 0;
}

/* Kills every process of the run; the descriptors stay open until the last one is gone. */
static void end_run(struct guardian *g, bool failed) __attribute__((noreturn));
static void end_run(struct guardian *g, bool failed)
{
	struct timespec pause = { .tv_nsec = 1000000 };

	while (descendants(g, SIGKILL)) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		nanosleep(&pause, NULL);
	}
	end_pager(g);
	if (failed)
		note(g, NOTE_FAILED, 0, true);
	monitor_remove(g->l->monitor_path);
	_exit(failed);
}

static void pager_died(struct guardian *g, int status) __attribute__((noreturn));
static void pager_died(struct guardian *g, int status)
{
	char *why = g->l->result->fatal;

	if (!*why)
		snprintf(
			why, sizeof(g->l->result->fatal),
			"the pager died (%s %d); the program was stopped before it could read a wrong byte",
			WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	g->pager = 0; /* reaped: the number may belong to somebody else soon */
	end_run(g, true);
}

/* Its word on the control socket. The socket does not close when it dies, because its descriptors are ours too. */
static void await_pager(struct guardian *g, char want)
{
	struct pollfd fd = { .fd = g->control, .events = POLLIN };
	char c = 0;
	int died;

	while (c != want)
		if (poll(&fd, 1, 50) > 0) {
			if (read(g->control, &c, 1) != 1)
				end_run(g, true);
		} else if (waitpid(g->pager, &died, WNOHANG) == g->pager) {
			pager_died(g, died);
		}
}

/* The pager completes the shared result; it may be dead instead. */
static void first_ended(struct guardian *g, int status)
{
	g->first_ended = true;
	if (write(g->control, "f", 1) == 1)
		await_pager(g, 'd');
	if (descendants(g, 0)) {
		note(g, NOTE_ENDED, status, false);
		return;
	}
	end_pager(g);
	monitor_remove(g->l->monitor_path);
	note(g, NOTE_ENDED, status, true);
	_exit(0);
}

static void children(struct guardian *g)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
		if (pid == g->pager && !WIFSTOPPED(status) && !WIFCONTINUED(status))
			pager_died(g, status);
		else if (pid != g->program)
			continue;
		else if (WIFSTOPPED(status))
			note(g, NOTE_STOPPED, WSTOPSIG(status), false);
		else if (WIFCONTINUED(status))
			kill(g->front_pid,
			     SIGCONT); /* it stopped with the program and goes on with it */
		else
			first_ended(g, status);
	}
	if (g->first_ended && !descendants(g, 0))
		end_run(g, false);
}

static void front(struct guardian *g)
{
	struct note n;

	if (recv(g->l->front, &n, sizeof(n), 0) == sizeof(n) && n.kind == NOTE_BYE) {
		g->front_left = true;
		return;
	}
	if (!g->front_left)
		end_run(g, true); /* the front was killed: the run goes with it */
}

static void watch(struct guardian *g) __attribute__((noreturn));
static void watch(struct guardian *g)
{
	struct pollfd fds[2] = { { .fd = g->sigs, .events = POLLIN },
				 { .fd = g->l->front, .events = POLLIN } };
	uint32_t limit_s = g->l->config->timeout_s;
	uint64_t end = now_ns() + limit_s * 1000000000ull;
	struct signalfd_siginfo si;

	for (;;) {
		if (poll(fds, g->front_left ? 1 : 2, limit_s ? 100 : -1) < 0 && errno != EINTR)
			end_run(g, true);
		if (limit_s && !g->first_ended && now_ns() > end) {
			snprintf(g->l->result->fatal, sizeof(g->l->result->fatal),
				 "the limit of --timeout %u seconds is over", limit_s);
			end_run(g, true);
		}
		if (!g->front_left && fds[1].revents)
			front(g);
		if (fds[0].revents && read(g->sigs, &si, sizeof(si)) == sizeof(si))
			children(g);
	}
}

/* Nothing that the program's caller waits for may stay open here. Kept: the sockets, the signals, the listener. */
static void shed_descriptors(const int *keep, int n)
{
	int null = open("/dev/null", O_RDWR), i, fd, low = 3, high = (int)sysconf(_SC_OPEN_MAX);

	for (i = 0; i < 3; i++)
		dup2(null, i);
	if (high > 65536)
		high = 65536;
	for (fd = low; fd < high; fd++) {
		for (i = 0; i < n && keep[i] != fd; i++)
			;
		if (i == n)
			close(fd);
	}
}

void guardian_main(struct launch *l)
{
	struct guardian g = { .l = l, .front_pid = getppid() };
	int control[2], hand[2], listener;
	sigset_t chld;

	prctl(PR_SET_NAME, "vmm-guardian");
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	g.sigs = signalfd(-1, &chld, SFD_CLOEXEC);
	if (g.sigs < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, hand) < 0)
		_exit(1);
	g.program = fork();
	if (g.program == 0)
		become_program(l, hand[1]);
	close(hand[1]);
	listener = g.program < 0 ? -1 : receive_fd(hand[0]);
	if (listener < 0) {
		end_run(&g, true);
	}
	setpgid(0, 0);
	shed_descriptors((int[]){ g.sigs, l->front, control[0], control[1], hand[0], listener,
				  l->monitor },
			 7);
	g.control = control[0];
	g.pager = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (g.pager == 0)
		_exit(pager_main(l->config, l->result, l->record, control[1], listener, l->monitor,
				 g.program));
	if (g.pager < 0)
		end_run(&g, true);
	await_pager(&g, 'r');
	if (write(hand[0], "g", 1) != 1)
		end_run(&g, true);
	note(&g, NOTE_STARTED, g.program, false);
	watch(&g);
}
