/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h11_debug.c - a parent reads its child's memory, most of it evicted, by process_vm_readv, /proc/PID/mem and
 * ptrace. The first must work; the others must give the right bytes or fail.
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

int main(void)
{
	struct block b = churn_make(900);
	size_t missing = 0, wrong_vm = 0, wrong_mem = 0, wrong_ptrace = 0;
	int ready[2], status = 0, fd;
	char path[64], c;
	pid_t pid;

	if (pipe(ready))
		return 2;
	pid = fork();
	if (!pid) {
		churn_write(&b);
		churn_write(&b);
		if (write(ready[1], "x", 1) != 1)
			_exit(2);
		for (;;)
			pause();
	}
	b.generation = 2;
	if (read(ready[0], &c, 1) != 1)
		return 2;
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY);
	for (size_t i = 0; i < b.pages; i++) {
		uint64_t word = 1;
		void *at = (void *)(b.word + churn_second(i));
		struct iovec mine = { &word, 8 }, theirs = { at, 8 };

		if (pread(fd, &word, 8, (off_t)(uintptr_t)at) == 8)
			wrong_mem += word != churn_word(2, i);
		else
			missing++;
		wrong_vm += process_vm_readv(pid, &mine, 1, &theirs, 1, 0) != 8 ||
			    word != churn_word(2, i);
	}
	churn_say("process_vm_readv", wrong_vm);
	churn_say("/proc/PID/mem", wrong_mem);
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0) {
		waitpid(pid, &status, 0);
		for (size_t i = 0; i < b.pages; i += 3) {
			errno = 0;
			uint64_t word = (uint64_t)ptrace(PTRACE_PEEKDATA, pid,
							 (void *)(b.word + churn_second(i)), NULL);

			wrong_ptrace += !errno && word != churn_word(2, i);
		}
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	}
	churn_say("ptrace", wrong_ptrace);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	(void)missing; /* evicted pages: an error is the honest answer */
	return wrong_vm || wrong_mem || wrong_ptrace;
}
