/* SPDX-License-Identifier: Apache-2.0 */
/* h05_lock.c - locks 800 pages in every way, works beside them, forks, unlocks. */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <sys/wait.h>

int main(void)
{
	struct block b = churn_make(800), c = churn_make(600);
	size_t wrong = churn_walk(&b, 1) + churn_walk(&c, 1);
	int status = 0;

	wrong += mlock((void *)b.word, b.pages * PAGE) != 0;
	wrong += churn_walk(&c, 2) + churn_walk(&b, 1);

	pid_t pid = fork(); /* locks are not inherited */

	if (!pid)
		_exit(churn_walk(&b, 1) || churn_walk(&c, 1));
	wrong += waitpid(pid, &status, 0) != pid || status;
	wrong += munlock((void *)b.word, b.pages * PAGE) != 0;
	wrong += churn_walk(&c, 1) + churn_walk(&b, 1);
	wrong += mlockall(MCL_CURRENT | MCL_FUTURE) != 0;

	struct block d = churn_make(300);

	wrong += churn_walk(&d, 1) + churn_walk(&b, 1);
	wrong += munlockall() != 0;
	wrong += churn_walk(&d, 1) + churn_walk(&b, 1) + churn_walk(&c, 1);
	return churn_say("memory", wrong);
}
