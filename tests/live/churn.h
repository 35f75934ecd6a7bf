/* SPDX-License-Identifier: Apache-2.0 */
/*
 * churn.h - memory that is larger than the frames, and walks through it: what most live tests are made of.
 *
 * A block has `pages` private pages. In generation g, word 0 and one more word of page i hold churn_word(g,
 * i); generation 0 is zeros. churn_walk() compares every page with the current generation and writes the next.
 */
#ifndef TESTS_LIVE_CHURN_H
#define TESTS_LIVE_CHURN_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ul
#define WORDS (PAGE / 8)

struct block {
	volatile uint64_t *word;
	size_t pages;
	uint64_t generation;
};

static inline uint64_t churn_word(uint64_t generation, size_t page)
{
	uint64_t z = generation * 0x9E3779B97F4A7C15ull ^ page;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
	return generation ? z ^ (z >> 31) : 0;
}

static inline void *churn_memory(size_t pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return p;
}

static inline struct block churn_make(size_t pages)
{
	return (struct block){ churn_memory(pages), pages, 0 };
}

static inline size_t churn_second(size_t page)
{
	return page * WORDS + 1 + page % (WORDS - 1);
}

/* Number of wrong pages. */
static inline size_t churn_check(const struct block *b)
{
	size_t wrong = 0;

	for (size_t i = 0; i < b->pages; i++) {
		uint64_t want = churn_word(b->generation, i);

		wrong += b->word[i * WORDS] != want || b->word[churn_second(i)] != want;
	}
	return wrong;
}

static inline void churn_write(struct block *b)
{
	b->generation++;
	for (size_t i = 0; i < b->pages; i++) {
		b->word[i * WORDS] = churn_word(b->generation, i);
		b->word[churn_second(i)] = churn_word(b->generation, i);
	}
}

/* Number of wrong pages, over `rounds` rounds. */
static inline size_t churn_walk(struct block *b, unsigned rounds)
{
	size_t wrong = 0;

	while (rounds--) {
		wrong += churn_check(b);
		churn_write(b);
	}
	return wrong + churn_check(b);
}

/* Says so, for tests that only compare output; returns the exit status. */
static inline int churn_say(const char *what, size_t wrong)
{
	printf("%s: %s\n", what, wrong ? "WRONG" : "ok");
	fflush(stdout);
	return wrong != 0;
}

#endif
