/* SPDX-License-Identifier: Apache-2.0 */
/* h09_agent.c - what a further thread in the process could spoil; one kind a run, see the table at the bottom. */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct block b;

static void result(const char *what, long r)
{
	printf("%s: %s\n", what, r < 0 ? strerror(errno) : "ok");
	fflush(stdout);
}

/* A user namespace of its own takes a process with one thread. */
static int do_unshare(void)
{
	result("unshare user", unshare(CLONE_NEWUSER));
	if (churn_walk(&b, 2))
		return 1;
	result("unshare files and fs", unshare(CLONE_FILES | CLONE_FS));
	return churn_say("memory", churn_walk(&b, 2));
}

static int do_setns(void)
{
	int fd = open("/proc/self/ns/user", O_RDONLY);
	int uts = open("/proc/self/ns/uts", O_RDONLY);

	result("setns to its own user namespace", setns(fd, CLONE_NEWUSER));
	result("setns to its own uts namespace", setns(uts, CLONE_NEWUTS));
	return churn_say("memory", churn_walk(&b, 2));
}

/* No thread of the process keeps the old user. */
static int do_setuid(void)
{
	char path[300], line[256];
	int privileged = 0;
	DIR *dir;

	if (geteuid())
		printf("not root\n");
	else
		result("setresuid",
		       setresgid(65534, 65534, 65534) | setresuid(65534, 65534, 65534));
	if (churn_walk(&b, 2))
		return 1;
	dir = opendir("/proc/self/task");
	for (struct dirent *e; dir && (e = readdir(dir));) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
		FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "r");
		unsigned id[4];

		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "Uid: %u %u %u %u", &id[0], &id[1], &id[2], &id[3]) == 4)
				privileged += !id[0] || !id[1] || !id[2] || !id[3];
		if (f)
			fclose(f);
	}
	printf("privileged threads: %s\n", privileged ? "some" : "none");
	return churn_say("memory", churn_walk(&b, 2));
}

/*
 * A filter on all threads that allows nothing but writing and leaving; it is synchronised, so it reaches
 * every thread.
 */
static int do_tsync(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };
	static const char good[] = "memory: ok\n", bad[] = "memory: WRONG\n";
	size_t wrong;

	result("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0,
				     0)); /* also makes stdio ready: no call but write later */
	result("seccomp",
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program));
	wrong = churn_walk(&b, 3);
	if (write(1, wrong ? bad : good, wrong ? sizeof(bad) - 1 : sizeof(good) - 1) < 0)
		wrong = 1;
	_exit(wrong != 0);
}

/* exit of the only thread ends the process, with its status. */
static int do_raw_exit(void)
{
	if (churn_say("memory", churn_walk(&b, 2)))
		return 1;
	syscall(SYS_exit, 5);
	return 9;
}

static int do_pthread_exit(void)
{
	if (churn_say("memory", churn_walk(&b, 2)))
		return 1;
	pthread_exit(NULL);
}

static void *end_last(void *arg)
{
	pthread_join((pthread_t)(uintptr_t)arg, NULL);
	churn_say("memory of the last thread", churn_walk(&b, 2));
	return NULL;
}

static int do_thread_ends_last(void)
{
	pthread_t id;

	if (pthread_create(&id, NULL, end_last, (void *)(uintptr_t)pthread_self()))
		return 2;
	pthread_exit(NULL);
}

/* exec by a thread that is not the main one. */
static void *exec_true(void *arg)
{
	execl("/bin/echo", "echo", "from a thread's exec", NULL);
	return arg;
}

static int do_exec_thread(void)
{
	pthread_t id;

	if (churn_say("memory", churn_walk(&b, 2)) || pthread_create(&id, NULL, exec_true, NULL))
		return 2;
	pthread_join(id, NULL);
	return 9;
}

/* A process that shares the memory and outlives nothing: both work on it at the same time. */
static struct block shared_block;

static int other(void *arg)
{
	(void)arg;
	return churn_walk(&shared_block, 4) != 0;
}

static int do_clone_vm(void)
{
	char *stack = churn_memory(64);
	int status = 0;
	pid_t pid;

	shared_block = churn_make(300);
	churn_write(&shared_block);
	pid = clone(other, stack + 64 * PAGE, CLONE_VM | SIGCHLD, NULL);
	result("clone with CLONE_VM", pid);

	size_t wrong = churn_walk(&b, 4);

	wrong += waitpid(pid, &status, 0) != pid || status;
	wrong += churn_walk(&shared_block, 1);
	return churn_say("memory", wrong);
}

static const struct {
	const char *name;
	int (*run)(void);
} kinds[] = {
	{ "unshare", do_unshare },
	{ "setns", do_setns },
	{ "setuid", do_setuid },
	{ "tsync", do_tsync },
	{ "raw-exit", do_raw_exit },
	{ "pthread-exit", do_pthread_exit },
	{ "thread-ends-last", do_thread_ends_last },
	{ "exec-thread", do_exec_thread },
	{ "clone-vm", do_clone_vm },
};

int main(int argc, char **argv)
{
	b = churn_make(500);
	if (churn_walk(&b, 2))
		return 1;
	for (size_t k = 0; argc > 1 && k < sizeof(kinds) / sizeof(kinds[0]); k++)
		if (!strcmp(argv[1], kinds[k].name))
			return kinds[k].run();
	return 2;
}
