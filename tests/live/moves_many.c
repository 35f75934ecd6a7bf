/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moves_many.c - one mremap of a range of many mappings (Linux 6.17 and later): each page must arrive.
 *
 * Every second page is made read-only, so that the range has as many mappings as pages. Prints what the kernel answered, and
 * how many pages are wrong at the new place.
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <errno.h>
#include <string.h>

#define PAGES 300ul

int main(void)
{
	struct block b = churn_make(PAGES), rest;
	size_t wrong = 0;
	char *to;
	void *p;

	churn_write(&b);
	for (size_t i = 0; i < PAGES; i += 2)
		mprotect((char *)b.word + i * PAGE, PAGE, PROT_READ);
	rest = churn_make(600); /* out of the frames */
	churn_write(&rest);
	to = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p = mremap((void *)b.word, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	if (p == MAP_FAILED) {
		printf("moves_many: %s\n", strerror(errno));
	} else {
		b.word = p;
		wrong = churn_check(&b);
		printf("moves_many: %s, %zu wrong\n", p == to ? "moved" : "elsewhere", wrong);
	}
	return wrong || churn_check(&rest);
}
