/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h12_vforks.c - children of vfork fault in their parent's memory, each on a page of its own, and leave: most by exec,
 * some by dying after a failed one. What they held there is nobody's afterwards.
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <sys/wait.h>

#define CHILDREN 120ul

int main(void)
{
	struct block b = churn_make(4 * CHILDREN);
	char *const argv[] = { "true", NULL }, *const envp[] = { NULL };
	size_t wrong = 0;

	churn_write(&b);
	for (size_t i = 0; i < CHILDREN; i++) {
		volatile uint64_t word = 0;
		int status = 0;
		pid_t pid = vfork();

		if (pid == 0) {
			word = b.word[i * WORDS];
			execve(i % 4 ? "/bin/true" : "/nonexistent", argv, envp);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			return 2;
		wrong += status != 0 || word != churn_word(b.generation, i);
		for (size_t k = 2 * CHILDREN; k < 2 * CHILDREN + 60; k++) /* pushes the rest out */
			wrong += b.word[k * WORDS] != churn_word(b.generation, k);
	}
	return churn_say("vforks", wrong + churn_check(&b));
}
