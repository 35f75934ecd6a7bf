/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h14_pipe.c - writes 8 MB in calls of 512 KiB from memory that is mostly out; whole lines of 64 bytes that
 * begin with "h14 ".
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <string.h>

#define BYTES (512 * 1024ul)

int main(void)
{
	char *text = churn_memory(BYTES / PAGE), line[80];
	struct block b = churn_make(600);
	size_t wrong = 0;

	for (unsigned round = 0; round < 16; round++) {
		for (size_t i = 0; i < BYTES; i += 64) {
			snprintf(line, sizeof(line), "h14 %08u %08zu %016llx %024d\n", round, i,
				 (unsigned long long)churn_word(round + 1, i), 0);
			memcpy(text + i, line, 64);
		}
		wrong += churn_walk(&b, 1);
		for (size_t done = 0; done < BYTES;) {
			ssize_t n = write(1, text + done, BYTES - done);

			if (n <= 0)
				return 2;
			done += (size_t)n;
		}
	}
	return wrong != 0;
}
