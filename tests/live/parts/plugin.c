/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c - a shared object with a constructor, a destructor, data, thread-local storage and memory of its own.
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

static struct block b;
static uint64_t table[4096] = { 1, 2, 3 };
static __thread uint64_t per_thread[512];

__attribute__((constructor)) static void begin(void)
{
	b = churn_make(300);
	churn_write(&b);
}

__attribute__((destructor)) static void end(void)
{
	if (churn_check(&b))
		churn_say("destructor", 1);
	munmap((void *)b.word, b.pages * PAGE);
}

size_t plugin_work(uint64_t n);
size_t plugin_work(uint64_t n)
{
	size_t wrong = churn_walk(&b, 1);

	for (size_t i = 0; i < 4096; i++)
		table[i] += n;
	for (size_t i = 0; i < 512; i++)
		per_thread[i] += n;
	return wrong + (table[1] != 2 + n) + (per_thread[5] != n);
}
