/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h06_mremap.c - memory that grows by moving (as realloc does), with pages in every state, and another thread
 * faulting meanwhile.
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <pthread.h>

static volatile int stop;

static void *beside(void *arg)
{
	size_t wrong = 0;

	while (!stop)
		wrong += churn_walk(arg, 1);
	return (void *)wrong;
}

int main(void)
{
	struct block other = churn_make(300);
	pthread_t id;
	void *result;
	size_t wrong = 0;

	if (pthread_create(&id, NULL, beside, &other))
		return 2;
	for (int round = 0; round < 6; round++) {
		struct block b = churn_make(64);

		churn_write(&b);
		while (b.pages < 1000) {
			size_t more = b.pages * 2;
			void *blocker = mmap((char *)b.word + b.pages * PAGE, PAGE, PROT_NONE,
					     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
					     0);
			void *moved =
				mremap((void *)b.word, b.pages * PAGE, more * PAGE, MREMAP_MAYMOVE);

			if (moved == MAP_FAILED)
				return perror("mremap"), 2;
			if (blocker != MAP_FAILED)
				munmap(blocker, PAGE);
			b.word = moved;
			wrong += churn_check(&b);
			for (size_t i = b.pages; i < more; i++)
				wrong += b.word[i * WORDS] != 0;
			b.pages = more;
			churn_write(&b);
		}
		wrong += churn_check(&b);
		munmap((void *)b.word, b.pages * PAGE);
	}
	char *heap = malloc(300000);

	for (size_t n = 300000; n < 6000000; n += 300000) { /* glibc's own */
		for (size_t i = n - 300000; i < n; i += 100)
			heap[i] = (char)(i / 100);
		heap = realloc(heap, n + 300000);
		for (size_t i = 0; heap && i < n; i += 100)
			wrong += heap[i] != (char)(i / 100);
	}
	free(heap);
	stop = 1;
	pthread_join(id, &result);
	return churn_say("memory", wrong + (size_t)result);
}
