/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reap.c - runs one test and knows every process that came from it.
 *
 *   reap SECONDS COMMAND [ARG...]
 *
 * As a child subreaper it becomes the parent of whatever the test's processes leave behind, daemons too,
 * whatever their names. The command gets REAPER=<our pid> in its environment. After it has ended, what is
 * still there GRACE_MS later is listed, killed, and makes the exit status STATUS_LEFT; zombies do not count.
 * After SECONDS everything is listed (with state and the function the kernel waits in), killed, and the
 * status is STATUS_TIMEOUT. Otherwise it is the command's own, 128+N for a signal. Nothing outside the family
 * is looked at twice or signalled.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS 2000
#define STATUS_LEFT 98
#define STATUS_TIMEOUT 97
#define FAMILY_MAX 4096
#define PIDS_MAX 65536

struct proc {
	pid_t pid, parent;
	char state, comm[32];
	int ours;
};
static struct proc procs[PIDS_MAX];
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int read_proc(struct proc *p, const char *pid)
{
	char path[64], line[512], *open_paren, *close_paren;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return -1;
	n = fread(line, 1, sizeof(line) - 1, file);
	fclose(file);
	line[n] = 0;
	open_paren = strchr(line, '(');
	close_paren = strrchr(line, ')');
	if (!open_paren || !close_paren)
		return -1;
	*close_paren = 0;
	snprintf(p->comm, sizeof(p->comm), "%.30s", open_paren + 1);
	p->pid = atoi(line);
	p->ours = 0;
	return sscanf(close_paren + 2, "%c %d", &p->state, &p->parent) == 2 ? 0 : -1;
}

/* All live descendants of ours are marked; returns their number. */
static int family(size_t *count)
{
	DIR *dir = opendir("/proc");
	pid_t self = getpid();
	int found = 0, grew;
	size_t n = 0;

	for (struct dirent *e; dir && (e = readdir(dir)) && n < PIDS_MAX;)
		if (isdigit((unsigned char)e->d_name[0]) && !read_proc(&procs[n], e->d_name))
			n++;
	if (dir)
		closedir(dir);
	do {
		grew = 0;
		for (size_t i = 0; i < n; i++) {
			int child = procs[i].parent == self;

			for (size_t j = 0; j < n && !child && !procs[i].ours; j++)
				child = procs[j].ours && procs[j].pid == procs[i].parent;
			if (child && !procs[i].ours) {
				procs[i].ours = grew = 1;
				found += procs[i].state != 'Z';
			}
		}
	} while (grew);
	*count = n;
	return found;
}

static void print_file(const char *what, pid_t pid)
{
	char path[64], text[2048];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n > 0) {
		text[n] = 0;
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			printf("      %s\n", line);
	}
}

static void list(size_t count, int deep)
{
	for (size_t i = 0; i < count; i++) {
		if (!procs[i].ours || procs[i].state == 'Z')
			continue;
		printf("    pid %d (%s), child of %d, state %c\n", procs[i].pid, procs[i].comm,
		       procs[i].parent, procs[i].state);
		if (deep) {
			print_file("syscall", procs[i].pid);
			print_file("stack", procs[i].pid);
		}
	}
	fflush(stdout);
}

/* Until no one is left, at most five seconds: more may be forked while we go. */
static void kill_all(void)
{
	for (long end = now_ms() + 5000; now_ms() < end;) {
		size_t count;

		if (!family(&count))
			break;
		for (size_t i = 0; i < count; i++)
			if (procs[i].ours && procs[i].state != 'Z')
				kill(procs[i].pid, SIGKILL);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		usleep(10000);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static int leftovers(void)
{
	size_t count;

	for (long end = now_ms() + GRACE_MS;; usleep(20000)) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (!family(&count))
			return 0;
		if (now_ms() > end)
			break;
	}
	printf("left behind:\n");
	list(count, 1);
	kill_all();
	return 1;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	long end;
	char text[16];
	pid_t pid;
	int status = 0;

	if (argc < 3)
		return fprintf(stderr, "usage: reap SECONDS COMMAND [ARG...]\n"), 2;
	end = now_ms() + atol(argv[1]) * 1000;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		return perror("reap"), 2;
	snprintf(text, sizeof(text), "%d", getpid());
	setenv("REAPER", text, 1);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	for (;;) {
		pid_t done = waitpid(-1, &status, WNOHANG);

		if (done == pid)
			break;
		if (done > 0)
			continue;
		if (interrupted) {
			kill_all();
			return 128 + interrupted;
		}
		if (now_ms() > end) {
			size_t count;

			family(&count);
			printf("timeout after %s seconds; still running:\n", argv[1]);
			list(count, 1);
			kill_all();
			return STATUS_TIMEOUT;
		}
		usleep(5000);
	}
	if (leftovers())
		return STATUS_LEFT;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
