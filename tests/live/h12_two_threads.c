/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h12_two_threads.c - two threads; each copies between many pages at once, so that one instruction needs
 * several pages at a time (rep movs across page borders), and passes a token to the other in a shared page.
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#define ROUNDS 16ul

static unsigned char *area[2];
static volatile uint64_t *token;

static void *work(void *arg)
{
	size_t me = (size_t)(uintptr_t)arg, wrong = 0;
	unsigned char *m = area[me];

	for (size_t round = 0; round < ROUNDS; round++) {
		while (__atomic_load_n(token, __ATOMIC_ACQUIRE) % 2 != me && round % 4 == 0)
			sched_yield();
		memset(m + 100, (int)(round + me), 9 * PAGE);
		for (size_t i = 1; i < 30; i++)
			memcpy(m + i * 10 * PAGE + 100 - i, m + (i - 1) * 10 * PAGE + 100 - (i - 1),
			       9 * PAGE);
		for (size_t i = 0; i < 9 * PAGE; i += 511)
			wrong += m[29 * 10 * PAGE + 100 - 29 + i] != (unsigned char)(round + me);
		if (round % 4 == 0)
			__atomic_add_fetch(token, 1, __ATOMIC_RELEASE);
	}
	return (void *)wrong;
}

int main(void)
{
	pthread_t id[2];
	size_t wrong = 0;

	token = churn_memory(256);
	for (size_t t = 0; t < 2; t++)
		area[t] = churn_memory(320);
	for (size_t t = 0; t < 2; t++)
		if (pthread_create(&id[t], NULL, work, (void *)(uintptr_t)t))
			return 2;
	for (size_t t = 0; t < 2; t++) {
		void *result;

		pthread_join(id[t], &result);
		wrong += (size_t)result;
	}
	return churn_say("memory", wrong + (*token != ROUNDS / 2));
}
